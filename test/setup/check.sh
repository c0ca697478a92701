#!/usr/bin/env bash
# Everything that is checked without running Holdfast: types, lint and format, C, shell, architecture.
set -euo pipefail
cd "$(dirname "$0")/../.."

test/setup/prepare.sh check
export PATH=$PWD/node_modules/.bin:$PATH
failed=()

check() {
  echo "check: $1"
  "${@:2}" || failed+=("$1")
}

mapfile -t scripts < <(git ls-files -co --exclude-standard '*.sh' .ci/run)
check types tsc -p .
check 'lint and format' biome check --error-on-warnings .
check C make -s -C native all analyze
check shell shellcheck -x "${scripts[@]}"
check architecture node --experimental-vm-modules --disable-warning=ExperimentalWarning \
  node_modules/.bin/jest -c test/jest/config.json --silent test/architecture

if [ ${#failed[@]} -gt 0 ]; then
  printf 'check: %s failed\n' "${failed[@]}" >&2
  exit 1
fi
