"""Takes the Markdown fence off a JSON answer that could only be asked for in words.

A model told to answer with JSON and nothing else likes to put it between ```` ```json ```` and ```` ``` ````.
A client that asked for JSON parses what it gets, so the fence goes; anything else stays as it is.
"""

from __future__ import annotations

import re

_FENCE = "```"
_OPENING = re.compile(r"\s*```[A-Za-z0-9]*[ \t]*\r?\n")
_MAY_OPEN = re.compile(r"\s*(?:`{0,2}|```[A-Za-z0-9]{0,16}[ \t]*\r?)\Z")
_MAY_CLOSE = re.compile(r"\s*(?:`{1,2}|```\s*)?\Z")


class Unfenced:
    """One text as it comes in pieces: `feed` gives what is certain, `close` the rest."""

    __slots__ = ("_begun", "_fenced", "_held")

    def __init__(self) -> None:
        self._held = ""
        self._begun = False
        self._fenced = False

    def feed(self, text: str) -> str:
        """Return what of the text so far may leave and has not yet."""
        if self._begun and not self._fenced:
            return text
        self._held += text
        if not self._begun:
            if _MAY_OPEN.fullmatch(self._held):
                return ""
            self._begun = True
            if (opening := _OPENING.match(self._held)) is None:
                return self._taken(len(self._held))
            self._fenced = True
            self._held = self._held[opening.end() :]
        ending = _MAY_CLOSE.search(self._held)
        return self._taken(len(self._held) if ending is None else ending.start())

    def close(self) -> str:
        """Return what was held back and turned out to be no fence."""
        rest, self._held = self._held, ""
        return "" if self._fenced and rest.strip() in ("", _FENCE) else rest

    def _taken(self, size: int) -> str:
        taken, self._held = self._held[:size], self._held[size:]
        return taken


__all__ = ["Unfenced"]
