"""One connection to a provider: requests go out, replies come in, one exchange at a time.

The parser (httptools) calls back while bytes are fed; what it finds goes to the exchange under way, whose
reader is woken once per read of the socket. A reader that does not keep up stops the socket. Bytes that
nobody asked for, or that follow a whole reply, cost the connection: the next reply would be another's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextvars import Context, copy_context
from functools import lru_cache
from operator import methodcaller
from types import MappingProxyType
from typing import cast

import httptools

from flowrouter.errors import UpstreamError
from flowrouter.upstream.inflate import Inflater, is_disguised
from flowrouter.upstream.transport import Take

HIGH = 256 * 1024
"""Bytes of a body that may wait for their reader before the socket is stopped."""

BARREN = 64 * 1024
"""Bytes that may come without one of a body: heads, chunk sizes and trailers have an end."""

FIELDS = 256
"""Header fields a reply may have."""

_SPLIT = 64 * 1024
"""Bodies up to this size go out in one piece with their head."""

_NO_BODY = frozenset({204, 304})


class Connection(asyncio.Protocol):
    """A connection that is open; `idle` is told when it can take another request, `gone` when it never will."""

    def __init__(self, *, idle: Callable[[Connection], None], gone: Callable[[Connection], None]) -> None:
        self._idle = idle
        self._gone = gone
        self._parser = httptools.HttpResponseParser(self)
        self._reply: Http1Reply | None = None
        self._transport: asyncio.Transport | None = None
        self._fields: list[bytes] = []
        self._barren = 0
        self._chunked = self._measured = False
        self._interim = self._headed = self._complete = False
        self._usable = False
        self._cut = False
        self.idle_since = 0.0

    @property
    def is_open(self) -> bool:
        """Return whether a request may be sent."""
        return self._usable and self._transport is not None and not self._transport.is_closing()

    def send(self, head: bytes, body: bytes) -> Http1Reply:
        """Send one request and return its reply to be, whose head is not there yet."""
        transport = self._transport
        assert transport is not None
        assert self._reply is None
        reply = self._reply = Http1Reply(self)
        self._barren = 0
        self._headed = self._complete = False
        if len(body) <= _SPLIT:
            transport.write(head + body)
        else:
            transport.write(head)
            transport.write(body)
        return reply

    def cut(self) -> None:
        """Close at once, whatever is under way."""
        self._cut = True
        self._usable = False
        if self._transport is not None:
            self._transport.abort()

    def resume(self) -> None:
        """Read on: the reader has caught up."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._usable = True

    def data_received(self, data: bytes) -> None:
        reply = self._reply
        if reply is None:
            self.cut()  # nobody asked
            return
        reply.heard = True
        self._barren += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._usable = False
            if not self._complete:
                self._fail(UpstreamError("the provider's answer is not valid HTTP", kind="protocol"))
                return
        if self._barren > BARREN and not self._complete:
            self._fail(UpstreamError("the provider's answer is not valid HTTP", kind="protocol"))
            return
        if self._complete:
            reply.ended = True
            self._reply = None
        elif reply.size > HIGH and not reply.paused and self._transport is not None:
            reply.paused = True
            self._transport.pause_reading()
        reply.wake()

    def eof_received(self) -> bool:
        # Nobody will answer what has not left yet; without this the loop first waits for it to leave.
        if self._transport is not None and self._transport.get_write_buffer_size():
            self._transport.abort()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._usable = False
        reply, self._reply = self._reply, None
        if reply is not None:
            if self._headed and not (self._chunked or self._measured) and exc is None and not self._cut:
                reply.ended = True  # the end of the connection is the end of such a body
            elif self._headed:
                reply.error = UpstreamError("the provider's answer was cut off", kind="reset")
            else:
                reply.error = UpstreamError("the provider closed the connection", kind="reset")
            reply.wake()
        self._gone(self)

    # httptools

    def on_message_begin(self) -> None:
        if self._complete:
            self._usable = False  # a second answer to one request

    def on_header(self, name: bytes, value: bytes) -> None:
        self._fields += (name, value)

    def on_headers_complete(self) -> None:
        head = self._head()
        status = self._parser.get_status_code()
        if status < 200:
            self._interim = True
            if status == 101:
                raise ValueError("nobody asked to change the protocol")
            return
        reply = self._reply
        if self._complete or reply is None:
            return
        self._headed = True
        reply.status = status
        reply.headers = head
        if status in _NO_BODY:
            self._measured = True
        encoding = head.get("content-encoding")
        if encoding is not None and (encoding := encoding.strip().lower()) not in ("identity", ""):
            reply.inflater = Inflater(encoding)

    def on_body(self, body: bytes) -> None:
        reply = self._reply
        if reply is None or self._complete:
            return
        self._barren = 0
        reply.pieces.append(body)
        reply.size += len(body)

    def on_message_complete(self) -> None:
        if self._interim:
            self._interim = False
            return
        if self._complete:
            return
        self._complete = True
        if not self._parser.should_keep_alive():
            self._usable = False

    def _head(self) -> dict[str, str]:
        """Return the fields that came, if body and reply end where they say; raises `ValueError`."""
        fields, self._fields = self._fields, []
        count = len(fields)
        if count > 2 * FIELDS or (self._barren > BARREN and sum(map(len, fields)) > BARREN):
            raise ValueError("too much of a head")
        head = dict(zip(map(_lowered, fields[::2]), map(_latin, fields[1::2]), strict=True))
        if 2 * len(head) < count:
            head = _joined(fields)
        coding = head.get("transfer-encoding")
        if coding is not None and coding.strip().lower() != "chunked":
            raise ValueError("an unknown transfer encoding")
        self._chunked = coding is not None
        self._measured = "content-length" in head
        return head

    # the reply's way back

    def done(self) -> None:
        """Be used again, if the reply left the connection as it should be; called when all of it was taken."""
        transport = self._transport
        if transport is None:
            return
        self._fields.clear()  # trailers
        usable = self._usable and self._reply is None and not transport.is_closing()
        if usable and not transport.get_write_buffer_size():
            self._idle(self)
        else:
            self.cut()

    def _fail(self, error: UpstreamError) -> None:
        reply, self._reply = self._reply, None
        self.cut()
        if reply is not None:
            reply.error = error
            reply.wake()


