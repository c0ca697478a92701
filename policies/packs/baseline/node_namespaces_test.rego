package baseline_test

test_anything_but_false_shares_with_the_node if {
	every name in ["hostPID", "hostIPC"] {
		every value in [true, null, 0, 1, "false", "", [], {}] {
			fields("node-namespaces", patched("add", concat("", ["/pod/", name]), value)) == {name}
		}
		count(fields("node-namespaces", patched("add", concat("", ["/pod/", name]), false))) == 0
	}
}
