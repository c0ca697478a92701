package holdfast.baseline.image_digest

import data.finding
import data.pod_container

# METADATA
# title: Every image is pinned by digest
# description: A tag can be moved to another image after review; a digest cannot.
# scope: rule
# custom:
#   policy: baseline
#   rule: image-digest
#   severity: deny
#   remediation: "Add the digest to the reference, as in registry.example/app:1.2@sha256:..."
findings contains found if {
	some one in pod_container.each
	container := one.container
	not is_pinned(container)
	field := pod_container.field(one, "image")
	problem := concat("", ["Container ", pod_container.name(container), " runs an image that is not pinned by a sha256 digest."])
	found := finding.at(rego.metadata.rule(), field, problem)
}

# The reference itself has to end with the pin: facts alone could be about another reference.
is_pinned(container) if {
	pin := pod_container.image_facts(container).pinnedDigest
	regex.match(`^sha256:[0-9a-f]{64}$`, pin)
	endswith(container.image, concat("", ["@", pin]))
}
