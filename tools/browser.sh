#!/bin/sh
# See that there is a Chromium for the tests of the dashboard: tools/browser.sh
#
# One that is installed is used. Where none is, Debian's is installed, if this machine has apt-get and lets
# us (root, or sudo without a password). Else the tests are skipped, and say so.
set -eu

for name in chromium chromium-browser google-chrome \
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"; do
  if command -v "$name" >/dev/null 2>&1; then exit 0; fi
done

advise() {
  echo "note: $1; the tests of the dashboard will be skipped. Install Chromium (Debian: apt install chromium)." >&2
  exit 0
}

command -v apt-get >/dev/null 2>&1 || advise "no Chromium was found"
if [ "$(id -u)" = 0 ]; then
  as_root=
elif sudo -n true 2>/dev/null; then
  as_root="sudo -n"
else
  advise "no Chromium was found, and installing it needs root"
fi

echo "Installing Chromium for the tests of the dashboard (a minute, once) ..."
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086 # an empty word must vanish
$as_root apt-get install --yes --quiet --no-install-recommends chromium >/dev/null 2>&1 ||
  { $as_root apt-get update --quiet >/dev/null 2>&1 &&
    $as_root apt-get install --yes --quiet --no-install-recommends chromium >/dev/null 2>&1; } ||
  advise "Chromium could not be installed"