def _joined(fields: Sequence[bytes]) -> dict[str, str]:
    """Return names and values in turn as headers; those of one name stand in one."""
    head: dict[str, str] = {}
    for name, value in zip(fields[::2], fields[1::2], strict=True):
        key, text = _lowered(name), _latin(value)
        head[key] = f"{head[key]}, {text}" if key in head else text
    return head


_latin = methodcaller("decode", "latin-1")


@lru_cache(maxsize=512)
def _lowered(name: bytes) -> str:
    return name.decode("latin-1").lower()


class Http1Reply:
    """One reply, as `upstream.Reply`; `heard` says whether a single byte of it came."""

    # How each begins; much of it is written for few.
    _waiter: asyncio.Future[None] | None = None
    _taker: Take | None = None
    _context: Context | None = None
    _closed = False
    _sniffed = False
    status = 0
    headers: Mapping[str, str] = MappingProxyType({})
    size = 0
    ended = False
    paused = False
    heard = False
    error: UpstreamError | None = None
    inflater: Inflater | None = None

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.pieces: list[bytes] = []

    def head(self) -> asyncio.Future[None]:
        """Return what to wait for while there is no `status`; raises `UpstreamError` where there will be none."""
        if self.error is not None:
            raise self.error
        if self.ended:
            raise UpstreamError("the provider's answer is not valid HTTP", kind="protocol")
        return self._more()

    def entire(self) -> bytes | None:
        """Return the whole body where all of it is here and none was read; see `upstream.Reply`."""
        if (
            not self.ended
            or self._sniffed
            or self._closed
            or self.inflater is not None
            or self.error is not None
        ):
            return None
        pieces = self.pieces
        body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        if is_disguised(body, self.headers):
            return None
        self.close()
        return body

    async def read(self) -> bytes:
        """Return the next piece as it arrives, `b""` at the end; raises `UpstreamError`."""
        if self.inflater is not None and (plain := self.inflater.rest()):
            return plain
        while True:
            if self.pieces:
                piece = self._take()
                if not self._sniffed:
                    self._sniffed = True
                    if self.inflater is None and is_disguised(piece, self.headers):
                        self.inflater = Inflater("gzip")
                if self.inflater is None:
                    return piece
                if plain := self.inflater.feed(piece) or self.inflater.rest():
                    return plain
            elif self.error is not None:
                raise self.error
            elif self.ended or self._closed:
                if not self._closed and self.inflater is not None and self.inflater.is_cut():
                    self.close()
                    raise UpstreamError("the provider's answer was cut off", kind="reset")
                self.close()
                return b""
            else:
                await self._more()

    async def flow(self, take: Take) -> None:
        """Give pieces to `take` as they come; see `upstream.Reply`."""
        if self.pieces or not self._sniffed or self.inflater is not None:
            return
        if self.error is not None or self.ended or self._closed:
            return
        # The connection's own callbacks run in the context of whoever opened it.
        self._taker, self._context = take, copy_context()
        try:
            await self._more()
        finally:
            self._taker = self._context = None

    def close(self) -> None:
        """Let go: back to the pool if all of the reply is there, else the connection is cut."""
        if self._closed:
            return
        self._closed = True
        self.pieces.clear()
        self.size = 0
        if self.ended:
            self._resume()
            self._connection.done()
        elif self.error is None:
            self._connection.cut()

    def wake(self) -> None:
        """Let the reader look again, unless all there is to see could be given to it."""
        waiter, taker, context = self._waiter, self._taker, self._context
        if waiter is None or waiter.done():
            return
        if taker is not None and context is not None and self.pieces:
            try:
                if context.run(taker, self._take()) and not self.ended and self.error is None:
                    return
            except Exception as error:  # noqa: BLE001 - for who called `flow`
                waiter.set_exception(error)
                return
        self._taker = None
        waiter.set_result(None)

    def _more(self) -> asyncio.Future[None]:
        waiter = self._waiter = asyncio.get_running_loop().create_future()
        return waiter

    def _take(self) -> bytes:
        pieces = self.pieces
        taken = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        pieces.clear()
        self.size = 0
        if self.paused:
            self._resume()
        return taken

    def _resume(self) -> None:
        if self.paused:
            self.paused = False
            self._connection.resume()


__all__ = ["BARREN", "FIELDS", "HIGH", "Connection", "Http1Reply"]
