#!/bin/sh
# Write requirements/*.lock from pyproject.toml: tools/lock.sh UV [uv's options, e.g. --upgrade]
#
# The files hold versions and hashes for every platform, and no address: where packages come from is
# the installing machine's own setting. Versions stay as they are unless --upgrade is given.
set -eu

uv=$1
shift

compile() {
  output=requirements/$1
  shift
  echo "$output"
  "$uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes \
    --no-header --no-emit-index-url --no-emit-find-links --output-file "$output" "$@" >/dev/null
}

compile dev.lock pyproject.toml --group dev "$@"
# What runs is what was tested: the same versions.
compile run.lock pyproject.toml --constraint requirements/dev.lock "$@"
compile build.lock --group build --constraint requirements/dev.lock "$@"
compile lock.lock --group lock "$@"
compile local.lock --group local-model --no-deps "$@"
compile redis-server.lock --group redis-server --no-deps "$@"
for source in tests/clients/locks/*.in; do
  compile "../${source%.in}.lock" "$source" "$@"
done

if grep -nE '://|^-' requirements/*.lock tests/clients/locks/*.lock; then
  echo "A lock file records where packages come from (above); it must not." >&2
  exit 1
fi
