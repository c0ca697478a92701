package holdfast.supply_chain.size

import data.finding
import data.pod_container
import data.supply_chain

# METADATA
# title: No image is larger than the settings allow
# description: What every node has to fetch and keep costs bandwidth and disk.
# scope: rule
# custom:
#   policy: supply-chain
#   rule: size
#   severity: deny
#   remediation: Make the image smaller, or change size in the settings.
findings contains found if {
	some one in pod_container.each
	some demand in supply_chain.demands(one.container)
	some limit, fact in {"maxCompressedBytes": "compressedBytes", "maxLayers": "layerCount"}
	most := demand.size[limit]
	not is_within(one.container, fact, most)
	problem := concat("", [supply_chain.subject(one), "whose ", fact, " is above ", format_int(most, 10), "."])
	found := finding.at(rego.metadata.rule(), supply_chain.field(one), problem)
}

is_within(container, fact, most) if {
	is_number(pod_container.image_facts(container)[fact])
	pod_container.image_facts(container)[fact] <= most
}
