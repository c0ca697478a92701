package holdfast.baseline.image_signed

import data.finding
import data.pod_container

# METADATA
# title: Every image is signed by a trusted key
# description: A signature ties the image to someone the fleet trusts; a digest only says that it did not change.
# scope: rule
# custom:
#   policy: baseline
#   rule: image-signed
#   severity: deny
#   remediation: Sign the image by its digest with a key the agent trusts, or add the signer's public key to the agent.
findings contains found if {
	some one in pod_container.each
	container := one.container
	not is_signed(container)
	field := pod_container.field(one, "image")
	problem := concat("", ["Container ", pod_container.name(container), " runs an image without a signature of a trusted key."])
	found := finding.at(rego.metadata.rule(), field, problem)
}

is_signed(container) if {
	signers := pod_container.image_facts(container).signedBy
	is_array(signers)
	count(signers) > 0
	every signer in signers {
		is_string(signer)
		signer != ""
	}
}
