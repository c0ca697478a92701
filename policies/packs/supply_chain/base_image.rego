package holdfast.supply_chain.base_image

import data.finding
import data.pod_container
import data.supply_chain

# METADATA
# title: Every image is made from a base that the settings allow
# description: A base is known by what the image's maker says (org.opencontainers.image.base), or by its lowest layer, which cannot be claimed but has to be there.
# scope: rule
# custom:
#   policy: supply-chain
#   rule: base-image
#   severity: deny
#   remediation: Build the image from one of the allowed bases, or change baseImages in the settings.
findings contains found if {
	some one in pod_container.each
	some demand in supply_chain.demands(one.container)
	wanted := demand.baseImages
	not is_allowed(one.container, wanted)
	problem := concat("", [supply_chain.subject(one), "made from a base that is not allowed, or does not say from what."])
	found := finding.at(rego.metadata.rule(), supply_chain.field(one), problem)
}

is_allowed(container, wanted) if pod_container.image_facts(container).base.digest in wanted.digests

is_allowed(container, wanted) if pod_container.image_facts(container).layers[0].diffId in wanted.lowestLayers

is_allowed(container, wanted) if {
	name := pod_container.image_facts(container).base.name
	some allowed in wanted.names
	is_named(name, allowed)
}

is_named(name, allowed) if name == allowed

is_named(name, allowed) if {
	some mark in [":", "@"]
	startswith(name, concat("", [allowed, mark]))
}
