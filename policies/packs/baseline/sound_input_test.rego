package baseline_test

import data.holdfast.baseline

digest := "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

image := concat("", ["registry.example/app@", digest])

facts := {"digest": digest, "pinnedDigest": digest, "user": "1000:1000", "labels": {}, "signedBy": ["release"]}

# Meets every rule; each test spoils one field of it.
sound := {
	"version": "holdfast.dev/v1alpha1",
	"pod": {
		"hostUsers": false,
		"initContainers": [],
		"containers": [{
			"name": "app",
			"image": image,
			"resources": {"limits": {"memoryBytes": 67108864, "cpuMillis": 100}},
			"securityContext": {
				"privileged": false, "allowPrivilegeEscalation": false,
				"runAsUser": null, "seccompProfile": "RuntimeDefault",
			},
		}],
	},
	"images": {image: facts},
}

patched(op, path, value) := json.patch(sound, [{"op": op, "path": path, "value": value}])

container_with(path, value) := patched("add", concat("", ["/pod/containers/0/", path]), value)

container_without(path) := json.patch(sound, [{"op": "remove", "path": concat("", ["/pod/containers/0/", path])}])

image_with(key, value) := json.patch(sound, [{"op": "add", "path": ["images", image, key], "value": value}])

image_without(key) := json.patch(sound, [{"op": "remove", "path": ["images", image, key]}])

no_facts := json.patch(sound, [{"op": "replace", "path": "/images", "value": {}}])

findings_of(tested) := {found |
	some found in baseline[_].findings with input as tested
}

fields(rule, tested) := {found.field |
	some found in findings_of(tested)
	found.rule == rule
}

test_sound_input_has_no_finding if count(findings_of(sound)) == 0

test_init_containers_are_judged_like_the_others if {
	found := findings_of(patched("add", "/pod/initContainers/0", {"name": "first", "isSidecar": false}))
	{one.rule | some one in found} == {"no-root", "no-privileged", "resource-limits", "image-digest", "image-signed", "confinement"}
	every one in found {
		startswith(one.field, "initContainers[0].")
	}
}

test_every_finding_is_complete if {
	found := findings_of({"pod": {"containers": [{}]}})
	count({one.rule | some one in found}) == 6
	every one in found {
		one.policy == "baseline"
		one.severity == "deny"
		one.message != ""
	}
}
