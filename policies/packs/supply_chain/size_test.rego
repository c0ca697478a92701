package supply_chain_test

test_bytes_and_layers_are_limited if {
	found("size", {"maxCompressedBytes": 1000, "maxLayers": 2}, with_facts({})) == set()
	found("size", {"maxCompressedBytes": 999}, with_facts({})) == {"size"}
	found("size", {"maxLayers": 1}, with_facts({})) == {"size"}
}

test_a_size_that_is_no_number_is_too_large if {
	every wrong in [null, false, "1"] {
		found("size", {"maxLayers": 5}, with_facts({"layerCount": wrong})) == {"size"}
	}
}
