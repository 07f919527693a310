"""One connection to a provider: requests go out, replies come in, one exchange at a time.

The parser (httptools) calls back while bytes are fed; what it finds goes to the exchange under way, whose
reader is woken once per read of the socket. The pieces of a body it puts into a list by itself, since a call
into Python for each costs more than finding it; the list is the reply's until that is whole. A reader that
does not keep up stops the socket. Bytes that nobody asked for, or that follow a whole reply, cost the
connection: the next reply would be another's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from contextvars import Context, copy_context
from functools import lru_cache
from operator import methodcaller
from sys import intern
from types import MappingProxyType
from typing import Any, Protocol, cast

import httptools
import msgspec

from flowrouter.outbox import outbox_of
from flowrouter.upstream.http1.breaches import CLOSED, CUT_OFF, ENDED, NOT_HTTP, Breach, raisable
from flowrouter.upstream.http1.origin import Origin
from flowrouter.upstream.inflate import Inflater, is_disguised
from flowrouter.upstream.transport import Take

HIGH = 256 * 1024
"""Bytes of a body that may wait for their reader before the socket is stopped."""

BARREN = 64 * 1024
"""Bytes that may come without one of a body: heads, chunk sizes and trailers have an end."""

FIELDS = 256
"""Header fields a reply may have."""

_NO_BODY = frozenset({204, 304})
_NO_HEADERS: Mapping[str, str] = MappingProxyType({})
_NO_FLOW: Any = None


class Home(Protocol):
    """Where a connection belongs: it is told when one can take another request (`idle`), and when it never will."""

    def idle(self, connection: Connection) -> None:
        """Keep it for later."""
        ...

    def gone(self, connection: Connection) -> None:
        """Drop it."""
        ...


class Connection(asyncio.Protocol):
    """A connection to `origin`, one exchange at a time."""

    _reply: Http1Reply | None = None
    _transport: asyncio.Transport  # from the moment anybody is given the connection
    barren = 0
    """Bytes that came since the request, or since the last one of a body."""
    _interim = _complete = False
    usable = False
    """Whether a request may be sent."""
    _cut = False
    idle_since = 0.0

    def __init__(self, home: Home, origin: Origin) -> None:
        self.origin = origin
        self.loop = loop = asyncio.get_running_loop()
        self._outbox = outbox_of(loop)
        self._home = home
        self._pieces: list[bytes] = []
        self.on_body = self._pieces.append
        self._parser: Any = httptools.HttpResponseParser(self)
        self._fields: list[bytes] = []

    def send(self, head: bytes, body: bytes) -> Http1Reply:
        """Send one request and return its reply to be, whose head is not there yet."""
        reply = self._reply = Http1Reply(self, self._pieces)
        self.barren = 0
        self._complete = False
        if not self.usable:
            reply.error = CLOSED
            return reply
        self._outbox.put(self._transport, head)
        if body:
            self._outbox.put(self._transport, body)
        return reply

    def cut(self) -> None:
        """Close at once, whatever is under way."""
        self._cut = True
        self.usable = False
        self._transport.abort()

    def resume(self) -> None:
        """Read on: the reader has caught up."""
        if not self._transport.is_closing():
            self._transport.resume_reading()

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self.usable = True

    def data_received(self, data: bytes) -> None:
        reply, pieces = self._reply, self._pieces
        if reply is None:
            self.cut()  # nobody asked
            return
        waiting = len(pieces)
        self.barren += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self.usable = False
            if not self._complete:
                self._fail(NOT_HTTP)
                return
        if self._interim:
            pieces.clear()  # of what is no answer yet
        if self._complete:
            pieces.clear()  # of a second answer
            reply.ended = True
            self._reply = None
        elif len(pieces) > waiting:
            self.barren = 0
        elif self.barren > BARREN:
            self._fail(NOT_HTTP)
            return
        reply.wake()
        if pieces:
            reply.size += sum(map(len, pieces[waiting:]))
            if reply.size > HIGH and not reply.paused:
                reply.paused = True
                self._transport.pause_reading()

    def eof_received(self) -> bool:
        self.usable = False
        # Nobody will answer what has not left yet; without this the loop first waits for it to leave.
        if self._transport.get_write_buffer_size():
            self._transport.abort()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self.usable = False
        reply, self._reply = self._reply, None
        if reply is not None:
            if reply.status and exc is None and not self._cut and _is_unbounded(reply):
                reply.ended = True  # the end of the connection is the end of such a body
            else:
                reply.error = CUT_OFF if reply.status else CLOSED
            reply.wake()
        self._home.gone(self)
        # Parser and transport lead back here, and what goes round in a circle stays until the collector comes.
        self._parser, self._transport = None, ENDED

    # httptools

    def on_message_begin(self) -> None:
        if self._complete:
            self.usable = False  # a second answer to one request

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
        reply.status = status
        reply.headers = head
        encoding = head.get("content-encoding")
        if encoding is not None and (encoding := encoding.strip().lower()) not in ("identity", ""):
            reply.inflater = Inflater(encoding)

    def on_message_complete(self) -> None:
        reply, pieces = self._reply, self._pieces
        if self._interim:
            self._interim = False
            pieces.clear()
            return
        if self._complete or reply is None:
            return
        self._complete = True
        reply.pieces = pieces.copy()
        pieces.clear()
        if not self._parser.should_keep_alive():
            self.usable = False

    def _head(self) -> dict[str, str]:
        """Return the fields that came (one copy of what many say), if body and reply end where they say; raises `ValueError`."""
        fields, self._fields = self._fields, []
        count = len(fields)
        if count > 2 * FIELDS or (self.barren > BARREN and sum(map(len, fields)) > BARREN):
            raise ValueError("too much of a head")
        head = dict(zip(map(_lowered, fields[::2]), map(intern, map(_latin, fields[1::2])), strict=True))
        if 2 * len(head) < count:
            head = _joined(fields)
        coding = head.get("transfer-encoding")
        if coding is not None and coding.strip().lower() != "chunked":
            raise ValueError("an unknown transfer encoding")
        return head

    # the reply's way back

    def done(self) -> None:
        """Be used again, if the reply left the connection as it should be; called when all of it was taken."""
        self._fields.clear()  # trailers
        if self.usable and not self._transport.get_write_buffer_size():
            self._home.idle(self)
        else:
            self.cut()

    def _fail(self, error: Breach) -> None:
        reply, self._reply = self._reply, None
        self.cut()
        if reply is not None:
            reply.error = error
            reply.wake()


def _is_unbounded(reply: Http1Reply) -> bool:
    """Return whether neither the head nor its body says where the reply ends."""
    headers = reply.headers
    bounded = "transfer-encoding" in headers or "content-length" in headers
    return not bounded and reply.status not in _NO_BODY


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


class Http1Reply(msgspec.Struct, eq=False):
    """One reply, as `upstream.Reply`.

    `pieces` wait to be read, `size` bytes in all while more may come; the connection adds to both.
    A struct: hardly larger than what is in it, and made in one step though its many fields begin alike.
    """

    _connection: Connection
    pieces: list[bytes]
    _waiter: asyncio.Future[None] | None = None
    _taker: Take | None = None
    _context: Context = _NO_FLOW
    _closed: bool = False
    _sniffed: bool = False
    status: int = 0
    headers: Mapping[str, str] = _NO_HEADERS
    size: int = 0
    ended: bool = False
    paused: bool = False
    error: Breach | None = None
    inflater: Inflater | None = None

    __repr__ = object.__repr__  # headers and bodies are nobody's to read in a log

    def head(self) -> asyncio.Future[None]:
        """Return what to wait for while there is no `status`; raises `UpstreamError` where there will be none."""
        if self.error is not None or self.ended:
            raise raisable(self.error or NOT_HTTP)
        waiter = self._waiter = self._connection.loop.create_future()
        return waiter

    def entire(self) -> bytes | None:
        """Return the whole body where all of it is here and none was read; see `upstream.Reply`."""
        pieces = self.pieces
        if not self.ended or self._sniffed or not pieces or self.inflater is not None:
            return None
        body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        if is_disguised(body, self.headers):
            return None
        self.close()
        return body

    @property
    def heard(self) -> bool:
        """Return whether a single byte of the answer came; asked where there is no head."""
        return self._connection.barren > 0

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
                raise raisable(self.error)
            elif self.ended or self._closed:
                if not self._closed and self.inflater is not None and self.inflater.is_cut():
                    self.close()
                    raise raisable(CUT_OFF)
                self.close()
                return b""
            else:
                self._stop_flow()  # one that was given up
                await self._more()

    def flow(self, take: Take) -> Awaitable[None]:
        """Give pieces to `take` as they come, once awaited; see `upstream.Reply`.

        A future, not a coroutine: streams are long, and each coroutine that waits takes a quarter of a kilobyte.
        """
        waiter = self._more()
        over = self.error is not None or self.ended or self._closed
        if over or self.pieces or not self._sniffed or self.inflater is not None:
            waiter.set_result(None)
        else:
            # The connection's own callbacks run in the context of whoever opened it.
            self._taker, self._context = take, copy_context()
        return waiter

    def close(self) -> None:
        """Let go: back to the pool if all of the reply is there, else the connection is cut."""
        if self._closed:
            return
        self._closed = True
        self._stop_flow()
        self.pieces.clear()
        if self.ended:
            if self.paused:
                self._resume()
            self._connection.done()
        elif self.error is None:
            self._connection.cut()

    def wake(self) -> None:
        """Let the reader look again, unless all there is to see could be given to it."""
        waiter = self._waiter
        if waiter is None or waiter.done():
            return
        taker, pieces = self._taker, self.pieces
        if taker is not None:
            try:
                if pieces:
                    # All that came before had been taken when the flow began, so nothing is counted or stopped.
                    piece = pieces.pop() if len(pieces) == 1 else self._take()
                    if self._context.run(taker, piece) and not self.ended and self.error is None:
                        return
            except Exception as error:  # noqa: BLE001 - for who called `flow`
                self._stop_flow()
                waiter.set_exception(error)
                return
            self._stop_flow()
        waiter.set_result(None)

    def _stop_flow(self) -> None:
        self._taker, self._context = None, _NO_FLOW

    def _more(self) -> asyncio.Future[None]:
        waiter = self._waiter = self._connection.loop.create_future()
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
        self.paused = False
        self._connection.resume()


__all__ = ["BARREN", "FIELDS", "HIGH", "Connection", "Home", "Http1Reply"]
