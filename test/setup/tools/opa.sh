#!/usr/bin/env bash
# Builds OPA's command line, .cache/tools/opa, from Debian's source packages. It compiles and tests the Rego packs.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
output=$root/.cache/tools/opa
packages=$here/opa-packages.txt
unpacked=$root/.cache/build/opa

# shellcheck source=test/setup/tools/recipe.sh
. "$here/recipe.sh"
recipe=("$0" "$packages" "$here/go-toolchain.sh" "$here/go-build.sh")
is_made "$output" "${recipe[@]}" && exit

echo 'opa: building it from Debian sources (about three minutes)'
mapfile -t names <"$packages"
"$here/debian-packages.sh" unpack "$unpacked" sid "${names[@]}"
# OPA still wants the interface of tablewriter's version 0, which sid has left behind.
"$here/debian-packages.sh" unpack "$unpacked" trixie golang-github-olekukonko-tablewriter-dev
gopath=$unpacked/usr/share/gocode
"$here/go-build.sh" "$gopath" "$gopath/src/github.com/open-policy-agent/opa" "$output"
"$output" version >/dev/null
set_made "$output" "${recipe[@]}"
