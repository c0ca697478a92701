# METADATA
# description: What rules ask about one container of the pod.
package pod_container

import data.finding

# METADATA
# description: |
#   Every container of the pod with where it is: init containers and sidecars run with the same rights as the others.
each contains {"container": container, "list": list, "index": index} if {
	some list in ["initContainers", "containers"]
	some index, container in input.pod[list]
}

# METADATA
# description: Path of a field of one of them, such as `containers[0].image`.
field(one, name) := concat("", [one.list, "[", format_int(one.index, 10), "].", name])

# METADATA
# description: What is known of the image it runs. Undefined when nothing is, which a rule has to deny.
image_facts(container) := input.images[container.image]

# METADATA
# description: Its name for messages. Always defined, so that no finding is lost for want of a name.
default name(_) := "(without a name)"

name(container) := finding.quoted(container.name)
