package baseline_test

image_field := {"containers[0].image"}

hex := substring(digest, 7, -1)

test_image_without_a_pin_is_denied if {
	every pin in [
		null, "", "latest", true, 1, [], {}, hex, "sha256:", concat("", ["sha256:", upper(hex)]),
		concat("", [digest, "a"]), concat("", [digest, "\n"]), concat("", ["sha512:", hex]),
	] {
		fields("image-digest", image_with("pinnedDigest", pin)) == image_field
	}
}

test_facts_about_another_digest_are_denied if {
	other := concat("", ["sha256:", replace(hex, "a", "b")])
	fields("image-digest", image_with("pinnedDigest", other)) == image_field
}

test_reference_by_tag_is_denied_whatever_the_facts_say if {
	every reference in ["registry.example/app:latest", "registry.example/app", hex, digest] {
		tagged := json.patch(container_with("image", reference), [{
			"op": "add",
			"path": ["images", reference],
			"value": facts,
		}])
		fields("image-digest", tagged) == image_field
	}
}

test_missing_pin_is_denied if {
	fields("image-digest", no_facts) == image_field
	fields("image-digest", image_without("pinnedDigest")) == image_field
	fields("image-digest", container_without("image")) == image_field
}

test_tag_beside_the_digest_passes if {
	reference := concat("", ["registry.example/app:1.2@", digest])
	both := json.patch(container_with("image", reference), [{"op": "add", "path": ["images", reference], "value": facts}])
	count(fields("image-digest", both)) == 0
}
