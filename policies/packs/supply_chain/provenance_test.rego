package supply_chain_test

test_builder_and_source_have_to_be_allowed_together if {
	builders := ["https://ci.example/builder@*"]
	sources := ["https://git.example/team/app"]
	found("provenance", {"builders": builders, "sources": sources}, with_facts({})) == set()
	found("provenance", {"builders": ["https://ci.example/other"], "sources": sources}, with_facts({})) == {"provenance"}
	found("provenance", {"builders": builders, "sources": ["https://git.example/team/*x"]}, with_facts({})) == {"provenance"}
	other := object.union(provenance, {"provenance": {"builderId": "https://ci.example/other"}})
	elsewhere := object.union(provenance, {"provenance": {"source": null}})
	mixed := with_attestations([other, elsewhere])
	found("provenance", {"builders": builders, "sources": sources}, mixed) == {"provenance"}
	contains(messages("provenance", {"builders": builders, "sources": sources}, mixed), "https://ci.example/other")
}

test_each_may_be_left_open if {
	found("provenance", {"builders": ["*"]}, with_facts({})) == set()
	found("provenance", {"sources": ["https://git.example/team/*"]}, with_facts({})) == set()
	found("provenance", {"signers": ["release"]}, with_facts({})) == set()
	found("provenance", {"signers": ["other"]}, with_facts({})) == {"provenance"}
	found("provenance", {"builders": ["*"]}, with_attestations([sbom])) == {"provenance"}
}
