#!/usr/bin/env bash
# Brings a Debian machine that has only Node to where one thing runs. Says what it does; does nothing twice.
# Usage: prepare.sh [check|demo|bench|test|vm]      (test, the default, needs everything)
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.."

level=${1:-test}
declare -A tools=(
  [check]='' [demo]='cosign collector' [bench]='cosign collector crun' [test]='opa cosign notation collector' [vm]='cosign'
)
if [ -z "${tools[$level]+known}" ]; then
  echo "unknown level '$level': expected check, demo, bench, test or vm" >&2
  exit 2
fi

# One at a time: they would install and build the same things.
mkdir -p .cache
exec 7>.cache/prepare.lock
flock 7

"$here/system-packages.sh" "$level"
"$here/node-modules.sh"
make -s -C native
# shellcheck disable=SC2086  # a list of names
"$here/tools.sh" ${tools[$level]}
