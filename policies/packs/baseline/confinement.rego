package holdfast.baseline.confinement

import data.finding
import data.pod_container

# METADATA
# title: No container gives up what confines it
# description: |
#   The controls of the Kubernetes Pod Security Standards, level baseline: a seccomp filter, no AppArmor profile taken
#   away, the type of SELinux label containers have, the masked /proc, and only kernel parameters that are known to be safe.
# scope: rule
# custom:
#   policy: baseline
#   rule: confinement
#   severity: deny
#   remediation: Remove the field, or choose a value that confines the container.
findings contains found if {
	some claim in claims
	found := finding.at(rego.metadata.rule(), claim.field, claim.problem)
}

claims contains {"field": pod_container.field(one, "securityContext.seccompProfile"), "problem": problem} if {
	some one in pod_container.each
	not has_filter(one.container)
	problem := concat("", ["Container ", pod_container.name(one.container), " runs without a seccomp filter."])
}

has_filter(container) if container.securityContext.seccompProfile in {"RuntimeDefault", "Localhost"}

# Later fields are absent from what an older agent wrote, where they would say nothing.
claims contains {"field": pod_container.field(one, "securityContext.appArmorProfile"), "problem": problem} if {
	some one in pod_container.each
	profile := object.get(one.container, ["securityContext", "appArmorProfile"], null)
	not is_confining(profile)
	problem := concat("", ["Container ", pod_container.name(one.container), " takes off its AppArmor profile."])
}

is_confining(profile) if is_null(profile)

is_confining(profile) if {
	is_string(profile)
	not profile in {"", "unconfined"}
}

claims contains {"field": pod_container.field(one, "securityContext.procMount"), "problem": problem} if {
	some one in pod_container.each
	not is_null(object.get(one.container, ["securityContext", "procMount"], null))
	problem := concat("", ["Container ", pod_container.name(one.container), " sees all of /proc, and may write to its settings."])
}

claims contains {"field": pod_container.field(one, "securityContext.seLinuxOptions"), "problem": problem} if {
	some one in pod_container.each
	label := object.get(one.container, ["securityContext", "seLinuxOptions"], null)
	not is_container_label(label)
	problem := concat("", ["Container ", pod_container.name(one.container), " has an SELinux label that is not one for containers."])
}

is_container_label(label) if is_null(label)

is_container_label(label) if {
	label.user == "system_u"
	label.role == "system_r"
	label.type in {"container_t", "container_init_t", "container_kvm_t", "container_engine_t"}
}

safe_sysctls := {
	"kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.ip_local_reserved_ports",
	"net.ipv4.ip_unprivileged_port_start", "net.ipv4.ping_group_range", "net.ipv4.tcp_fin_timeout",
	"net.ipv4.tcp_keepalive_intvl", "net.ipv4.tcp_keepalive_probes", "net.ipv4.tcp_keepalive_time",
	"net.ipv4.tcp_rmem", "net.ipv4.tcp_syncookies", "net.ipv4.tcp_wmem",
}

is_safe(sysctl) if sysctl.name in safe_sysctls

claims contains {"field": "securityContext.sysctls", "problem": "The list of kernel parameters is none."} if {
	not is_array(object.get(input.pod, "sysctls", []))
}

claims contains {"field": field, "problem": problem} if {
	some index, sysctl in object.get(input.pod, "sysctls", [])
	not is_safe(sysctl)
	field := concat("", ["securityContext.sysctls[", format_int(index, 10), "].name"])
	problem := "The pod sets a kernel parameter that is not known to be safe."
}
