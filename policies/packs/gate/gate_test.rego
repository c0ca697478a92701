package gate_test

import data.gate

pod := {"initContainers": [], "containers": [{"name": "app"}]}

rules(tested) := {found.rule |
	some found in gate.findings with input as tested
	found.policy == "gate"
}

test_known_version_with_containers_passes_the_gate if {
	count(rules({"version": gate.input_version, "pod": pod})) == 0
}

test_other_versions_are_denied if {
	every version in ["", "holdfast.dev/v1", "holdfast.dev/v1alpha2", "HOLDFAST.DEV/V1ALPHA1", null, true, 1, [], {}] {
		rules({"version": version, "pod": pod}) == {"input-version"}
	}
	rules({"pod": pod}) == {"input-version"}
}

test_pod_without_containers_is_denied if {
	every containers in [[], {}, {"app": {"name": "app"}}, null, "app", true, 1, ["app"], [{}, null], [[]]] {
		rules({"version": gate.input_version, "pod": {"initContainers": [], "containers": containers}}) == {"input-shape"}
	}
	rules({"version": gate.input_version}) == {"input-shape"}
	rules({"version": gate.input_version, "pod": {}}) == {"input-shape"}
	rules({"version": gate.input_version, "pod": []}) == {"input-shape"}
}

test_pod_without_a_list_of_init_containers_is_denied if {
	rules({"version": gate.input_version, "pod": {"containers": [{"name": "app"}]}}) == {"input-shape"}
	every inits in [{}, null, "app", true, 1, ["app"], [null]] {
		rules({"version": gate.input_version, "pod": object.union(pod, {"initContainers": inits})}) == {"input-shape"}
	}
}

test_input_that_is_no_object_is_denied if {
	every value in [null, true, false, 0, "", "pod", [], {}] {
		rules(value) == {"input-version", "input-shape"}
	}
}

test_findings_of_the_packs_come_through if {
	some found in gate.findings with input as {"version": gate.input_version, "pod": pod}
	found.policy == "baseline"
}

test_findings_of_a_pack_added_later_come_through if {
	added := {"policy": "site", "rule": "r", "severity": "warn", "message": "m", "field": ""}
	found := gate.findings with data.holdfast as {"site": {"r": {"findings": [added]}}}
	added in found
}
