package supply_chain_test

sbom_with(changes) := with_attestations([object.union(sbom, {"sbom": changes})])

test_a_package_is_known_by_every_name_it_has if {
	every name in [
		"log4j-core", "org.apache/log4j-core", "pkg:maven/org.apache/log4j-core",
		"log4j-core@2.14.1", "org.apache/log4j-core@2.14.1", "pkg:maven/org.apache/log4j-core@2.14.1",
	] {
		found("packages", {"forbidden": ["x", name]}, with_facts({})) == {"packages"}
	}
	every name in ["log4j", "log4j-core@2.15.0", "org.apache", "pkg:maven/org.apache/log4j", ""] {
		found("packages", {"forbidden": ["x", name]}, with_facts({})) & {"packages"} == set()
	}
}

test_licences_are_known_in_any_case if {
	found("packages", {"forbiddenLicenses": ["mit"]}, with_facts({})) == {"packages"}
	found("packages", {"forbiddenLicenses": ["GPL-3.0-only"]}, with_facts({})) == set()
	contains(messages("packages", {"forbiddenLicenses": ["MIT"]}, with_facts({})), "MIT (log4j-core)")
}

test_without_a_complete_sbom_nothing_is_ruled_out if {
	wanted := {"forbidden": ["x"]}
	found("packages", wanted, with_facts({})) == set()
	found("packages", wanted, with_attestations([])) == {"packages"}
	found("packages", wanted, sbom_with({"isTruncated": true})) == {"packages"}
	found("packages", wanted, sbom_with({"packages": null})) == {"packages"}
	found("packages", {"forbidden": ["x"], "signers": ["other"]}, with_facts({})) == {"packages"}
}

test_every_sbom_is_looked_at if {
	clean := object.union(sbom, {"sbom": {"packages": [zlib]}})
	found("packages", {"forbidden": ["log4j-core"]}, with_attestations([clean])) == set()
	found("packages", {"forbidden": ["log4j-core"]}, with_attestations([clean, sbom])) == {"packages"}
}
