#!/bin/sh
# Make or repair the virtual environment: tools/venv.sh DIR
#
# Takes the first Python >= 3.11 that has venv and ensurepip; $PYTHON, when set, is the only candidate.
# An environment that works is left alone; one whose interpreter is gone, or that was moved here from
# another folder (its commands would start the old one), is made anew.
set -eu

dir=$1
mark="$dir/.stamps/root"

say() { printf '%s\n' "$*" >&2; }

is_new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }
has_venv() { "$1" -c 'import ensurepip, venv' 2>/dev/null; }

is_sound() {
  is_new_enough "$dir/bin/python" || return 1
  "$dir/bin/python" -c 'import pip' 2>/dev/null || "$dir/bin/python" -m ensurepip >/dev/null 2>&1 || return 1
  [ ! -e "$mark" ] || [ "$(cat "$mark")" = "$(pwd -P)" ]
}

find_python() {
  without_venv=
  for candidate in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11 python}; do
    is_new_enough "$candidate" || continue
    if has_venv "$candidate"; then
      printf '%s\n' "$candidate"
      return
    fi
    without_venv=${without_venv:-$candidate}
  done
  if [ -n "$without_venv" ]; then
    say "Flow Router needs Python's venv module, and $without_venv comes without it."
    say "On Debian or Ubuntu:  apt install python3-venv"
  else
    found=$("${PYTHON:-python3}" --version 2>/dev/null || echo "no Python 3")
    say "Flow Router needs Python 3.11 or newer; here is ${found}."
    say "Install a newer one, or name it:  make PYTHON=/path/to/python3.13 ..."
  fi
  return 1
}

if ! is_sound; then
  python=$(find_python)
  if [ -e "$dir" ]; then
    if [ ! -e "$dir/pyvenv.cfg" ]; then
      say "$dir is in the way and is not a virtual environment. Move it, or choose another: make VENV=DIR ..."
      exit 1
    fi
    rm -rf "$dir"
  fi
  "$python" -m venv "$dir"
fi

mkdir -p "$dir/.stamps"
echo '*' >"$dir/.gitignore" # wherever VENV puts it, it is nobody's to commit
pwd -P >"$mark"
