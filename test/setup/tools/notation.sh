#!/usr/bin/env bash
# Brings Debian's notation (from sid) to .cache/tools. It signs images as the Notary Project has it.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
output=$root/.cache/tools/notation
unpacked=$root/.cache/build/notation

# shellcheck source=test/setup/tools/recipe.sh
. "$here/recipe.sh"

is_made "$output" "$0" && exit
echo 'notation: unpacking it from Debian sid'
"$here/debian-packages.sh" unpack "$unpacked" sid notation
mkdir -p "$(dirname "$output")"
"$unpacked/usr/bin/notation" version >/dev/null
mv -f "$unpacked/usr/bin/notation" "$output"
set_made "$output" "$0"
