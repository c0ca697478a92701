package baseline_test

test_image_without_a_signer_is_denied if {
	every signers in [[], null, "release", "", true, 1, {}, {"release": "release"}, [""], [null], [1], ["release", ""]] {
		fields("image-signed", image_with("signedBy", signers)) == image_field
	}
}

test_missing_signers_are_denied if {
	fields("image-signed", no_facts) == image_field
	fields("image-signed", image_without("signedBy")) == image_field
	fields("image-signed", container_without("image")) == image_field
}

test_one_signer_is_enough_and_several_are_fine if {
	count(fields("image-signed", image_with("signedBy", ["a"]))) == 0
	count(fields("image-signed", image_with("signedBy", ["a", "b"]))) == 0
}
