"""Reads a request body: bounded after decompression, never more in memory than the limit allows."""

from __future__ import annotations

import zlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from flowrouter.errors import CallerError, FlowRouterError

Receive = Callable[[], Awaitable[Any]]


class ClientGoneError(FlowRouterError):
    """The client closed the connection before its request was complete."""

    def __init__(self) -> None:
        super().__init__("the client closed the connection")


class _Inflater(Protocol):
    def feed(self, data: bytes, room: int) -> bytes: ...

    def end(self) -> None: ...


async def read_body(receive: Receive, headers: Mapping[str, str], *, limit: int) -> bytes:
    """Return the whole body, decompressed; raises `CallerError` (413, 415, 400) or `ClientGoneError`.

    `limit` is in bytes after decompression.
    """
    declared = headers.get("content-length")
    if declared is not None and declared.isdigit() and int(declared) > limit:
        raise _too_large(limit)
    inflaters = _inflaters(headers.get("content-encoding", ""))
    pieces: list[bytes] = []
    size = 0
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        piece: bytes = message.get("body", b"")
        more = message.get("more_body", False)
        for inflater in inflaters:
            piece = _inflate(inflater, piece, limit - size)
        size += len(piece)
        if size > limit:
            raise _too_large(limit)
        pieces.append(piece)
    for inflater in inflaters:
        _finish(inflater)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _inflate(inflater: _Inflater, data: bytes, room: int) -> bytes:
    try:
        return inflater.feed(data, room)
    except CallerError:
        raise
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
    made: list[_Inflater] = []
    for name in reversed(names):
        if name == "identity":
            continue
        maker = _MAKERS.get(name)
        if maker is None:
            raise CallerError(f"the content encoding {name[:40]!r} is not known here", status=415)
        made.append(maker())
    return made


class _Zlib:
    """gzip, and deflate with or without the zlib header (both are sent under that name)."""

    def __init__(self, wbits: int) -> None:
        self._wbits = wbits
        self._inflater = zlib.decompressobj(wbits)
        self._begun = False

    def feed(self, data: bytes, room: int) -> bytes:
        if not data:
            return b""
        try:
            out = self._inflater.decompress(data, room + 1)
        except zlib.error:
            if self._begun or self._wbits != zlib.MAX_WBITS:
                raise
            self._inflater = zlib.decompressobj(-zlib.MAX_WBITS)
            out = self._inflater.decompress(data, room + 1)
        self._begun = True
        return out

    def end(self) -> None:
        if self._begun and not self._inflater.eof:
            raise zlib.error("incomplete")


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


class _Zstd:
    def __init__(self) -> None:
        import zstandard

        self._inflater: Any = zstandard.ZstdDecompressor().decompressobj()

    def feed(self, data: bytes, room: int) -> bytes:
        # The library has no output limit; a window beyond it is refused when the sum is checked,
        # and feeding small slices keeps one step's growth bounded.
        out = bytearray()
        for start in range(0, len(data), _ZSTD_SLICE):
            out += self._inflater.decompress(data[start : start + _ZSTD_SLICE])
            if len(out) > room:
                break
        return bytes(out)

    def end(self) -> None:
        if not self._inflater.eof:
            raise ValueError("incomplete")


_ZSTD_SLICE = 1024

_MAKERS: dict[str, Callable[[], _Inflater]] = {
    "gzip": lambda: _Zlib(16 + zlib.MAX_WBITS),
    "x-gzip": lambda: _Zlib(16 + zlib.MAX_WBITS),
    "deflate": lambda: _Zlib(zlib.MAX_WBITS),
    "br": _Brotli,
    "zstd": _Zstd,
}

__all__ = ["ClientGoneError", "Receive", "read_body"]
