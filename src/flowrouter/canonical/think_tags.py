"""Splits reasoning that a model writes inline, as `<think>…</think>` before its answer.

Only at the very start, and only the first pair: later tags are the model's own words (code, say).
A piece that may be the beginning of a tag is held back until that is decided.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from flowrouter.canonical.parts import Part, Reasoning, Text
from flowrouter.canonical.response import Response

Kind = Literal["reasoning", "text"]

OPEN, CLOSE = "<think>", "</think>"


class ThinkSplitter:
    """Takes an answer piece by piece, gives its pieces as reasoning or text."""

    __slots__ = ("_held", "_state")

    def __init__(self) -> None:
        self._held = ""
        self._state: Literal["start", "opened", "thinking", "gap", "answer"] = "start"

    def feed(self, text: str) -> list[tuple[Kind, str]]:
        """Return what `text` decides."""
        if self._state == "answer":
            return [("text", text)] if text else []
        self._held += text
        pieces: list[tuple[Kind, str]] = []
        if self._state == "start":
            self._begin()
        if self._state == "opened" and (inside := self._held.lstrip("\n")):
            self._held, self._state = inside, "thinking"
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
        if not held or self._state in {"opened", "gap"}:
            return []
        return [("reasoning" if self._state == "thinking" else "text", held)]

    def _begin(self) -> None:
        start = self._held.lstrip()
        if start.startswith(OPEN):
            self._held, self._state = start[len(OPEN) :], "opened"
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


def split_response(response: Response) -> Response:
    """Return a whole answer whose leading `<think>` text has become a reasoning part."""
    choices = tuple(
        msgspec.structs.replace(choice, parts=_split_parts(choice.parts)) for choice in response.choices
    )
    return msgspec.structs.replace(response, choices=choices)


def _split_parts(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    if not parts or not isinstance(parts[0], Text) or not parts[0].text.lstrip().startswith(OPEN):
        return parts
    first = parts[0]
    splitter = ThinkSplitter()
    pieces = [*splitter.feed(first.text), *splitter.close()]
    thought = "".join(text for kind, text in pieces if kind == "reasoning")
    said = "".join(text for kind, text in pieces if kind == "text")
    kept: tuple[Part, ...] = (msgspec.structs.replace(first, text=said),) if said else ()
    return (Reasoning(text=thought), *kept, *parts[1:])


__all__ = ["Kind", "ThinkSplitter", "split_response"]
