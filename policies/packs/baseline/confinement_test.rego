package baseline_test

context_field(name) := {concat("", ["containers[0].securityContext.", name])}

test_container_without_a_filter_is_denied if {
	every value in ["Unconfined", "unconfined", "", null, true, [], {}] {
		fields("confinement", container_with("securityContext/seccompProfile", value)) == context_field("seccompProfile")
	}
	fields("confinement", container_without("securityContext/seccompProfile")) == context_field("seccompProfile")
	count(fields("confinement", container_with("securityContext/seccompProfile", "Localhost"))) == 0
}

test_container_without_its_apparmor_profile_is_denied if {
	every value in ["unconfined", "", true, false, [], {}] {
		fields("confinement", container_with("securityContext/appArmorProfile", value)) == context_field("appArmorProfile")
	}
	every value in [null, "shop"] {
		count(fields("confinement", container_with("securityContext/appArmorProfile", value))) == 0
	}
}

test_unmasked_proc_is_denied if {
	every value in ["Unmasked", "", false, [], {}] {
		fields("confinement", container_with("securityContext/procMount", value)) == context_field("procMount")
	}
	count(fields("confinement", container_with("securityContext/procMount", null))) == 0
}

label := {"user": "system_u", "role": "system_r", "type": "container_t", "level": "s0"}

test_selinux_labels_not_for_containers_are_denied if {
	every changed in [{"type": "spc_t"}, {"user": "root"}, {"role": "sysadm_r"}, {"type": null}, {"type": ["container_t"]}] {
		tested := container_with("securityContext/seLinuxOptions", object.union(label, changed))
		fields("confinement", tested) == context_field("seLinuxOptions")
	}
	every value in ["", false, [], {}] {
		fields("confinement", container_with("securityContext/seLinuxOptions", value)) == context_field("seLinuxOptions")
	}
	every value in [null, label, object.union(label, {"type": "container_init_t", "level": "s0:c1"})] {
		count(fields("confinement", container_with("securityContext/seLinuxOptions", value))) == 0
	}
}

sysctls(list) := fields("confinement", patched("add", "/pod/sysctls", list))

test_sysctls_not_known_to_be_safe_are_denied if {
	safe := {"name": "net.ipv4.tcp_syncookies", "value": "1"}
	count(sysctls([])) == 0
	count(sysctls([safe])) == 0
	every unsafe in [{"name": "net.core.somaxconn"}, {"name": null}, {}, null, "net.ipv4.tcp_syncookies"] {
		sysctls([safe, unsafe]) == {"securityContext.sysctls[1].name"}
	}
	every value in [null, "", 1, {}] {
		sysctls(value) == {"securityContext.sysctls"}
	}
}
