package holdfast.supply_chain.age

import data.finding
import data.pod_container
import data.supply_chain

# METADATA
# title: No image is older than the settings allow
# description: Old images lack the updates of what they are made of. The age is the one that the image says, at the time it is judged.
# scope: rule
# custom:
#   policy: supply-chain
#   rule: age
#   severity: deny
#   remediation: Build the image again, or change age in the settings; a node with a wrong clock takes every image for too old.
findings contains found if {
	some one in pod_container.each
	some demand in supply_chain.demands(one.container)
	days := demand.age.maxDays
	not is_young(one.container, days)
	problem := concat("", [supply_chain.subject(one), "that is older than ", format_int(days, 10), " days, or does not say when it was made."])
	found := finding.at(rego.metadata.rule(), supply_chain.field(one), problem)
}

is_young(container, days) if supply_chain.is_within_hours(pod_container.image_facts(container).createdNs, days * 24)
