"""Bodies that are packed although nobody asked for it, plain again in steps: a bomb goes off a step at a time."""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping
from typing import Any

from flowrouter.errors import UpstreamError

STEP = 1024 * 1024
"""Bytes one step returns at most, about."""

_HEADER = 2
_GZIP = b"\x1f\x8b\x08"
_TEXTS = re.compile("json|event-stream|text", re.IGNORECASE)


def is_disguised(piece: bytes, headers: Mapping[str, str]) -> bool:
    """Return whether a body that begins with `piece` is packed without saying so: no text begins like gzip."""
    return piece.startswith(_GZIP) and bool(_TEXTS.search(headers.get("content-type", "")))


class Inflater:
    """Takes a `gzip`, `deflate` or `br` body in pieces; raises `UpstreamError` for what it cannot read."""

    def __init__(self, encoding: str) -> None:
        if encoding in ("gzip", "x-gzip", "deflate"):
            self._unpacker: _Zlib | _Brotli = _Zlib(bare=encoding == "deflate")
        elif encoding == "br":
            self._unpacker = _Brotli()
        else:
            raise UpstreamError(
                f"the provider's answer is packed as {encoding[:20]!r}, unasked", kind="protocol"
            )

    def feed(self, piece: bytes) -> bytes:
        """Return what can be said so far, at most a step; `rest` has what follows, and goes before the next piece."""
        return self._unpacker.feed(piece)

    def rest(self) -> bytes:
        """Return the next step of what was fed already."""
        return self._unpacker.rest()

    def is_cut(self) -> bool:
        """Return whether something came and its end did not."""
        return self._unpacker.is_cut()


class _Zlib:
    def __init__(self, *, bare: bool) -> None:
        self._bare = bare
        self._first = b""
        self._stream = zlib.decompressobj(zlib.MAX_WBITS | 32)
        self._fed = self._more = False

    def feed(self, piece: bytes) -> bytes:
        if self._bare:  # the first two bytes tell
            self._first = piece = self._first + piece
            if len(piece) < _HEADER:
                return b""
        self._fed = True
        if self._stream.eof:
            self._more = False
            if not piece or not _GZIP.startswith(piece[:3]):
                return b""  # padding behind the last member
            self._stream = zlib.decompressobj(zlib.MAX_WBITS | 32)
        try:
            plain = self._stream.decompress(piece, STEP)
        except zlib.error as error:
            if not self._bare:
                raise _damaged() from error
            # Some send deflate without its two bytes of header.
            self._bare = False
            self._stream = zlib.decompressobj(-zlib.MAX_WBITS)
            return self.feed(piece)
        self._bare = False
        # There may be more within, even if all of the input is taken; and another member behind this one.
        self._more = len(plain) >= STEP or (self._stream.eof and bool(self._stream.unused_data))
        return plain

    def rest(self) -> bytes:
        while self._more:
            stream = self._stream
            if plain := self.feed(stream.unused_data if stream.eof else stream.unconsumed_tail):
                return plain
        return b""

    def is_cut(self) -> bool:
        return self._fed and not self._stream.eof


class _Brotli:
    def __init__(self) -> None:
        import brotli

        self._stream: Any = brotli.Decompressor()
        self._error: type[Exception] = brotli.error
        self._fed = self._more = False

    def feed(self, piece: bytes) -> bytes:
        self._fed = True
        try:
            plain: bytes = self._stream.process(piece, output_buffer_limit=STEP)
        except self._error as error:
            raise _damaged() from error
        self._more = len(plain) >= STEP or not self._stream.can_accept_more_data()
        return plain

    def rest(self) -> bytes:
        return self.feed(b"") if self._more else b""

    def is_cut(self) -> bool:
        return self._fed and not self._stream.is_finished()


def _damaged() -> UpstreamError:
    return UpstreamError("the provider's answer is damaged", kind="protocol")


__all__ = ["STEP", "Inflater", "is_disguised"]
