"""Server-sent events on bytes: parse frames that may be cut anywhere, write frames.

Works on bytes and splits on LF, CR LF and CR only. Text line iterators also split on U+2028 and
break payloads; decoding happens after framing, so a cut inside a UTF-8 sequence is harmless.
Each frame keeps the bytes it came in, so that the passthrough lane can send them on unchanged.
Google breaks off a stream with a bare JSON object between blank lines, without `data:`; what its own
clients take for an event is one here too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from flowrouter.errors import FlowRouterError

_BOM = b"\xef\xbb\xbf"
_CR = 0x0D  # looked for as a number: for bytes in bytes the interpreter raises and catches an error first

MAX_FRAME = 64 * 1024 * 1024
"""Bytes one event may hold; images arrive in single events of tens of megabytes."""


class Frame(msgspec.Struct, frozen=True, gc=False):
    """One server-sent event: its name, its payload, and the very bytes it came in.

    A frame without `data` lines (a comment or a blank heartbeat) has `data is None`. `bare` tells that the
    payload stood there without `data:`, which only Gemini's clients read.
    """

    event: str | None
    data: bytes | None
    raw: bytes
    bare: bool = False


class SseError(FlowRouterError, ValueError):
    """The byte stream is not server-sent events (an event beyond the size limit)."""


class SseParser:
    """Turns bytes, cut anywhere, into frames: `feed` as they come, `close` at the end.

    `pending` holds the beginning of an event whose end has not come.
    """

    __slots__ = ("_searched", "_started", "pending")

    def __init__(self) -> None:
        self.pending = bytearray()
        self._searched = 0
        self._started = False

    def feed(self, data: bytes) -> list[Frame]:
        """Return the frames completed by `data`; raises `SseError` beyond `MAX_FRAME`."""
        buffer = self.pending
        if not buffer and self._started and (frame := _plain(data)) is not None:
            return [frame]
        buffer += data
        if not self._started and not self._begin():
            return []
        frames: list[Frame] = []
        start = 0
        for end in _frame_ends(buffer, self._searched):
            frames.append(frame_of(bytes(buffer[start:end])))
            start = end
        del buffer[:start]
        # The blank line may be cut in the middle, so the last three bytes are looked at again.
        self._searched = max(0, len(buffer) - 3)
        if len(buffer) > MAX_FRAME:
            raise SseError(f"an event is larger than {MAX_FRAME} bytes")
        return frames

    def close(self) -> list[Frame]:
        """Return the last frame, if the stream ended without its blank line."""
        rest = bytes(self.pending)
        self.pending.clear()
        self._searched = 0
        if not rest.strip(b"\r\n"):
            return []
        return [frame_of(rest)]

    def _begin(self) -> bool:
        buffer = self.pending
        if len(buffer) < len(_BOM) and _BOM.startswith(buffer):
            return False
        if buffer.startswith(_BOM):
            del buffer[: len(_BOM)]
        self._started = True
        return True


# Two line ends in a row; the `\r` of a CR LF is never taken for a line end of its own.
_BLANK_LINE = re.compile(rb"(?:\r\n|\n|\r(?!\n))(?:\r\n|\n|\r)")


def _frame_ends(buffer: bytearray, start: int) -> Iterator[int]:
    """Yield the offset just behind each blank line at or after `start`; linear in the buffer's length."""
    if buffer.find(b"\r", start) < 0:
        while (start := buffer.find(b"\n\n", start) + 2) >= 2:
            yield start
        return
    for found in _BLANK_LINE.finditer(buffer, start):
        # A carriage return at the very end may be the first half of CR LF: wait for the next byte.
        if found.end() < len(buffer) or buffer[-1] == 0x0A:
            yield found.end()


def _plain(raw: bytes) -> Frame | None:
    """Return the one event that `raw` is, as a stream's pieces mostly are: a line of data, or its name and one."""
    if _CR in raw or not raw.endswith(b"\n\n"):
        return None
    first, last = raw.find(b"\n"), len(raw) - 2
    if first == last:
        return Frame(None, raw[6:-2], raw) if raw.startswith(b"data: ") else None
    named = raw.startswith(b"event: ") and raw.startswith(b"data: ", first + 1)
    if named and raw.find(b"\n", first + 1) == last:
        return Frame(raw[7:first].decode("utf-8", "replace"), raw[first + 7 : -2], raw)
    return None


def frame_of(raw: bytes) -> Frame:
    """Return the one event that `raw` is, blank line and all."""
    if (plain := _plain(raw)) is not None:
        return plain
    event: str | None = None
    data: list[bytes] = []
    for line in _lines(raw):
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            data.append(value)
        elif name == b"event":
            event = value.decode("utf-8", "replace")
    if not data and _is_bare(raw):
        return Frame(event, raw.strip(), raw, bare=True)
    return Frame(event, b"\n".join(data) if data else None, raw)


def _is_bare(raw: bytes) -> bool:
    """Return whether a frame without `data:` is a JSON object or array by its ends; decoders judge the rest."""
    text = raw.strip()
    return (text[:1], text[-1:]) in ((b"{", b"}"), (b"[", b"]"))


def _lines(raw: bytes) -> list[bytes]:
    if b"\r" in raw:
        raw = raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return raw.split(b"\n")


def one_line(data: bytes) -> bytes:
    """Return JSON on a single line; its line ends can only be white space between tokens."""
    return b" ".join(data.split(b"\n")).replace(b"\r", b" ") if b"\n" in data or b"\r" in data else data


def write(data: bytes, event: str | None = None) -> bytes:
    """Return one event; `data` must be a single line, which compact JSON always is (`one_line`)."""
    if event is None:
        return b"data: %b\n\n" % data
    return b"event: %b\ndata: %b\n\n" % (event.encode(), data)


COMMENT = b": keep-alive\n\n"
"""A heartbeat every SSE client ignores."""

__all__ = ["COMMENT", "MAX_FRAME", "Frame", "SseError", "SseParser", "frame_of", "one_line", "write"]
