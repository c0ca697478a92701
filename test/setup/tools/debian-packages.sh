#!/usr/bin/env bash
# Finds and unpacks packages of other Debian suites, and installs nothing.
# Usage: debian-packages.sh names PATTERN                        the packages whose name matches, one a line
#        debian-packages.sh unpack DIRECTORY SUITE PACKAGE...    unpacks them into DIRECTORY
# apt verifies everything with Debian's own keys, in a state of its own; the mirror is the one this machine uses.
set -euo pipefail

# shellcheck source=test/setup/tools/debian-mirror.sh
. "$(dirname "$0")/debian-mirror.sh"

build=$(cd "$(dirname "$0")/../../.." && pwd)/.cache/build
state=$build/apt
debs=$build/debs
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
suites='trixie sid'

main() {
  mkdir -p "$state/lists/partial" "$state/cache/archives/partial" "$debs"
  exec 9>"$state/lock"
  flock 9
  [ -n "$(find "$state/sources.list" -mmin -600 2>/dev/null)" ] || open_state
  case $1 in
    names) private_apt apt-cache search --names-only "$2" | cut -d' ' -f1 ;;
    unpack) unpack "${@:2}" ;;
    *) echo "unknown verb '$1': expected names or unpack" >&2 && return 2 ;;
  esac
}

unpack() {
  local directory=$1 suite=$2 file
  shift 2
  require_all "$suite" "$@"
  (cd "$debs" && private_apt apt-get -qq download "${@/%//$suite}" >/dev/null)
  mapfile -t files < <(private_apt apt-get -qq --print-uris download "${@/%//$suite}" | cut -d' ' -f2)
  flock -u 9
  mkdir -p "$directory"
  for file in "${files[@]}"; do dpkg-deb --extract "$debs/$file" "$directory"; done
}

# Writes the sources last: their age is that of complete lists.
open_state() {
  local mirror suite
  mirror=$(find_mirror)
  for suite in $suites; do echo "deb [signed-by=$keyring] $mirror $suite main"; done >"$state/sources.new"
  private_apt apt-get -qq -o Dir::Etc::sourcelist="$state/sources.new" update
  mv "$state/sources.new" "$state/sources.list"
}

# Names every package that the suite has lost, instead of apt's first complaint.
require_all() {
  local suite=$1 lost=()
  shift
  mapfile -t lost < <(comm -23 <(printf '%s\n' "$@" | sort -u) <(private_apt apt-cache madison "$@" 2>/dev/null |
    awk -F' *[|] *' -v suite=" $suite/main " 'index($3, suite) { gsub(/ /, "", $1); print $1 }' | sort -u))
  [ ${#lost[@]} -eq 0 ] && return
  echo "Debian $suite has no package named:" >&2
  printf '  %s\n' "${lost[@]}" >&2
  echo "It was renamed or removed: look for its new name with 'apt-cache search' and correct the list that names it" \
    "in test/setup/tools." >&2
  return 1
}

private_apt() {
  local command=$1
  shift
  "$command" -o Dir::State::lists="$state/lists" -o Dir::State::status=/dev/null -o Dir::Cache="$state/cache" \
    -o Dir::Cache::pkgcache=packages.bin -o Dir::Cache::srcpkgcache=sources.bin \
    -o Dir::Etc::sourcelist="$state/sources.list" -o Dir::Etc::sourceparts=/dev/null \
    -o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts=/dev/null \
    -o APT::Sandbox::User=root -o Acquire::Languages=none -o Acquire::Retries=3 "$@"
}

main "$@"
