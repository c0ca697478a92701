#!/usr/bin/env bash
# Makes the named programs in .cache/tools, side by side. Usage: tools.sh opa|cosign|collector|crun...
# Only they are kept: the gigabyte that making them takes is given back once all are there.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
build=$here/../../.cache/build

declare -A running
for tool in "$@"; do
  "$here/tools/$tool.sh" &
  running[$tool]=$!
done
failed=()
for tool in "${!running[@]}"; do wait "${running[$tool]}" || failed+=("$tool"); done
if [ ${#failed[@]} -gt 0 ]; then
  echo "could not make: ${failed[*]}. What to do is said above; run it again to go on from here." >&2
  exit 1
fi
rm -rf "$build"
