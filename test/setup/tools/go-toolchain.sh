#!/usr/bin/env bash
# Unpacks Debian's Go compiler to .cache/build/go, once for every tool built from Debian's Go sources.
# Prints the directory to use as GOROOT.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
build=$here/../../../.cache/build
# The sources in sid need 1.25. The oldest that will do is taken, so that the same sources give the same program.
oldest_minor=25

mkdir -p "$build"
exec 8>"$build/go.lock"
flock 8
if [ ! -e "$build/go" ]; then
  version=$("$here/debian-packages.sh" names '^golang-1[.][0-9]+-go$' |
    awk -F'[-.]' -v oldest=$oldest_minor '$3 >= oldest { print $2 "." $3 }' | sort -V | sed 1q)
  [ -n "$version" ] || { echo "Debian sid has no package golang-1.N-go with N >= $oldest_minor" >&2; exit 1; }
  rm -rf "$build/go.new"
  "$here/debian-packages.sh" unpack "$build/go.new" sid "golang-$version-go" "golang-$version-src"
  mv "$build/go.new" "$build/go"
fi
echo "$build"/go/usr/lib/go-*
