"""Colours and weights on a terminal that wants them; plain text everywhere else.

`NO_COLOR` turns them off, `FORCE_COLOR` on (both by being set at all), `TERM=dumb` off.
"""

from __future__ import annotations

import sys
from typing import TextIO

from flowrouter import config

_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}


class Style:
    """How to write on one stream; each name of `_CODES` is asked for by `paint`."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = sys.stdout if stream is None else stream
        self.terminal = self.stream.isatty()
        self.coloured = _wants_colour(terminal=self.terminal)
        self.unicode = (self.stream.encoding or "").lower().replace("-", "").startswith("utf")

    def paint(self, text: str, *names: str) -> str:
        """Return `text` as it is to be written."""
        if not self.coloured or not text or not names:
            return text
        return f"\x1b[{';'.join(_CODES[name] for name in names)}m{text}\x1b[0m"

    @property
    def width(self) -> int | None:
        """Return the columns of the terminal, None where lines may have any length."""
        if not self.terminal:
            return None
        import shutil

        return shutil.get_terminal_size().columns


def harmless(text: str) -> str:
    """Return `text` without what could steer a terminal; it comes from a model, not from us."""
    return "".join(
        letter for letter in text if letter in "\n\t" or not (ord(letter) < 32 or 127 <= ord(letter) < 160)
    )


def _wants_colour(*, terminal: bool) -> bool:
    found = config.environment(["NO_COLOR", "FORCE_COLOR", "TERM"])
    if "NO_COLOR" in found:
        return False
    return "FORCE_COLOR" in found or (terminal and found.get("TERM") != "dumb")


__all__ = ["Style", "harmless"]
