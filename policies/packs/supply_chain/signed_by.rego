package holdfast.supply_chain.signed_by

import data.finding
import data.pod_container
import data.supply_chain

# METADATA
# title: Every image is signed by those whom the settings name
# description: Who has to vouch for an image may differ from one repository to the next; a threshold counts each signer once.
# scope: rule
# custom:
#   policy: supply-chain
#   rule: signed-by
#   severity: deny
#   remediation: Have the image signed by those the settings name, or change signedBy in the settings.
findings contains found if {
	some one in pod_container.each
	some demand in supply_chain.demands(one.container)
	wanted := demand.signedBy
	signers := {signature.signer |
		some signature in pod_container.image_facts(one.container).signatures
		signature.authority in wanted.anyOf
	}
	count(signers) < object.get(wanted, "atLeast", 1)
	problem := concat("", [
		supply_chain.subject(one), "signed by ", format_int(count(signers), 10), " of ", supply_chain.listed(wanted.anyOf),
		" where ", format_int(object.get(wanted, "atLeast", 1), 10), " are demanded.",
	])
	found := finding.at(rego.metadata.rule(), supply_chain.field(one), problem)
}
