"""The frames of a stream mostly differ in one string: what stays the same around it is compared, not parsed.

A frame of which its decoder knows that it added one piece of text and changed nothing else gives the mould:
the bytes before and behind that string. The next frame with the same bytes around one valid JSON string is
the same JSON with another string there, so it means the same with another text. The quotes are part of the
mould: white space around a string would be JSON too, and a line end there the end of the frame. All this holds
only as long as the decoder has seen nothing else in between: whoever decodes another frame calls `learn` or
`forget`.
"""

from __future__ import annotations

from collections.abc import Callable

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

_string = typed(str).decode


Fit = Callable[[bytes], str]
"""Reads the string in bytes that fit a mould; none in others."""


class DeltaMould:
    """What surrounds the text of one open part, in the frame as it came (`framed`) or else in its payload.

    `index` is that part's; `learned` counts the moulds there were: as long as it stays, nothing but text was added.
    """

    __slots__ = ("_begin", "_close", "_end", "_inside", "_misses", "_start", "framed", "index", "learned")

    def __init__(self) -> None:
        self.framed = False
        self.index = 0
        self.learned = 0
        self._begin: bytes | tuple[()] = ()  # with which nothing begins
        self._end = b""
        self._close = b""  # what stands behind a random word
        self._start = 0
        self._inside = slice(0)  # where the string stands, quotes and all, if nothing random does
        self._misses = 0

    @property
    def fit(self) -> Fit | None:
        """Return what reads the string in bytes that fit, and none in others, until another mould is learned.

        Bytes that fit are one whole frame: no JSON string holds a line end. None where frames must be taken apart.
        """
        if not self.framed:
            return None
        return self._padded if self._close else self._plain

    def match(self, frame: Frame) -> PartDelta | None:
        """Return the event of a frame that fits; None if it must be decoded."""
        text = frame.raw if self.framed else frame.data
        if text is None:
            return None
        said = self._padded(text) if self._close else self._plain(text)
        return PartDelta(self.index, said) if said else None

    def _plain(self, text: bytes) -> str:
        if not text.startswith(self._begin) or not text.endswith(self._end):
            return ""
        try:
            said = _string(text[self._inside])
        except (msgspec.DecodeError, UnicodeError):
            return ""
        self._misses = 0
        return said

    def _padded(self, text: bytes) -> str:
        end, close = self._end, self._close
        at = text.rfind(end)
        if not text.startswith(self._begin) or not text.endswith(close):
            return ""
        if at < 0 or not text[at + len(end) : -len(close)].isalnum():
            return ""
        try:
            said = _string(text[self._start : at + 1])
        except (msgspec.DecodeError, UnicodeError):
            return ""
        self._misses = 0
        return said

    def forget(self) -> None:
        """Let no further frame fit."""
        self._begin = ()

    def learn(self, frame: Frame, said: str, events: list[Event]) -> None:
        """Take a frame that added the string `said`, and changed nothing else, for the mould of those to come."""
        self._begin, data = (), frame.data or b""
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
        self._start = len(begin) - 1
        self._inside = slice(self._start, 1 - len(self._end))
        self.index = event.index
        self.learned += 1


def apart(data: bytes, fit: Fit) -> tuple[list[tuple[bytes, str]], bytes]:
    """Return the frames at the beginning that fit, with their texts; and all that is left."""
    fitting: list[tuple[bytes, str]] = []
    start = 0
    while (end := data.find(b"\n\n", start) + 2) > 1 and (text := fit(raw := data[start:end])):
        fitting.append((raw, text))
        start = end
    return fitting, data[start:]


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


__all__ = ["DeltaMould", "Fit", "apart"]
