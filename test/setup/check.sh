#!/usr/bin/env bash
# Everything that is checked without running Holdfast: types, lint and format, C, shell, architecture.
set -euo pipefail
cd "$(dirname "$0")/../.."

test/setup/prepare.sh check
export PATH=$PWD/node_modules/.bin:$PATH

step() {
  echo "check: $1"
  shift
  "$@"
}

mapfile -t scripts < <(git ls-files -co --exclude-standard '*.sh' .ci/run)
step types tsc -p .
step 'lint and format' biome check --error-on-warnings .
step C make -s -C native
step shell shellcheck -x "${scripts[@]}"
step architecture node --experimental-vm-modules --disable-warning=ExperimentalWarning \
  node_modules/.bin/jest -c test/jest/config.json --silent test/architecture
