"""Install packages into this interpreter's environment, saying how far it is: tools/install.py PIP-OPTIONS

What pip says goes to standard error only if it fails, so that a caller can look for the reason there.
"""

from __future__ import annotations

import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

_ENTRY = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]*==", re.MULTILINE)
_BEGUN = re.compile(r"^\s*(?:Collecting|Requirement already satisfied:) (?P<name>[A-Za-z0-9._-]+)")
_SIZE = re.compile(r"^\s*(?:Downloading|Using cached) \S+ \((?P<size>[^)]+)\)")
_KEPT = 40


def main(options: list[str]) -> int:
    """Run pip with `options` and return its exit code."""
    total = sum(len(_ENTRY.findall(file.read_text("utf-8"))) for file in locks(options))
    command = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
    process = subprocess.Popen(
        [*command, "--progress-bar", "off", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    assert process.stdout is not None
    said: list[str] = []
    seen, name = 0, ""
    for line in process.stdout:
        said.append(line)
        if begun := _BEGUN.match(line):
            seen, name = seen + 1, begun["name"]
            show(f"{seen} of {total}  {name}")
        elif size := _SIZE.match(line):
            show(f"{seen} of {total}  {name}  {size['size']}")
        elif line.startswith("Installing collected"):
            show("unpacking")
    show("")
    if process.wait():
        sys.stderr.write("".join(said[-_KEPT:]))
    return process.returncode


def locks(options: list[str]) -> list[Path]:
    """Return the files that follow `-r`."""
    return [Path(value) for flag, value in pairwise(options) if flag == "-r"]


def show(text: str) -> None:
    """Write `text` over what stands in the line, where somebody watches."""
    if sys.stdout.isatty():
        sys.stdout.write(f"\r\x1b[K  {text}" if text else "\r\x1b[K")
        sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
