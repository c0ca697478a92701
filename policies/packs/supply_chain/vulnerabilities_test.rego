package supply_chain_test

bad := finding_of("CVE-1", "critical")

judged(wanted, attestations) := found("vulnerabilities", wanted, with_attestations(attestations))

test_nothing_worse_than_the_highest_is_allowed if {
	order := ["none", "negligible", "low", "medium", "high", "critical"]
	every allowed, highest in order {
		denied := {severity |
			some severity in order
			severity != "none"
			judged({"highest": highest}, [report([finding_of("CVE-1", severity)], 1)]) == {"vulnerabilities"}
		}
		denied == {severity | some severity in array.slice(order, allowed + 1, 6)}
	}
}

test_without_a_report_nothing_is_known if {
	judged({"highest": "critical"}, []) == {"vulnerabilities"}
	judged({"highest": "critical"}, [sbom]) == {"vulnerabilities"}
	judged({"highest": "critical", "signers": ["other"]}, [report([], 1)]) == {"vulnerabilities"}
	judged({"highest": "critical"}, [{"kind": "invalid", "expected": "vulnerabilities", "signers": [signer]}]) == {"vulnerabilities"}
}

test_a_report_of_an_unknown_form_is_none if {
	every changes in [{"counts": {}}, {"counts": null}, {"fixable": {"critical": "0"}}, {"counts": {"high": null}}] {
		one := report([], 1)
		spoiled := json.patch(one, [{"op": "replace", "path": concat("/", ["", "report", name]), "value": value} | some name, value in changes])
		judged({"highest": "medium"}, [spoiled]) == {"vulnerabilities"}
	}
}

test_the_newest_report_of_a_scanner_counts if {
	judged({"highest": "high"}, [report([bad], 2), report([], 1)]) == set()
	judged({"highest": "high"}, [report([], 2), report([bad], 1)]) == {"vulnerabilities"}
	other := json.patch(report([bad], 2), [{"op": "replace", "path": "/report/format", "value": "grype"}])
	judged({"highest": "high"}, [other, report([], 1)]) == {"vulnerabilities"}
	timeless := json.patch(report([bad], 2), [{"op": "replace", "path": "/report/scannedNs", "value": null}])
	judged({"highest": "high"}, [timeless, report([], 1)]) == {"vulnerabilities"}
	stranger := json.patch(report([], 1), [{"op": "replace", "path": "/signers/0/authority", "value": "other"}])
	judged({"highest": "high", "signers": ["release"]}, [report([bad], 2), stranger]) == {"vulnerabilities"}
}

test_an_outdated_report_is_none if {
	judged({"highest": "high", "maxReportAgeHours": 24}, [report([], 1)]) == set()
	judged({"highest": "high", "maxReportAgeHours": 24}, [report([], 2)]) == {"vulnerabilities"}
}

test_what_nobody_can_rate_is_critical_unless_said if {
	unknown := [report([finding_of("CVE-1", "unknown")], 1)]
	judged({"highest": "high"}, unknown) == {"vulnerabilities"}
	judged({"highest": "critical"}, unknown) == set()
	judged({"highest": "medium", "unknownAs": "medium"}, unknown) == set()
	judged({"highest": "low", "unknownAs": "medium"}, unknown) == {"vulnerabilities"}
}

test_only_what_can_be_fixed if {
	judged({"highest": "high", "onlyFixable": true}, [report([bad], 1)]) == set()
	judged({"highest": "high", "onlyFixable": true}, [report([object.union(bad, {"isFixable": true})], 1)]) == {"vulnerabilities"}
}

test_what_is_ignored if {
	judged({"highest": "high", "ignore": ["CVE-1"]}, [report([bad], 1)]) == set()
	judged({"highest": "high", "ignore": ["CVE-1"]}, [report([bad, finding_of("CVE-2", "critical")], 1)]) == {"vulnerabilities"}
	alias := object.union(bad, {"id": "GHSA-1", "aliases": ["CVE-1"]})
	judged({"highest": "high", "ignore": ["CVE-1"]}, [report([alias], 1)]) == set()
}

test_what_a_report_is_too_long_to_name_counts if {
	long := json.patch(report([bad], 1), [{"op": "replace", "path": "/report/counts/critical", "value": 2}])
	judged({"highest": "high", "ignore": ["CVE-1"]}, [long]) == {"vulnerabilities"}
	contains(messages("vulnerabilities", {"highest": "high"}, with_attestations([long])), "CVE-1 and 1 that")
}

vex(statements) := attested("vex", "vex", {"author": "a", "updatedNs": now, "isTruncated": false, "statements": statements})

statement(changes) := object.union(
	{"id": "CVE-1", "aliases": [], "status": "not_affected", "justification": "", "products": [], "components": [], "isOfImage": true, "statedNs": now},
	changes,
)

excused(statements) if judged({"highest": "high", "acceptVex": true}, [report([bad], 1), vex(statements)]) == set()

test_vex_excuses if {
	excused([statement({})])
	excused([statement({"status": "fixed"})])
	excused([statement({"id": "GHSA-1", "aliases": ["CVE-1"]})])
	excused([statement({"components": ["pkg:deb/debian/zlib@1.2"]})])
	excused([statement({"components": ["pkg:deb/debian/zlib"]})])
	excused([statement({"status": "affected", "statedNs": now - day}), statement({})])
	judged({"highest": "high"}, [report([bad], 1), vex([statement({})])]) == {"vulnerabilities"}
}

test_vex_does_not_excuse if {
	every changes in [
		{"id": "CVE-2"}, {"status": "affected"}, {"status": "under_investigation"}, {"isOfImage": false},
		{"components": ["pkg:deb/debian/other"]}, {"components": ["pkg:deb/debian/zli"]},
	] {
		not excused([statement(changes)])
	}
	not excused([statement({}), statement({"status": "affected"})])
	not excused([statement({}), statement({"status": "affected", "statedNs": null})])
	stranger := object.union(vex([statement({})]), {"signers": [object.union(signer, {"authority": "other"})]})
	judged({"highest": "high", "acceptVex": true, "signers": ["release"]}, [report([bad], 1), stranger]) == {"vulnerabilities"}
}
