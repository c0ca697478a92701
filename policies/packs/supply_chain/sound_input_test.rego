package supply_chain_test

import data.holdfast.supply_chain as pack

image := "registry.example/team/app@sha256:aa"

day := 86400000000000

now := 1000 * day

signer := {"authority": "release", "kind": "key", "signer": "sha256:1"}

none := {"critical": 0, "high": 0, "medium": 0, "low": 0, "negligible": 0, "unknown": 0}

attested(kind, name, content) := {
	"kind": kind, "predicateType": concat("/", ["https://example.org", kind]), "signers": [signer],
	"subjectDigest": "sha256:aa", "signedAtNs": null, name: content,
}

zlib := {"name": "zlib", "group": "", "version": "1.2", "purl": "pkg:deb/debian/zlib@1.2?arch=amd64", "licenses": ["Zlib"], "licenseIds": ["Zlib"]}

log4j := {
	"name": "log4j-core", "group": "org.apache", "version": "2.14.1", "purl": "pkg:maven/org.apache/log4j-core@2.14.1",
	"licenses": ["Apache-2.0 OR MIT"], "licenseIds": ["Apache-2.0", "MIT"],
}

sbom := attested("sbom", "sbom", {"format": "spdx-2.3", "createdNs": now - day, "packages": [zlib, log4j], "packageCount": 2, "isTruncated": false})

finding_of(id, severity) := {
	"id": id, "aliases": [], "severity": severity, "package": "zlib", "version": "1.2",
	"purl": "pkg:deb/debian/zlib@1.2?arch=amd64", "isFixable": false, "fixedIn": [],
}

report(findings, days_ago) := attested("vulnerabilities", "report", {
	"format": "trivy", "scannedNs": now - (days_ago * day), "databaseNs": null, "findings": findings, "isTruncated": false,
	"counts": object.union(none, {severity: number |
		some severity, _ in none
		number := count([one | some one in findings; one.severity == severity])
	}),
	"fixable": object.union(none, {severity: number |
		some severity, _ in none
		number := count([one | some one in findings; one.severity == severity; one.isFixable])
	}),
})

provenance := attested("provenance", "provenance", {
	"format": "slsa-v1", "builderId": "https://ci.example/builder@v2", "buildType": "t",
	"source": {"repository": "https://git.example/team/app", "ref": "main", "commit": null},
	"materials": [], "isTruncated": false, "finishedNs": now - day,
})

facts := {
	"repository": "registry.example/team/app", "digest": "sha256:aa", "createdNs": now - (10 * day),
	"compressedBytes": 1000, "layerCount": 2, "layers": [{"diffId": "sha256:low"}, {"diffId": "sha256:high"}],
	"base": {"name": "docker.io/library/debian:12", "digest": "sha256:base"}, "signatures": [signer],
	"attestations": [sbom, report([], 1), provenance],
}

input_of(tested) := {"now": now, "pod": {"initContainers": [], "containers": [{"name": "app", "image": image}]}, "images": {image: tested}}

with_facts(changes) := input_of(object.union(facts, changes))

with_attestations(attestations) := with_facts({"attestations": attestations})

no_facts := object.union(input_of(facts), {"images": {image: null}})

# What the pack finds when one section of the settings demands something of every image.
found(section, wanted, tested) := {one.rule | some one in all_found([{"repositories": ["*"], section: wanted}], tested)}

all_found(settings, tested) := {one |
	some one in pack[_].findings with input as tested with data.settings as {"supply-chain": settings}
}

messages(section, wanted, tested) := concat(" ", {one.message | some one in all_found([{"repositories": ["*"], section: wanted}], tested)})

test_nothing_is_demanded_without_settings if {
	count({one | some one in pack[_].findings with input as no_facts}) == 0
	count(all_found([], no_facts)) == 0
}

test_findings_are_complete_and_at_the_image if {
	every one in all_found([{"repositories": ["*"], "age": {"maxDays": 1}, "size": {"maxLayers": 1}}], with_facts({})) {
		one.policy == "supply-chain"
		one.severity == "deny"
		one.field == "containers[0].image"
		contains(one.message, "\"app\"")
	}
}

test_init_containers_are_judged_too if {
	tested := object.union(input_of(facts), {"pod": {"initContainers": [{"name": "first", "image": image}], "containers": []}})
	{one.field | some one in all_found([{"repositories": ["*"], "age": {"maxDays": 1}}], tested)} == {"initContainers[0].image"}
}

test_an_image_without_facts_meets_no_demand if {
	demands := {
		"signed-by": ["signedBy", {"anyOf": ["release"]}], "attestations": ["attestations", [{"kind": "sbom"}]],
		"vulnerabilities": ["vulnerabilities", {"highest": "critical"}], "packages": ["packages", {"forbidden": ["x"]}],
		"provenance": ["provenance", {"builders": ["*"]}], "age": ["age", {"maxDays": 9999}],
		"size": ["size", {"maxLayers": 9999}], "base-image": ["baseImages", {"names": ["x"]}],
	}
	every rule, demand in demands {
		found(demand[0], demand[1], no_facts) == {rule}
		found(demand[0], demand[1], object.remove(no_facts, ["images"])) == {rule}
	}
}
