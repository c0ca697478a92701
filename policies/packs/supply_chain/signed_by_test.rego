package supply_chain_test

test_one_of_the_signers_is_enough if {
	found("signedBy", {"anyOf": ["other", "release"]}, with_facts({})) == set()
	found("signedBy", {"anyOf": ["other"]}, with_facts({})) == {"signed-by"}
	found("signedBy", {"anyOf": ["release"]}, with_facts({"signatures": []})) == {"signed-by"}
}

test_a_threshold_counts_each_signer_once if {
	again := object.union(signer, {"authority": "renamed"})
	second := {"authority": "security", "kind": "key", "signer": "sha256:2"}
	wanted := {"anyOf": ["release", "renamed", "security"], "atLeast": 2}
	found("signedBy", wanted, with_facts({"signatures": [signer, again]})) == {"signed-by"}
	found("signedBy", wanted, with_facts({"signatures": [signer, second]})) == set()
}

test_an_attestation_is_no_signature if {
	found("signedBy", {"anyOf": ["release"]}, with_facts({"signatures": [], "attestations": [sbom]})) == {"signed-by"}
}
