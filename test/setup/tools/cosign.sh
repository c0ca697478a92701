#!/usr/bin/env bash
# Brings Debian's cosign to .cache/tools: cosign (2, from trixie) and cosign3 (from sid). They sign and verify images.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
tools=$root/.cache/tools

# shellcheck source=test/setup/tools/recipe.sh
. "$here/recipe.sh"

bring() {
  local name=$1 suite=$2 output=$tools/$1 unpacked=$root/.cache/build/$1
  is_made "$output" "$0" && return
  echo "$name: unpacking it from Debian $suite"
  "$here/debian-packages.sh" unpack "$unpacked" "$suite" cosign
  mkdir -p "$tools"
  "$unpacked/usr/bin/cosign" version >/dev/null 2>&1
  mv -f "$unpacked/usr/bin/cosign" "$output"
  set_made "$output" "$0"
}

bring cosign trixie
bring cosign3 sid
