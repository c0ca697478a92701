package holdfast.baseline.node_namespaces

import data.finding

# METADATA
# title: No pod sees the node's processes or shared memory
# description: |
#   In the node's pid namespace a container sees what every other runs and with which arguments, and may signal those of
#   its own user; in its ipc namespace it reads and writes their shared memory.
# scope: rule
# custom:
#   policy: baseline
#   rule: node-namespaces
#   severity: deny
#   remediation: Set it to false, or remove it; shareProcessNamespace shares processes within the pod.
findings contains found if {
	some name, problem in {
		"hostPID": "The pod sees the processes of the node and of every other pod.",
		"hostIPC": "The pod shares memory and message queues with the node.",
	}

	# Pods of agents that did not know the field have neither.
	not object.get(input.pod, name, false) == false
	found := finding.at(rego.metadata.rule(), name, problem)
}
