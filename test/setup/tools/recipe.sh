# shellcheck shell=bash
# Sourced by the scripts that make a file from a recipe: made once, and again only when the recipe changes.

# is_made OUTPUT RECIPE...: OUTPUT is there and these very recipe files made it.
is_made() {
  [ -e "$1" ] && [ "$(cat "$(stamp_of "$1")" 2>/dev/null)" = "$(digest_of "${@:2}")" ]
}

# set_made OUTPUT RECIPE...: remembers that these recipe files made OUTPUT.
set_made() {
  digest_of "${@:2}" >"$(stamp_of "$1")"
}

stamp_of() {
  echo "$(dirname "$1")/.$(basename "$1").made-from"
}

digest_of() {
  cat -- "$@" | sha256sum | cut -d' ' -f1
}
