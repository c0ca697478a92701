# METADATA
# description: What rules ask about one container of the pod.
package pod_container

import data.finding

# METADATA
# description: Path of a field of the container with this index, such as `containers[0].image`.
field(index, name) := concat("", ["containers[", format_int(index, 10), "].", name])

# METADATA
# description: What is known of the image it runs. Undefined when nothing is, which a rule has to deny.
image_facts(container) := input.images[container.image]

# METADATA
# description: Its name for messages. Always defined, so that no finding is lost for want of a name.
default name(_) := "(without a name)"

name(container) := finding.quoted(container.name)
