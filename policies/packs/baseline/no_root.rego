package holdfast.baseline.no_root

import data.finding
import data.pod_container

# METADATA
# title: No container runs as root
# description: |
#   The user is securityContext.runAsUser, else the User of the image. A process with uid 0 is one kernel bug away from
#   the node, and a user name is no proof: the image's own passwd file decides which uid it means.
# scope: rule
# custom:
#   policy: baseline
#   rule: no-root
#   severity: deny
#   remediation: Set securityContext.runAsUser to a uid from 1 to 2147483647, or give the image a numeric USER.
findings contains found if {
	some one in pod_container.each
	container := one.container
	not runs_unprivileged(container)
	field := pod_container.field(one, "securityContext.runAsUser")
	problem := concat("", ["Container ", pod_container.name(container), root_problem(container)])
	found := finding.at(rego.metadata.rule(), field, problem)
}

runs_unprivileged(container) if is_unprivileged_uid(container.securityContext.runAsUser)

runs_unprivileged(container) if {
	takes_image_user(container)

	# "uid", "uid:gid" or names. Leading zeros and signs are refused: parsers disagree about them.
	user := split(pod_container.image_facts(container).user, ":")[0]
	regex.match(`^[1-9][0-9]{0,9}$`, user)
	is_unprivileged_uid(to_number(user))
}

takes_image_user(container) if is_null(container.securityContext.runAsUser)

is_unprivileged_uid(uid) if {
	is_number(uid)
	floor(uid) == uid
	uid > 0
	uid <= 2147483647
}

default root_problem(_) := " runs as root, or as a user that is not a uid."

root_problem(container) := " has no runAsUser, and its image names no user, which means root." if {
	takes_image_user(container)
	pod_container.image_facts(container).user == ""
} else := concat("", [" has no runAsUser, and the user of its image, ", user, ", is no uid other than 0."]) if {
	takes_image_user(container)
	user := finding.quoted(pod_container.image_facts(container).user)
} else := " has no runAsUser, and nothing is known of the user of its image." if takes_image_user(container)
