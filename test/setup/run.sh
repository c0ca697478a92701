#!/usr/bin/env bash
# Prepares the machine, then runs one thing on the project's own Node.
# Usage: run.sh demo|bench|vm [arguments]      run.sh test|faults [jest arguments]
set -euo pipefail
cd "$(dirname "$0")/../.."

# shellcheck source=test/setup/as-root.sh
. test/setup/as-root.sh

main() {
  local what=$1
  shift
  test/setup/prepare.sh "${what/faults/test}"
  export PATH=$PWD/node_modules/.bin:$PATH
  case $what in
    demo | bench | vm) as_root node "test/$what/main.ts" "$@" ;;
    test) test/setup/check.sh && run_tests "$@" ;;
    faults) HOLDFAST_FAULTS=EIO,ENOSPC,EROFS,ENOMEM,EPERM,EINTR run_tests test/native/.*-faults "$@" ;;
  esac
}

# The whole suite, then what it left behind. Every process of the run is known by its environment.
run_tests() {
  local before run="$$-$RANDOM" failed=0
  before=$(mktemp)
  local left_out=(test/architecture/ test/vm/kernel/)
  if [ ! -e /sys/fs/cgroup/memory ]; then
    echo 'tests: this node has cgroup v2 alone; leaving out those of the v1 hierarchies (cgroup-v1, cgroup-freezer)'
    left_out+=(test/native/cgroup-v1 test/native/cgroup-freezer)
  fi
  as_root node test/setup/leaks/main.ts record >"$before"
  as_root env HOLDFAST_TEST_RUN="$run" HOLDFAST_FAULTS="${HOLDFAST_FAULTS:-}" node --experimental-vm-modules --disable-warning=ExperimentalWarning \
    node_modules/.bin/jest --testPathIgnorePatterns "${left_out[@]}" -c test/jest/config.json "$@" || failed=1
  as_root node test/setup/leaks/main.ts compare "$before" "$run" || failed=1
  rm -f "$before"
  return $failed
}

main "$@"
