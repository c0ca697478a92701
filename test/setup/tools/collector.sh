#!/usr/bin/env bash
# Builds an OpenTelemetry Collector, .cache/tools/otelcol, from Debian's source packages. It receives what agents report.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
output=$root/.cache/tools/otelcol
packages=$here/collector/packages.txt
unpacked=$root/.cache/build/otelcol

# shellcheck source=test/setup/tools/recipe.sh
. "$here/recipe.sh"
recipe=("$0" "$packages" "$here/collector/main.go" "$here/collector/smoke.yaml" "$here/go-toolchain.sh" "$here/go-build.sh")
is_made "$output" "${recipe[@]}" && exit

echo 'otelcol: building it from Debian sources (about two minutes)'
mapfile -t names <"$packages"
"$here/debian-packages.sh" unpack "$unpacked" sid "${names[@]}"
gopath=$unpacked/usr/share/gocode
mkdir -p "$gopath/src/holdfast/otelcol"
cp "$here/collector/main.go" "$gopath/src/holdfast/otelcol/"
"$here/go-build.sh" "$gopath" "$gopath/src/holdfast/otelcol" "$output"
"$output" validate --config "$here/collector/smoke.yaml"
set_made "$output" "${recipe[@]}"
