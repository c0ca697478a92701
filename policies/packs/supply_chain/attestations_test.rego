package supply_chain_test

test_attestations_are_demanded_by_kind_or_type if {
	found("attestations", [{"kind": "sbom"}, {"kind": "provenance"}], with_facts({})) == set()
	found("attestations", [{"predicateType": "https://example.org/sbom"}], with_facts({})) == set()
	found("attestations", [{"kind": "vex"}], with_facts({})) == {"attestations"}
	found("attestations", [{"predicateType": "https://example.org/other"}], with_facts({})) == {"attestations"}
	found("attestations", [{"kind": "sbom"}], with_attestations([])) == {"attestations"}
}

test_one_that_cannot_be_read_does_not_count if {
	broken := {"kind": "invalid", "expected": "sbom", "predicateType": "https://example.org/sbom", "signers": [signer]}
	found("attestations", [{"kind": "sbom"}], with_attestations([broken])) == {"attestations"}
	found("attestations", [{"predicateType": "https://example.org/sbom"}], with_attestations([broken])) == {"attestations"}
}

test_only_named_signers_count if {
	found("attestations", [{"kind": "sbom", "signers": ["release"]}], with_facts({})) == set()
	found("attestations", [{"kind": "sbom", "signers": ["other"]}], with_facts({})) == {"attestations"}
	found("attestations", [{"kind": "sbom"}], with_attestations([object.union(sbom, {"signers": []})])) == {"attestations"}
}

test_an_old_one_does_not_count if {
	found("attestations", [{"kind": "sbom", "maxAgeHours": 24}], with_facts({})) == set()
	found("attestations", [{"kind": "sbom", "maxAgeHours": 23}], with_facts({})) == {"attestations"}
	timeless := object.union(sbom, {"sbom": {"createdNs": null}})
	found("attestations", [{"kind": "sbom", "maxAgeHours": 24}], with_attestations([timeless])) == {"attestations"}
}
