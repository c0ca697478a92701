package supply_chain_test

test_an_image_ages if {
	found("age", {"maxDays": 10}, with_facts({})) == set()
	found("age", {"maxDays": 9}, with_facts({})) == {"age"}
}

test_an_image_without_a_sound_time_is_old if {
	every created in [null, "", false, {}, now + (2 * day)] {
		found("age", {"maxDays": 10}, with_facts({"createdNs": created})) == {"age"}
	}
	found("age", {"maxDays": 10}, object.remove(with_facts({}), ["now"])) == {"age"}
}
