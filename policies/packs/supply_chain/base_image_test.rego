package supply_chain_test

test_a_base_is_known_by_name_digest_or_lowest_layer if {
	every allowed in [
		{"names": ["x", "docker.io/library/debian"]}, {"names": ["docker.io/library/debian:12"]},
		{"digests": ["sha256:base"]}, {"lowestLayers": ["sha256:low"]}, {"names": ["x"], "lowestLayers": ["sha256:low"]},
	] {
		found("baseImages", allowed, with_facts({})) == set()
	}
	every allowed in [
		{"names": ["docker.io/library/deb", "docker.io/library"]}, {"names": ["docker.io/library/debian:11"]},
		{"digests": ["sha256:low"]}, {"lowestLayers": ["sha256:high", "sha256:base"]},
	] {
		found("baseImages", allowed, with_facts({})) == {"base-image"}
	}
}

test_an_image_that_does_not_say_has_no_base if {
	silent := with_facts({"base": {"name": null, "digest": null}, "layers": []})
	found("baseImages", {"names": ["x"], "digests": ["y"], "lowestLayers": ["z"]}, silent) == {"base-image"}
}
