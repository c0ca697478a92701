package baseline_test

switches := ["privileged", "allowPrivilegeEscalation"]

switch_path(name) := concat("", ["securityContext/", name])

switch_fields(name) := {concat("", ["containers[0].securityContext.", name])}

test_anything_but_false_is_privileged if {
	every value in [true, null, 0, 1, "false", "no", "", [], {}] {
		every name in switches {
			fields("no-privileged", container_with(switch_path(name), value)) == switch_fields(name)
		}
		fields("no-privileged", patched("add", "/pod/hostUsers", value)) == {"hostUsers"}
	}
}

test_missing_switch_is_privileged if {
	every name in switches {
		fields("no-privileged", container_without(switch_path(name))) == switch_fields(name)
	}
	fields("no-privileged", json.patch(sound, [{"op": "remove", "path": "/pod/hostUsers"}])) == {"hostUsers"}
}

test_missing_security_context_is_privileged if {
	both := switch_fields("privileged") | switch_fields("allowPrivilegeEscalation")
	fields("no-privileged", container_without("securityContext")) == both
}
