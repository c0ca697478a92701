#!/usr/bin/env bash
# Unpacks Debian's Go compiler to .cache/build/go, once for every tool built from Debian's Go sources.
# Prints the directory to use as GOROOT. The newest Debian stable's Go is too old for the sources in sid.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
build=$here/../../../.cache/build
version=1.26

mkdir -p "$build"
exec 8>"$build/go.lock"
flock 8
if [ ! -e "$build/go" ]; then
  rm -rf "$build/go.new"
  "$here/debian-packages.sh" "$build/go.new" sid "golang-$version-go" "golang-$version-src"
  mv "$build/go.new" "$build/go"
fi
cd "$build/go/usr/lib/go-$version" && pwd
