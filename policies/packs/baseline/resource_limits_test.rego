package baseline_test

limits := {"memory": "memoryBytes", "cpu": "cpuMillis"}

limit_field(written) := {concat("", ["containers[0].resources.limits.", written])}

test_absent_limit_is_denied if {
	every written, key in limits {
		fields("resource-limits", container_without(concat("", ["resources/limits/", key]))) == limit_field(written)
	}
}

test_what_limits_nothing_is_denied if {
	every value in [null, 0, -1, "64Mi", "", true, [], {}] {
		every written, key in limits {
			path := concat("", ["resources/limits/", key])
			fields("resource-limits", container_with(path, value)) == limit_field(written)
		}
	}
}

test_missing_resources_are_denied if {
	both := limit_field("memory") | limit_field("cpu")
	fields("resource-limits", container_without("resources")) == both
	fields("resource-limits", container_without("resources/limits")) == both
}
