# METADATA
# description: The one question the agent asks. It collects what every pack finds, and refuses input no pack could judge.
package gate

import data.finding

input_version := "holdfast.dev/v1alpha1"

# METADATA
# title: Every finding of every pack
findings contains found if {
	some policy, rule
	some found in data.holdfast[policy][rule].findings
}

# METADATA
# title: The input has the version the packs were written for
# description: Fields of another version may mean something else, so nothing they say can be trusted.
# scope: rule
# custom:
#   policy: gate
#   rule: input-version
#   severity: deny
#   remediation: Run an agent and a policy bundle of the same release.
findings contains found if {
	not input.version == input_version
	found := finding.at(rego.metadata.rule(), "", concat("", ["The policies read input version ", input_version, " only."]))
}

# METADATA
# title: The input is a pod with containers
# description: Without a list of containers the rules about containers have nothing to refuse, which must not pass for approval.
# scope: rule
# custom:
#   policy: gate
#   rule: input-shape
#   severity: deny
#   remediation: Write at least one container.
findings contains found if {
	not has_containers
	found := finding.at(rego.metadata.rule(), "containers", "The pod has no list of containers that can be judged.")
}

has_containers if {
	count(input.pod.containers) > 0
	every list in [input.pod.initContainers, input.pod.containers] {
		is_array(list)
		every container in list {
			is_object(container)
		}
	}
}
