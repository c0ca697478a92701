#!/usr/bin/env bash
# Brings the newest crun to .cache/tools, from Debian sid with the libraries it needs, which stay beside it in crun.d.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
output=$root/.cache/tools/crun

# shellcheck source=test/setup/tools/recipe.sh
. "$here/recipe.sh"

is_made "$output" "$0" && exit
echo 'crun: unpacking it from Debian sid'
"$here/debian-packages.sh" unpack "$output.new" sid crun libblake3-0 libc6 libcap2 libjson-c5 libseccomp2 libsystemd0
rm -rf "$output" "$output.d"
mkdir "$output.d"
libraries=$output.new/usr/lib/$(gcc -print-multiarch)
mv "$libraries"/*.so* "$output.d"
mv "$output.new/usr/bin/crun" "$output"
rm -rf "$output.new"
patchelf --set-interpreter "$(find "$output.d" -name 'ld-linux*.so.*')" --set-rpath "$output.d" "$output"
"$output" --version >/dev/null
set_made "$output" "$0"
