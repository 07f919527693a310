"""Reads a request body: bounded after decompression, never more in memory than the limit allows."""

from __future__ import annotations

import zlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from flowrouter.errors import CallerError, FlowRouterError
from flowrouter.tasks import in_time

Receive = Callable[[], Awaitable[Any]]
"""ASGI's; every server's is a coroutine function, which saves one of our own around each call of it."""


class ClientGoneError(FlowRouterError):
    """The client closed the connection before its request was complete."""

    def __init__(self) -> None:
        super().__init__("the client closed the connection")


class _Inflater(Protocol):
    def feed(self, data: bytes, room: int) -> bytes: ...

    def end(self) -> None: ...


IDLE_SECONDS = 60.0
"""How long the next piece of a body may take."""


async def read_body(
    receive: Receive, headers: Mapping[str, str], *, limit: int, cover: Callable[[int], None] | None = None
) -> bytes:
    """Return the whole body, decompressed; raises `CallerError` (413, 415, 400) or `ClientGoneError`.

    `limit` is in bytes and holds for what is sent, for the body after decompression, and for every
    step between where several encodings are stacked. `cover` hears the size so far and may refuse it.
    """
    declared = declared_length(headers)
    if declared is not None and declared > limit:
        raise _too_large(limit)
    encoding = headers.get("content-encoding")
    inflaters = _inflaters(encoding) if encoding else ()
    pieces: list[bytes] = []
    received = size = 0
    more = True
    while more:
        try:
            message = await in_time(IDLE_SECONDS, receive())  # pyright: ignore[reportArgumentType] - see `Receive`
        except TimeoutError:  # a client that sends nothing for a minute is not waited for
            raise _stopped() from None
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        piece: bytes = message.get("body", b"")
        more = message.get("more_body", False)
        received += len(piece)
        if received > limit:
            raise _too_large(limit)
        for inflater in inflaters:
            piece = _inflate(inflater, piece, limit - size)
            if len(piece) > limit - size:
                raise _too_large(limit)
        size += len(piece)
        if piece:
            pieces.append(piece)
            if cover is not None:
                cover(size)
    if received:
        for inflater in inflaters:
            _finish(inflater)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def declared_length(headers: Mapping[str, str]) -> int | None:
    """Return the `content-length` the client declared, if it is one."""
    text = headers.get("content-length")
    if text is not None and text.isdecimal() and text.isascii() and len(text) <= _LENGTH_DIGITS:
        return int(text)
    return None


_LENGTH_DIGITS = 18


def _stopped() -> CallerError:
    return CallerError("the body did not go on; send it again", status=408, code="request_timeout")


def _inflate(inflater: _Inflater, data: bytes, room: int) -> bytes:
    if not data:
        return b""
    try:
        return inflater.feed(data, room)
    except Exception as error:  # each library has its own error type for corrupt input
        raise CallerError("the compressed body is damaged", status=400) from error


def _finish(inflater: _Inflater) -> None:
    try:
        inflater.end()
    except Exception as error:
        raise CallerError("the compressed body ends too early", status=400) from error


def _too_large(limit: int) -> CallerError:
    return CallerError(
        f"the request is larger than {limit // (1024 * 1024)} MiB (counted after decompression)",
        status=413,
        code="request_too_large",
    )


def _inflaters(encoding: str) -> list[_Inflater]:
    names = [name.strip().lower() for name in encoding.split(",") if name.strip()]
    names = [name for name in reversed(names) if name != "identity"]
    if len(names) > _STACKED_MAX:
        raise CallerError(f"more than {_STACKED_MAX} content encodings are not taken", status=415)
    made: list[_Inflater] = []
    for name in names:
        maker = _MAKERS.get(name)
        if maker is None:
            raise CallerError(f"the content encoding {name[:40]!r} is not known here", status=415)
        made.append(maker())
    return made


_STACKED_MAX = 3


class _Frames:
    """One or more compressed frames, one behind the other, fed in slices of `size` bytes."""

    size: int

    def __init__(self) -> None:
        self._inflater: Any = self._new()

    def feed(self, data: bytes, room: int) -> bytes:
        out = bytearray()
        at = 0
        while at < len(data) and len(out) <= room:
            if self._inflater.eof:
                self._inflater = self._new()
            piece = data[at : at + self.size]
            out += self._step(piece, room + 1 - len(out))
            at += len(piece) - len(self._inflater.unused_data)
        return bytes(out)

    def end(self) -> None:
        if not self._inflater.eof:
            raise ValueError("incomplete")

    def _new(self) -> Any:
        raise NotImplementedError

    def _step(self, piece: bytes, room: int) -> bytes:
        raise NotImplementedError


class _Gzip(_Frames):
    """Members of gzip; a slice bounds what is copied where one ends."""

    size = 4096

    def _new(self) -> Any:
        return zlib.decompressobj(16 + zlib.MAX_WBITS)

    def _step(self, piece: bytes, room: int) -> bytes:
        out: bytes = self._inflater.decompress(piece, room)
        return out


class _Zstd(_Frames):
    """Frames of zstd, windows as RFC 9659 allows; a slice bounds the growth, which the library does not."""

    size = 256

    def _new(self) -> Any:
        import zstandard

        return zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW).decompressobj()

    def _step(self, piece: bytes, room: int) -> bytes:  # noqa: ARG002 - the library takes no limit
        out: bytes = self._inflater.decompress(piece)
        return out


_ZSTD_WINDOW = 8 * 1024 * 1024


class _Deflate:
    """Deflate with or without the zlib header: both are sent under that name."""

    def __init__(self) -> None:
        self._inflater: Any = None
        self._begin = b""

    def feed(self, data: bytes, room: int) -> bytes:
        if self._inflater is None:
            self._begin += data
            if len(self._begin) < 2:
                return b""
            self._inflater = zlib.decompressobj(_deflate_bits(self._begin))
            data = self._begin
        out: bytes = self._inflater.decompress(data, room + 1)
        if self._inflater.unused_data:
            raise zlib.error("bytes behind the end")
        return out

    def end(self) -> None:
        if self._inflater is None or not self._inflater.eof:
            raise zlib.error("incomplete")


def _deflate_bits(begin: bytes) -> int:
    """Return zlib's window bits for a stream that begins so (RFC 1950: method 8, header divisible by 31)."""
    zlib_header = begin[0] & 0x0F == 8 and int.from_bytes(begin[:2], "big") % 31 == 0
    return zlib.MAX_WBITS if zlib_header else -zlib.MAX_WBITS


class _Brotli:
    def __init__(self) -> None:
        import brotli

        self._inflater: Any = brotli.Decompressor()

    def feed(self, data: bytes, room: int) -> bytes:
        out: bytes = self._inflater.process(data, output_buffer_limit=room + 1)
        return out

    def end(self) -> None:
        if not self._inflater.is_finished():
            raise ValueError("incomplete")


_MAKERS: dict[str, Callable[[], _Inflater]] = {
    "gzip": _Gzip,
    "x-gzip": _Gzip,
    "deflate": _Deflate,
    "br": _Brotli,
    "zstd": _Zstd,
}

__all__ = ["ClientGoneError", "Receive", "declared_length", "read_body"]
