#!/usr/bin/env bash
# Builds one static program from Debian's Go source packages, without modules and without the network.
# Usage: go-build.sh GOPATH SOURCE_DIRECTORY OUTPUT       (GOPATH: where the packages were unpacked)
set -euo pipefail

gopath=$1 source=$2 output=$3
here=$(cd "$(dirname "$0")" && pwd)
GOROOT=$("$here/go-toolchain.sh")
export GOROOT GOPATH=$gopath GOCACHE=$here/../../../.cache/build/go-cache
export GO111MODULE=off GOFLAGS='' GOTOOLCHAIN=local GOTELEMETRY=off CGO_ENABLED=0

GOCACHE=$(realpath -m "$GOCACHE")
cd "$source"
mkdir -p "$(dirname "$output")"
"$GOROOT/bin/go" build -trimpath -ldflags '-s -w' -o "$output.new" .
mv -f "$output.new" "$output"
