"""The `Transport` over HTTP/1.1: requests as bytes, over pooled connections.

A connection that was idle may have been closed by the other end just now. If it ends at once, before a single
byte of an answer, the request is sent once more, over a new one; nobody heard of it.
"""

from __future__ import annotations

import asyncio
from functools import lru_cache

from flowrouter.errors import UpstreamError
from flowrouter.upstream.guard import Guard
from flowrouter.upstream.http1.connection import Connection, Http1Reply
from flowrouter.upstream.http1.dial import Dialer, Proxy
from flowrouter.upstream.http1.origin import KEPT_MAX, Origin, split_url
from flowrouter.upstream.http1.pool import Pool
from flowrouter.upstream.lookup import Lookup, lookup
from flowrouter.wire.http import HttpRequest

SWEEP_SECONDS = 5.0

RESEND_SECONDS = 1.0
"""How soon a connection that was idle must end for the other end not to have worked on the request."""


class Http1Transport:
    """Sends requests only where `guard` lets them, if there is one; times are in seconds."""

    def __init__(
        self,
        *,
        connect_timeout: float,
        keepalive: float = 30.0,
        guard: Guard | None = None,
        look_up: Lookup = lookup,
        proxy: Proxy | None = None,
    ) -> None:
        self._guard = guard
        self._dialer = Dialer(timeout=connect_timeout, guard=guard, look_up=look_up, proxy=proxy)
        self._pool = Pool(keepalive=keepalive)
        self._open: set[Connection] = set()
        self._closed = False
        self._sweeper: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def warm(self) -> None:
        """Load what connections need; call it off the event loop."""
        import aiohappyeyeballs  # noqa: F401
        import yarl  # noqa: F401

        self._dialer.warm()

    async def send(self, request: HttpRequest) -> Http1Reply:
        """Return the answer once its head is there; raises `UpstreamError`, `EgressError` before anything left."""
        origin, target = split_url(request.url)
        if self._guard is not None:
            self._guard.admit(origin.host, origin.port)
        head = _head(request, origin.host_header, target)
        loop = self._loop or self._begin()
        connection = self._pool.take(origin, loop.time())
        if connection is not None:
            sent = loop.time()
            reply = connection.send(head, request.body)
            try:
                await reply.head()
            except UpstreamError:
                if reply.heard or self._closed or loop.time() - sent > RESEND_SECONDS:
                    raise
            except BaseException:
                reply.close()
                raise
            else:
                return reply
        connection = await self._connect(origin)
        reply = connection.send(head, request.body)
        try:
            await reply.head()
        except BaseException:
            reply.close()
            raise
        return reply

    async def close(self) -> None:
        """Close every connection."""
        self._closed = True
        if self._sweeper is not None:
            self._sweeper.cancel()
            self._sweeper = None
        for connection in list(self._open):
            connection.cut()
        await asyncio.sleep(0)

    async def _connect(self, origin: Origin) -> Connection:
        def idle(connection: Connection) -> None:
            loop = self._loop
            if loop is not None:
                self._pool.put(origin, connection, loop.time())
                if self._sweeper is None:
                    self._sweeper = loop.call_later(SWEEP_SECONDS, self._sweep)

        def gone(connection: Connection) -> None:
            self._open.discard(connection)
            self._pool.forget(origin, connection)

        connection = await self._dialer.open(origin, lambda: Connection(idle=idle, gone=gone))
        self._open.add(connection)
        return connection

    def _begin(self) -> asyncio.AbstractEventLoop:
        self._loop = asyncio.get_running_loop()
        return self._loop

    def _sweep(self) -> None:
        loop = self._loop
        assert loop is not None
        more = self._pool.sweep(loop.time())
        self._sweeper = loop.call_later(SWEEP_SECONDS, self._sweep) if more else None


def _head(request: HttpRequest, host: str, target: str) -> bytes:
    """Return request line and headers; raises `UpstreamError` for a header that would be more than one."""
    method, body = request.method, request.body
    written = _lines if len(target) <= KEPT_MAX else _lines.__wrapped__
    lines = written(f"{method} {target} HTTP/1.1\r\nhost: {host}\r\n", request.headers)
    if body or method in ("POST", "PUT", "PATCH"):
        return b"%bcontent-length: %d\r\n\r\n" % (lines, len(body))
    return lines + b"\r\n"


@lru_cache(maxsize=256)
def _lines(first: str, headers: tuple[tuple[str, str], ...]) -> bytes:
    """Return the `first` two lines and those of the headers; for one account and client they are mostly the same."""
    text = first + "".join([f"{name}: {value}\r\n" for name, value in headers])
    breaks = len(headers) + 2
    if text.count("\n") != breaks or text.count("\r") != breaks or "\0" in text:
        raise UpstreamError("a header of the request is not one line", kind="connect")
    return text.encode()


__all__ = ["RESEND_SECONDS", "SWEEP_SECONDS", "Http1Transport"]
