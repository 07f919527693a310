"""Splits reasoning that a model writes inline, as `<think>…</think>` before its answer.

Only at the very start, and only the first pair: later tags are the model's own words (code, say).
A piece that may be the beginning of a tag is held back until that is decided.
"""

from __future__ import annotations

from typing import Literal

Kind = Literal["reasoning", "text"]

OPEN, CLOSE = "<think>", "</think>"


class ThinkSplitter:
    """Takes an answer piece by piece, gives its pieces as reasoning or text."""

    __slots__ = ("_held", "_state")

    def __init__(self) -> None:
        self._held = ""
        self._state: Literal["start", "thinking", "gap", "answer"] = "start"

    def feed(self, text: str) -> list[tuple[Kind, str]]:
        """Return what `text` decides."""
        if self._state == "answer":
            return [("text", text)] if text else []
        self._held += text
        pieces: list[tuple[Kind, str]] = []
        if self._state == "start":
            self._begin()
        if self._state == "thinking":
            pieces += self._think()
        if self._state == "gap" and (rest := self._held.lstrip()):
            self._held, self._state = rest, "answer"
        if self._state == "answer" and self._held:
            pieces.append(("text", self._held))
            self._held = ""
        return pieces

    def close(self) -> list[tuple[Kind, str]]:
        """Return what was held back: an unclosed tag leaves all of it reasoning."""
        held, self._held = self._held, ""
        if not held or self._state == "gap":
            return []
        return [("reasoning" if self._state == "thinking" else "text", held)]

    def _begin(self) -> None:
        start = self._held.lstrip()
        if start.startswith(OPEN):
            self._held, self._state = start[len(OPEN) :].lstrip("\n"), "thinking"
        elif not OPEN.startswith(start):
            self._state = "answer"

    def _think(self) -> list[tuple[Kind, str]]:
        inside, closed, rest = self._held.partition(CLOSE)
        if closed:
            self._held, self._state = rest, "gap"
        else:
            keep = _tag_start(inside)
            inside, self._held = inside[: len(inside) - keep], inside[len(inside) - keep :]
        return [("reasoning", inside)] if inside else []


def _tag_start(text: str) -> int:
    """Return how many characters at the end of `text` may begin the closing tag."""
    longest = min(len(CLOSE) - 1, len(text))
    return next((size for size in range(longest, 0, -1) if CLOSE.startswith(text[-size:])), 0)


__all__ = ["Kind", "ThinkSplitter"]
