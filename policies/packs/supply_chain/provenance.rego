package holdfast.supply_chain.provenance

import data.finding
import data.pod_container
import data.supply_chain

# METADATA
# title: Every image was built where and from what the settings say
# description: SLSA provenance that verified names the builder and the repository; a signature alone does not say how the image came to be.
# scope: rule
# custom:
#   policy: supply-chain
#   rule: provenance
#   severity: deny
#   remediation: Build the image there and attest its provenance, or change provenance in the settings.
findings contains found if {
	some one in pod_container.each
	some demand in supply_chain.demands(one.container)
	wanted := demand.provenance
	not is_built_so(one.container, wanted)
	problem := concat("", [supply_chain.subject(one), "without provenance of a builder and a source that are allowed", said(one.container), "."])
	found := finding.at(rego.metadata.rule(), supply_chain.field(one), problem)
}

is_built_so(container, wanted) if {
	some attestation in supply_chain.accepted(container, "provenance", wanted)
	is_allowed(wanted, "builders", attestation.provenance.builderId)
	is_allowed(wanted, "sources", source_of(attestation.provenance))
}

is_allowed(wanted, name, _) if not wanted[name]

is_allowed(wanted, name, text) if {
	some pattern in wanted[name]
	supply_chain.matches(pattern, text)
}

default source_of(_) := ""

source_of(provenance) := provenance.source.repository

default said(_) := ""

said(container) := concat("", [" (there is: ", supply_chain.listed(there), ")"]) if {
	there := {concat(" from ", [attestation.provenance.builderId, source_of(attestation.provenance)]) |
		some attestation in pod_container.image_facts(container).attestations
	}
	count(there) > 0
}
