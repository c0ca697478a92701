package holdfast.supply_chain.vulnerabilities

import data.finding
import data.pod_container
import data.supply_chain

# METADATA
# title: No image has vulnerabilities worse than the settings allow
# description: The newest report of each scanner counts. Without a report that counts nothing is known, which is denied, too.
# scope: rule
# custom:
#   policy: supply-chain
#   rule: vulnerabilities
#   severity: deny
#   remediation: Update what is vulnerable and attest a new report; or have the vulnerability excused by VEX, or ignored in the settings.
findings contains found if {
	some one in pod_container.each
	some demand in supply_chain.demands(one.container)
	wanted := demand.vulnerabilities
	some said in problems(one.container, wanted)
	found := finding.at(rego.metadata.rule(), supply_chain.field(one), concat("", [supply_chain.subject(one), said]))
}

problems(container, wanted) := {"without a vulnerability report that counts, or with an outdated one only."} if {
	not has_report(container, wanted)
}

problems(container, wanted) := {problem |
	some attestation in current(container, wanted)
	problem := severe_problem(attestation.report, container, wanted)
} if {
	has_report(container, wanted)
}

has_report(container, wanted) if {
	some attestation in current(container, wanted)
	is_fresh(attestation, wanted)
	every one in current(container, wanted) {
		is_sound(one.report)
	}
}

# What is not a number cannot be compared, and would pass.
is_sound(report) if {
	every severity in ["critical", "high", "medium", "low", "negligible", "unknown"] {
		is_number(report.counts[severity])
		is_number(report.fixable[severity])
	}
}

is_fresh(_, wanted) if not wanted.maxReportAgeHours

is_fresh(attestation, wanted) if {
	supply_chain.is_within_hours(supply_chain.time_of(attestation), wanted.maxReportAgeHours)
}

# The newest of each scanner, and all that do not say when they were made.
current(container, wanted) := [attestation |
	reports := supply_chain.accepted(container, "vulnerabilities", wanted)
	some attestation in reports
	not is_superseded(attestation, reports)
]

is_superseded(attestation, reports) if {
	some other in reports
	other.report.format == attestation.report.format
	supply_chain.time_of(other) > supply_chain.time_of(attestation)
}

severe_problem(report, container, wanted) := concat("", ["with vulnerabilities worse than ", wanted.highest, " according to ", report.format, ": ", named(severe, hidden), "."]) if {
	counts := counted(report, wanted)
	above := [severity | some severity, _ in counts; is_above(severity, wanted)]
	listed := [entry | some entry in report.findings; entry.severity in above; is_counted(entry, wanted)]
	severe := {entry.id | some entry in listed; not is_excused(entry, container, wanted)}
	hidden := sum([counts[severity] | some severity in above]) - count(listed)
	count(severe) + hidden > 0
}

named(severe, hidden) := supply_chain.listed(severe) if hidden == 0

named(severe, hidden) := concat("", [supply_chain.listed(severe), " and ", format_int(hidden, 10), " that its report is too long to name"]) if {
	hidden != 0
}

counted(report, wanted) := report.counts if not wanted.onlyFixable

counted(report, wanted) := report.fixable if wanted.onlyFixable

is_counted(_, wanted) if not wanted.onlyFixable

is_counted(entry, wanted) if {
	wanted.onlyFixable
	entry.isFixable
}

ranks := {"none": 0, "negligible": 1, "low": 2, "medium": 3, "high": 4, "critical": 5}

is_above(severity, wanted) if ranks[severity] > ranks[wanted.highest]

is_above("unknown", wanted) if ranks[object.get(wanted, "unknownAs", "critical")] > ranks[wanted.highest]

is_excused(entry, _, wanted) if {
	some name in names_of(entry)
	name in wanted.ignore
}

is_excused(entry, container, wanted) if {
	wanted.acceptVex
	said := [statement |
		some attestation in supply_chain.accepted(container, "vex", wanted)
		some statement in attestation.vex.statements
		is_about(statement, entry)
	]
	some statement in said
	statement.status in {"not_affected", "fixed"}
	not is_contradicted(statement, said)
}

is_about(statement, entry) if {
	statement.isOfImage
	some name in names_of(statement)
	name in names_of(entry)
	is_of_package(statement, entry)
}

is_of_package(statement, _) if count(statement.components) == 0

is_of_package(statement, entry) if {
	some component in statement.components
	bare(component) in {bare(entry.purl), split(bare(entry.purl), "@")[0]}
}

bare(purl) := split(split(purl, "?")[0], "#")[0]

# What was said later counts; of two that were said at once, or nobody knows when, the worse.
is_contradicted(statement, said) if {
	some other in said
	not other.status in {"not_affected", "fixed"}
	not is_later(statement, other)
}

is_later(statement, other) if {
	is_number(statement.statedNs)
	is_number(other.statedNs)
	statement.statedNs > other.statedNs
}

names_of(entry) := array.concat([entry.id], entry.aliases)
