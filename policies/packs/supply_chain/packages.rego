package holdfast.supply_chain.packages

import data.finding
import data.pod_container
import data.supply_chain

# METADATA
# title: No image has packages or licences that the settings forbid
# description: "Every SBOM that counts is looked at, and one of them has to be complete: what is not listed cannot be ruled out."
# scope: rule
# custom:
#   policy: supply-chain
#   rule: packages
#   severity: deny
#   remediation: Remove the package from the image and attest a complete SBOM in SPDX or CycloneDX, or change packages in the settings.
findings contains found if {
	some one in pod_container.each
	some demand in supply_chain.demands(one.container)
	some said in problems(one.container, demand.packages)
	found := finding.at(rego.metadata.rule(), supply_chain.field(one), concat("", [supply_chain.subject(one), said]))
}

problems(container, wanted) := {"without a complete SBOM that counts."} if not has_sbom(container, wanted)

problems(container, wanted) := {problem |
	some there in [forbidden_packages(container, wanted), forbidden_licenses(container, wanted)]
	count(there) > 0
	problem := concat("", ["with what is forbidden: ", supply_chain.listed(there), "."])
} if {
	has_sbom(container, wanted)
}

has_sbom(container, wanted) if {
	some attestation in supply_chain.accepted(container, "sbom", wanted)
	attestation.sbom.isTruncated == false
	is_array(attestation.sbom.packages)
}

forbidden_packages(container, wanted) := {entry |
	some attestation in supply_chain.accepted(container, "sbom", wanted)
	some one in attestation.sbom.packages
	some entry in wanted.forbidden
	is_named(one, entry)
}

# What is not a match is told apart first, without making a text for each of thousands of packages.
is_named(one, entry) if entry == one.name

is_named(one, entry) if {
	contains(entry, one.name)
	some name in [one.name, concat("/", [one.group, one.name])]
	entry in {name, concat("@", [name, one.version])}
}

is_named(one, entry) if {
	startswith(entry, "pkg:")
	startswith(one.purl, entry)
	bare := split(one.purl, "?")[0]
	entry in {bare, split(bare, "@")[0]}
}

forbidden_licenses(container, wanted) := {concat("", [id, " (", one.name, ")"]) |
	unwelcome := {lower(id) | some id in wanted.forbiddenLicenses}
	sboms := [attestation.sbom | some attestation in supply_chain.accepted(container, "sbom", wanted)]
	there := {id | some id in sboms[_].packages[_].licenseIds}
	met := {id | some id in there; lower(id) in unwelcome}
	some one in sboms[_].packages
	some id in one.licenseIds
	id in met
}
