package holdfast.baseline.resource_limits

import data.finding
import data.pod_container

# METADATA
# title: Every container has a memory and a CPU limit
# description: Without a limit one container can take what every other workload, and the agent, need.
# scope: rule
# custom:
#   policy: baseline
#   rule: resource-limits
#   severity: deny
#   remediation: "Set resources.limits.memory and resources.limits.cpu, such as memory: 128Mi and cpu: 250m."
findings contains found if {
	some one in pod_container.each
	container := one.container
	some limit in [
		{"written": "memory", "key": "memoryBytes"},
		{"written": "cpu", "key": "cpuMillis"},
	]
	not has_limit(container, limit.key)
	field := pod_container.field(one, concat("", ["resources.limits.", limit.written]))
	problem := concat("", ["Container ", pod_container.name(container), " has no ", limit.written, " limit."])
	found := finding.at(rego.metadata.rule(), field, problem)
}

# The lookup is in here, not at the call: in `not f(x.missing)` the lookup alone would fail, and the rule with it.
has_limit(container, key) if {
	quantity := container.resources.limits[key]
	is_number(quantity)
	quantity > 0
}
