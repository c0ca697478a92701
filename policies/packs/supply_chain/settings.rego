package holdfast.supply_chain.settings

import data.finding
import data.supply_chain

# METADATA
# title: The settings of the pack can be understood
# description: A demand that is misspelt would demand nothing, so every workload is denied until it is put right.
# scope: rule
# custom:
#   policy: supply-chain
#   rule: settings
#   severity: deny
#   remediation: Correct policy.settings of the agent.
findings contains found if {
	some problem in problems
	found := finding.at(rego.metadata.rule(), "", concat("", ["Settings of supply-chain: ", problem, "."]))
}

sections := {
	"signedBy": {"anyOf": "names", "atLeast": "number"},
	"vulnerabilities": {
		"highest": "severity", "unknownAs": "severity", "onlyFixable": "boolean", "acceptVex": "boolean",
		"ignore": "names", "signers": "names", "maxReportAgeHours": "number",
	},
	"packages": {"forbidden": "names", "forbiddenLicenses": "names", "signers": "names"},
	"provenance": {"builders": "names", "sources": "names", "signers": "names"},
	"baseImages": {"names": "names", "digests": "names", "lowestLayers": "names"},
	"size": {"maxCompressedBytes": "number", "maxLayers": "number"},
	"age": {"maxDays": "number"},
}

required := {"signedBy": "anyOf", "vulnerabilities": "highest", "age": "maxDays"}

attestation_fields := {"kind": "kind", "predicateType": "text", "signers": "names", "maxAgeHours": "number"}

problems contains "expected a list" if not is_array(supply_chain.settings)

problems contains problem if {
	some index, entry in supply_chain.settings
	not is_object(entry)
	problem := concat("", [place(index), "expected an object"])
}

problems contains problem if {
	some index, entry in supply_chain.settings
	is_object(entry)
	not is_of("names", object.get(entry, "repositories", null))
	problem := concat("", [place(index), "repositories: expected registry/path, or *, at least one"])
}

problems contains problem if {
	some index, entry in supply_chain.settings
	some name in object.keys(entry)
	not name in object.keys(sections)
	not name in {"repositories", "attestations"}
	problem := concat("", [place(index), name, ": is not known"])
}

problems contains problem if {
	some index, entry in supply_chain.settings
	some name, fields in sections
	section := entry[name]
	some said in section_problems(section, fields)
	problem := concat("", [place(index), name, said])
}

problems contains problem if {
	some index, entry in supply_chain.settings
	some name, field in required
	section := entry[name]
	is_object(section)
	not field in object.keys(section)
	problem := concat("", [place(index), name, ".", field, ": is missing"])
}

problems contains problem if {
	some index, entry in supply_chain.settings
	wanted := entry.attestations
	not is_list(wanted)
	problem := concat("", [place(index), "attestations: expected a list with at least one entry"])
}

problems contains problem if {
	some index, entry in supply_chain.settings
	some nth, wanted in entry.attestations
	some said in array.concat(sorted(section_problems(wanted, attestation_fields)), sorted(aim_problems(wanted)))
	problem := concat("", [place(index), "attestations[", format_int(nth, 10), "]", said])
}

aim_problems(wanted) := {": expected either kind or predicateType"} if {
	is_object(wanted)
	count({name | some name in ["kind", "predicateType"]; name in object.keys(wanted)}) != 1
}

aim_problems(wanted) := set() if {
	is_object(wanted)
	count({name | some name in ["kind", "predicateType"]; name in object.keys(wanted)}) == 1
}

aim_problems(wanted) := set() if not is_object(wanted)

section_problems(section, _) := {": expected an object"} if not is_object(section)

section_problems(section, _) := {": is empty"} if section == {}

section_problems(section, fields) := {problem |
	some field, value in section
	problem := field_problem(field, value, fields)
} if {
	is_object(section)
	section != {}
}

field_problem(field, _, fields) := concat("", [".", field, ": is not known"]) if not fields[field]

field_problem(field, value, fields) := concat("", [".", field, ": expected ", expected[fields[field]]]) if {
	not is_of(fields[field], value)
}

expected := {
	"names": "a list of texts, at least one",
	"number": "a whole number above 0",
	"boolean": "true or false",
	"severity": "none, negligible, low, medium, high or critical",
	"kind": "provenance, sbom, vulnerabilities or vex",
	"text": "a text",
}

is_of("names", value) if {
	is_list(value)
	every name in value {
		is_text(name)
	}
}

is_of("number", value) if {
	is_number(value)
	value > 0
	floor(value) == value
}

is_of("boolean", value) if is_boolean(value)

is_of("severity", value) if value in {"none", "negligible", "low", "medium", "high", "critical"}

is_of("kind", value) if value in {"provenance", "sbom", "vulnerabilities", "vex"}

is_of("text", value) if is_text(value)

is_text(value) if {
	is_string(value)
	value != ""
}

is_list(value) if {
	is_array(value)
	count(value) > 0
}

sorted(set) := [one | some one in set]

place(index) := concat("", ["[", format_int(index, 10), "]."])
