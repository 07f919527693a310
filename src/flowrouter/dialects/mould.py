"""The frames of a stream mostly differ in one string: what stays the same around it is compared, not parsed.

A frame of which its decoder knows that it added one piece of text and changed nothing else gives the mould:
the bytes before and behind that string. The next frame with the same bytes around one valid JSON string is
the same JSON with another string there, so it means the same with another text. The quotes are part of the
mould: white space around a string would be JSON too, and a line end there the end of the frame. All this holds
only as long as the decoder has seen nothing else in between: whoever decodes another frame calls `learn` or
`forget`.
"""

from __future__ import annotations

import msgspec

from flowrouter.canonical.events import Event, PartDelta
from flowrouter.wire.json import typed
from flowrouter.wire.sse import Frame

_MISSES = 8
"""Moulds that may fit nothing in a row; a host whose frames all differ is then left alone."""

_PADDING = b',"obfuscation":"'
"""OpenAI ends each chunk with a random word, so that its size tells nothing; no decoder reads it."""

_CLOSE = b'"}'

_QUOTE = b'"'

_string = typed(str)


class DeltaMould:
    """What surrounds the text of one open part, in the frame as it came (`framed`) or else in its payload."""

    __slots__ = ("_begin", "_close", "_end", "_index", "_misses", "_start", "_stop", "framed")

    def __init__(self) -> None:
        self.framed = False
        self._begin = b""
        self._end = b""
        self._close = b""  # what stands behind a random word
        self._start = 0
        self._stop = 0
        self._index = 0
        self._misses = 0

    def match(self, frame: Frame) -> PartDelta | None:
        """Return the event of a frame that fits; None if it must be decoded."""
        text = frame.raw if self.framed else frame.data
        return None if text is None else self.delta(text)

    def delta(self, text: bytes) -> PartDelta | None:
        """Return the event of a text that fits; None if it must be decoded.

        Where the mould is `framed`, a text that fits is one whole frame: no JSON string holds a line end.
        """
        begin = self._begin
        if not begin or not text.startswith(begin):
            return None
        if self._close:
            text = text[: _before_padding(text, self._close)]
        if not text.endswith(self._end):
            return None
        try:
            said = _string.decode(text[self._start : self._stop])
        except (msgspec.DecodeError, UnicodeError):
            return None
        self._misses = 0
        return PartDelta(self._index, said) if said else None

    def forget(self) -> None:
        """Let no further frame fit."""
        self._begin = b""

    def learn(self, frame: Frame, said: str, events: list[Event]) -> None:
        """Take a frame that added the string `said`, and changed nothing else, for the mould of those to come."""
        self._begin, data = b"", frame.data or b""
        if self._misses >= _MISSES or len(events) != 1 or type(event := events[0]) is not PartDelta:
            return
        # Without escapes the string stands there as it is: found once, it is found where it is.
        token = b'"%b"' % said.encode("utf-8", "surrogatepass")
        if event.text != said or not said.isascii() or b"\\" in data or data.count(token) != 1:
            return
        self._misses += 1
        begin, _, end = data.partition(token)
        begin, end = begin + _QUOTE, _QUOTE + end
        lead, behind = _lead(frame, data), b""
        self.framed = lead is not None
        if lead is not None:
            begin, behind = lead + begin, b"\n\n"
        padding = _before_padding(end, _CLOSE)
        self._begin = begin
        self._end, self._close = (end[:padding], _CLOSE + behind) if padding else (end + behind, b"")
        self._start, self._stop = len(begin) - 1, 1 - len(self._end)
        self._index = event.index


def _lead(frame: Frame, data: bytes) -> bytes | None:
    """Return what stands before the payload in a frame of the common form: its name at most; None for any other."""
    raw, at = frame.raw, len(frame.raw) - len(data) - 2
    if frame.bare or at <= 0 or b"\r" in raw or not (raw.endswith(b"\n\n") and raw.startswith(data, at)):
        return None
    lead = raw[:at]
    return lead if lead.startswith((b"data:", b"event:")) and lead.count(b"\n") <= 1 else None


def _before_padding(text: bytes, close: bytes) -> int:
    """Return where the random word begins that stands last, before `close`; 0 if there is none."""
    begin = text.rfind(_PADDING) + len(_PADDING)
    padded = begin >= len(_PADDING) and text.endswith(close) and text[begin : -len(close)].isalnum()
    return begin if padded else 0


__all__ = ["DeltaMould"]
