package holdfast.supply_chain.attestations

import data.finding
import data.pod_container
import data.supply_chain

# METADATA
# title: Every image has the attestations that the settings demand
# description: A statement counts when its signature verified, its signer is one of those named, it can be read, and it is no older than allowed.
# scope: rule
# custom:
#   policy: supply-chain
#   rule: attestations
#   severity: deny
#   remediation: Attest it with cosign attest, or change attestations in the settings.
findings contains found if {
	some one in pod_container.each
	some demand in supply_chain.demands(one.container)
	some wanted in demand.attestations
	not is_there(one.container, wanted)
	problem := concat("", [supply_chain.subject(one), "without ", described(wanted), " that counts."])
	found := finding.at(rego.metadata.rule(), supply_chain.field(one), problem)
}

is_there(container, wanted) if {
	some attestation in pod_container.image_facts(container).attestations
	is_wanted(attestation, wanted)
	supply_chain.is_by(attestation.signers, wanted)
	is_fresh(attestation, wanted)
}

is_wanted(attestation, wanted) if attestation.kind == wanted.kind

is_wanted(attestation, wanted) if {
	attestation.kind != "invalid"
	attestation.predicateType == wanted.predicateType
}

is_fresh(_, wanted) if not wanted.maxAgeHours

is_fresh(attestation, wanted) if supply_chain.is_within_hours(supply_chain.time_of(attestation), wanted.maxAgeHours)

described(wanted) := concat("", ["an attestation of the kind ", wanted.kind])

described(wanted) := concat("", ["an attestation of the type ", wanted.predicateType])
