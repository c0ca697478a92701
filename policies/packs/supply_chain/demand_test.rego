package supply_chain_test

import data.supply_chain

rules_for(repositories, repository) := {one.rule |
	settings := [{"repositories": scopes, "age": {"maxDays": 1}} | some scopes in repositories]
	some one in all_found(settings, with_facts({"repository": repository}))
}

test_the_deepest_scope_holds if {
	strict := {"repositories": ["*"], "age": {"maxDays": 1}}
	lenient := {"repositories": ["registry.example/team"], "age": {"maxDays": 100}}
	count(all_found([strict, lenient], with_facts({}))) == 0
	count(all_found([strict, lenient], with_facts({"repository": "registry.example/teamster/app"}))) == 1
	count(all_found([strict, object.union(lenient, {"repositories": ["registry.example"]})], with_facts({}))) == 0
}

test_all_of_the_deepest_scope_hold if {
	scope := ["registry.example/team"]
	found := all_found(
		[{"repositories": scope, "age": {"maxDays": 1}}, {"repositories": scope, "size": {"maxLayers": 1}}],
		with_facts({}),
	)
	{one.rule | some one in found} == {"age", "size"}
}

test_scopes_match_whole_components if {
	every scope in ["registry.example/team/app", "registry.example/team", "registry.example", "*"] {
		rules_for([[scope]], "registry.example/team/app") == {"age"}
	}
	every scope in ["registry.example/tea", "registry.example/team/app/x", "team/app", "registry", "registry.example/"] {
		rules_for([[scope]], "registry.example/team/app") == set()
	}
}

test_times if {
	every ago in [0, 23, 24, -24] {
		supply_chain.is_within_hours(now - (ago * 3600000000000), 24) with input as {"now": now}
	}
	every ago in [25, -25] {
		not supply_chain.is_within_hours(now - (ago * 3600000000000), 24) with input as {"now": now}
	}
	every wrong in [null, "0", false, [], {}] {
		not supply_chain.is_within_hours(wrong, 24) with input as {"now": now}
		not supply_chain.is_within_hours(now, 24) with input as {"now": wrong}
	}
	not supply_chain.is_within_hours(now, 24) with input as {}
}

test_the_time_said_comes_before_the_time_signed if {
	supply_chain.time_of(object.union(sbom, {"signedAtNs": 5})) == now - day
	supply_chain.time_of({"sbom": {"createdNs": null}, "signedAtNs": 5}) == 5
	not supply_chain.time_of({"sbom": {"createdNs": null}, "signedAtNs": null})
}

test_patterns if {
	supply_chain.matches("a", "a")
	supply_chain.matches("a/*", "a/b")
	not supply_chain.matches("a", "ab")
	not supply_chain.matches("a/*", "a")
	not supply_chain.matches("*a", "ba")
}
