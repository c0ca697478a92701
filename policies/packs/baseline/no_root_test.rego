package baseline_test

user_fields := {"containers[0].securityContext.runAsUser"}

test_uid_above_zero_passes if {
	every uid in [1, 1000, 65535, 2147483647] {
		count(fields("no-root", container_with("securityContext/runAsUser", uid))) == 0
	}
}

test_uid_of_the_manifest_wins_over_the_image if {
	rooted := json.patch(image_with("user", "root"), [{
		"op": "add",
		"path": "/pod/containers/0/securityContext/runAsUser",
		"value": 7,
	}])
	count(fields("no-root", rooted)) == 0
}

test_root_and_things_that_are_no_uid_are_denied if {
	every uid in [0, -1, 0.5, 2147483648, 4294967296, "1000", "0", "", true, false, [], [1], {}] {
		fields("no-root", container_with("securityContext/runAsUser", uid)) == user_fields
	}
}

test_missing_security_context_is_denied if {
	fields("no-root", container_without("securityContext/runAsUser")) == user_fields
	fields("no-root", container_without("securityContext")) == user_fields
	fields("no-root", container_with("securityContext", null)) == user_fields
}

test_numeric_image_user_passes if {
	every user in ["1", "1000", "1000:0", "65532:nogroup", "2147483647"] {
		count(fields("no-root", image_with("user", user))) == 0
	}
}

test_image_user_that_may_be_root_is_denied if {
	every user in [
		"", "0", "0:1000", ":1000", "root", "nobody", "app:1000", "00", "01", "+1", "-1", " 1", "1 ", "1\n", "0x1", "1e3", "1.5",
		"4294967296", "9999999999", "99999999999999999999", null, 1000, [], {},
	] {
		fields("no-root", image_with("user", user)) == user_fields
	}
}

test_missing_image_facts_are_denied if {
	fields("no-root", no_facts) == user_fields
	fields("no-root", image_without("user")) == user_fields
	fields("no-root", container_without("image")) == user_fields
}

test_second_container_is_looked_at_too if {
	two := patched("add", "/pod/containers/-", {"name": "side", "securityContext": {"runAsUser": 0}})
	fields("no-root", two) == {"containers[1].securityContext.runAsUser"}
}
