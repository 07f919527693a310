"""The frames of a stream mostly differ in one string: what stays the same around it is compared, not parsed.

A frame of which its decoder knows that it added one piece of text and changed nothing else gives the mould:
the bytes before and behind that string. The next frame with the same bytes around one valid JSON string is
the same JSON with another string there, so it means the same with another text. That holds only as long as
the decoder has seen nothing else in between: whoever decodes another frame calls `learn` or `forget`.
"""

from __future__ import annotations

import msgspec

from flowrouter.canonical.events import Event, PartDelta
from flowrouter.wire.json import typed

_MISSES = 8
"""Moulds that may fit nothing in a row; a host whose frames all differ is then left alone."""

_PADDING = b',"obfuscation":"'
"""OpenAI ends each chunk with a random word, so that its size tells nothing; no decoder reads it."""

_string = typed(str)


class DeltaMould:
    """What surrounds the text of one open part."""

    __slots__ = ("_head", "_index", "_misses", "_padded", "_tail")

    def __init__(self) -> None:
        self._head = b""
        self._tail = b""
        self._padded = False
        self._index = 0
        self._misses = 0

    def delta(self, data: bytes) -> PartDelta | None:
        """Return the event of a frame that fits; None if it must be decoded."""
        head, tail = self._head, self._tail
        if not (head and data.startswith(head)):
            return None
        end = _before_padding(data) if self._padded else len(data)
        if not data.endswith(tail, 0, end):
            return None
        try:
            text = _string.decode(data[len(head) : end - len(tail)])
        except (msgspec.DecodeError, UnicodeError):
            return None
        self._misses = 0
        return PartDelta(self._index, text) if text else None

    def forget(self) -> None:
        """Let no further frame fit."""
        self._head = b""

    def learn(self, data: bytes, said: str, events: list[Event]) -> None:
        """Take a frame that added the string `said`, and changed nothing else, for the mould of those to come."""
        self._head = b""
        if self._misses >= _MISSES or len(events) != 1 or type(event := events[0]) is not PartDelta:
            return
        # Without escapes the string stands there as it is: found once, it is found where it is.
        token = b'"%b"' % said.encode("utf-8", "surrogatepass")
        if event.text != said or not said.isascii() or b"\\" in data or data.count(token) != 1:
            return
        self._misses += 1
        self._head, _, tail = data.partition(token)
        end = _before_padding(tail)
        self._tail, self._padded = (tail[:end], True) if end else (tail, False)
        self._index = event.index


def _before_padding(data: bytes) -> int:
    """Return where the last member's random word begins, 0 if there is none."""
    begin = data.rfind(_PADDING) + len(_PADDING)
    return begin if begin >= len(_PADDING) and data.endswith(b'"}') and data[begin:-2].isalnum() else 0


__all__ = ["DeltaMould"]
