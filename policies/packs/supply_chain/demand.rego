# METADATA
# description: What the settings demand of the image of a container, and what its facts say to that.
package supply_chain

import data.pod_container

# METADATA
# description: Entries of the settings; none when nothing is configured, and then the pack has nothing to say.
default settings := []

settings := data.settings["supply-chain"]

# METADATA
# description: |
#   The entries that hold for a container: those whose scope covers most of its image's repository, all of one depth.
#   Of an image nothing is known of, every entry is demanded, and none is met.
demands(container) := [demand | some demand in settings; depth(demand, repository_of(container)) == deepest(container)]

deepest(container) := max([found | some demand in settings; found := depth(demand, repository_of(container))])

default repository_of(_) := null

repository_of(container) := pod_container.image_facts(container).repository

depth(_, repository) := 0 if not is_string(repository)

depth(demand, repository) := max([found | some scope in demand.repositories; found := scope_depth(scope, repository)])

scope_depth("*", repository) := 0 if is_string(repository)

scope_depth(scope, repository) := count(split(scope, "/")) if scope == repository

scope_depth(scope, repository) := count(split(scope, "/")) if startswith(repository, concat("", [scope, "/"]))

# METADATA
# description: Where findings about the image of a container are.
field(one) := pod_container.field(one, "image")

# METADATA
# description: |
#   Attestations of one kind that a section of the settings counts: by one of its `signers`, or by anybody who verified
#   when it names none.
accepted(container, kind, section) := [one |
	some one in pod_container.image_facts(container).attestations
	one.kind == kind
	is_by(one.signers, section)
]

# METADATA
# description: Whether one of the signers counts for a section.
is_by(signers, section) if {
	not section.signers
	count(signers) > 0
}

is_by(signers, section) if {
	some signer in signers
	signer.authority in section.signers
}

# METADATA
# description: When an attestation says it was made, else when it was signed. Undefined when neither is known.
time_of(one) := said_time(one) if {
	is_number(said_time(one))
} else := one.signedAtNs if {
	is_number(one.signedAtNs)
}

said_time(one) := one.provenance.finishedNs

said_time(one) := one.sbom.createdNs

said_time(one) := one.report.scannedNs

said_time(one) := one.vex.updatedNs

hour_ns := 3600000000000

# METADATA
# description: Whether a time is at most so many hours ago. One that is more than a day ahead of the clock is no time.
is_within_hours(time, hours) if {
	is_number(time)
	is_number(input.now)
	input.now - time <= hours * hour_ns
	time - input.now <= 24 * hour_ns
}

# METADATA
# description: Whether a text is the pattern, or begins with what is before the `*` that the pattern ends in.
matches(pattern, text) if pattern == text

matches(pattern, text) if {
	endswith(pattern, "*")
	startswith(text, trim_suffix(pattern, "*"))
}

# METADATA
# description: Names in a sentence, the first ten of them.
listed(names) := concat(", ", array.slice(sorted, 0, 10)) if {
	sorted := sort(names)
	count(sorted) <= 10
} else := concat("", [concat(", ", array.slice(sorted, 0, 10)), " and ", format_int(count(sorted) - 10, 10), " more"]) if {
	sorted := sort(names)
}

# METADATA
# description: The beginning of every sentence about a container.
subject(one) := concat("", ["Container ", pod_container.name(one.container), " runs an image "])
