package holdfast.baseline.no_privileged

import data.finding
import data.pod_container

# METADATA
# title: No container is privileged
# description: |
#   Privileged containers hold every capability and see the node's devices; a process allowed to escalate can gain rights
#   its parent lacks (setuid programs, file capabilities); a pod in the node's user namespace has root's uid for real.
# scope: rule
# custom:
#   policy: baseline
#   rule: no-privileged
#   severity: deny
#   remediation: Set it to false, or remove it.
findings contains found if {
	some claim in privilege_claims
	found := finding.at(rego.metadata.rule(), claim.field, claim.problem)
}

privilege_claims contains {"field": field, "problem": problem} if {
	some one in pod_container.each
	container := one.container
	some name, danger in {
		"privileged": " is privileged: it has full rights over the node.",
		"allowPrivilegeEscalation": " may gain more rights than it starts with, by setuid programs or file capabilities.",
	}
	not container.securityContext[name] == false
	field := pod_container.field(one, concat("", ["securityContext.", name]))
	problem := concat("", ["Container ", pod_container.name(container), danger])
}

privilege_claims contains {"field": "hostUsers", "problem": problem} if {
	not input.pod.hostUsers == false
	problem := "The pod shares the node's user namespace: root inside it is root on the node."
}
