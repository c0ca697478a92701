# METADATA
# description: How a rule says what it found.
package finding

# METADATA
# description: |
#   A finding about one field. `metadata` is rego.metadata.rule() of the rule, `field` the path in the pod spec as users
#   write it (empty: the pod itself), `problem` a sentence for a person; what to do is added from the metadata.
at(metadata, field, problem) := {
	"policy": metadata.custom.policy,
	"rule": metadata.custom.rule,
	"severity": metadata.custom.severity,
	"message": concat(" ", [problem, metadata.custom.remediation]),
	"field": field,
}

# METADATA
# description: A name in quotes; something that is no text is described by its type.
quoted(name) := concat("", ["\"", name, "\""]) if is_string(name)

quoted(name) := concat("", ["(", type_name(name), ")"]) if not is_string(name)
