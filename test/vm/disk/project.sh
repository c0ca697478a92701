#!/usr/bin/env bash
# Makes a disk of the project as it is now, with what it needs to run: an ext4 image. Needs root.
# Usage: project.sh IMAGE WORLD      WORLD: a directory that is put in as .cache/world
set -euo pipefail
image=$1 world=$2
cd "$(dirname "$0")/../../.."

tree=$(mktemp -d "$(dirname "$image")/project.XXXXXX")
trap 'rm -rf "$tree"' EXIT

# A file that is gone from the work tree may still be in the index.
git ls-files -co --exclude-standard -z | tar --null -T - --ignore-failed-read -cf - 2>/dev/null | tar -C "$tree" -xf -
# What only checks or builds the sources stays here: it would be half of the disk.
tar --exclude='./@biomejs' --exclude='./@typescript' --exclude='./typescript' -C node_modules -cf - . |
  { mkdir "$tree/node_modules" && tar -C "$tree/node_modules" -xf -; }
cp -r native/build "$tree/native/build"
mkdir "$tree/.cache"
node agent/release/build.ts
cp -r .cache/dist "$tree/.cache/dist"
cp -r "$world" "$tree/.cache/world"

rm -f "$image"
mke2fs -q -t ext4 -d "$tree" "$image" 1G >/dev/null
