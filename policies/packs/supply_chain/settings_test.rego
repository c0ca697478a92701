package supply_chain_test

complete := {
	"repositories": ["*"],
	"signedBy": {"anyOf": ["release"], "atLeast": 1},
	"attestations": [{"kind": "sbom", "signers": ["release"], "maxAgeHours": 24}, {"predicateType": "https://example.org/sbom"}],
	"vulnerabilities": {
		"highest": "none", "unknownAs": "low", "onlyFixable": true, "acceptVex": true,
		"ignore": ["CVE-1"], "signers": ["release"], "maxReportAgeHours": 24,
	},
	"packages": {"forbidden": ["x"], "forbiddenLicenses": ["y"], "signers": ["release"]},
	"provenance": {"builders": ["*"], "sources": ["*"], "signers": ["release"]},
	"baseImages": {"names": ["docker.io/library/debian"], "digests": ["x"], "lowestLayers": ["y"]},
	"size": {"maxCompressedBytes": 1000, "maxLayers": 2},
	"age": {"maxDays": 10},
}

denied(settings) if "settings" in {one.rule | some one in all_found(settings, with_facts({}))}

test_complete_settings_are_understood_and_met if count(all_found([complete], with_facts({}))) == 0

test_every_misspelt_or_misshapen_setting_denies if {
	every path, value in {
		"/repositories": [], "/age": {}, "/age/maxDay": 1, "/age/maxDays": 0, "/size": null, "/size/maxLayers": 1.5,
		"/sise": {"maxLayers": 1}, "/signedBy": ["release"], "/signedBy/anyOf": "release", "/attestations": {},
		"/attestations/0": "sbom", "/attestations/0/kind": "bom", "/attestations/0/predicateType": "x",
		"/attestations/0/maxAgeHours": "24", "/vulnerabilities/highest": "HIGH", "/vulnerabilities/unknownAs": "unknown",
		"/vulnerabilities/ignore": [1], "/vulnerabilities/onlyFixable": "yes", "/packages/forbidden": [""],
		"/packages/signers": [], "/provenance/builder": ["x"], "/baseImages/digests": "x", "/vulnerabilities/signers": false,
	} {
		denied(json.patch([complete], [{"op": "add", "path": concat("", ["/0", path]), "value": value}]))
	}
}

test_what_a_section_is_about_has_to_be_said if {
	every path in ["/repositories", "/signedBy/anyOf", "/vulnerabilities/highest", "/age/maxDays", "/attestations/0/kind"] {
		denied(json.patch([complete], [{"op": "remove", "path": concat("", ["/0", path])}]))
	}
}

test_settings_that_are_no_list_deny if {
	every wrong in [null, {}, "x", 1, true, false, ["x"], [null], [[]]] {
		denied(wrong)
	}
}
