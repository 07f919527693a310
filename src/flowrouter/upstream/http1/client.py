"""The `Transport` over HTTP/1.1: requests as bytes, over pooled connections.

A connection that was idle may have been closed by the other end just now. If it ends at once, before a single
byte of an answer, the request is sent once more, over a new one; nobody heard of it.
"""

from __future__ import annotations

import asyncio
from asyncio import get_running_loop
from functools import lru_cache

from flowrouter.errors import UpstreamError
from flowrouter.upstream.guard import Guard
from flowrouter.upstream.http1.connection import Connection, Http1Reply
from flowrouter.upstream.http1.dial import Dialer, Proxy
from flowrouter.upstream.http1.origin import KEPT_MAX, Origin, split_url
from flowrouter.upstream.http1.pool import Pool
from flowrouter.upstream.lookup import Lookup, lookup
from flowrouter.wire.http import HttpRequest

RESEND_SECONDS = 1.0
"""How soon a connection that was idle must end for the other end not to have worked on the request."""


_SPLIT = 64 * 1024
"""Bodies up to this size go out in one piece with their head."""

_WITH_LENGTH = frozenset({"POST", "PUT", "PATCH"})
"""Methods whose requests tell the length of their body even where they have none."""


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
        self._closed = False

    def warm(self) -> None:
        """Load what connections need; call it off the event loop."""
        import aiohappyeyeballs  # noqa: F401
        import yarl  # noqa: F401

        self._dialer.warm()

    async def send(self, request: HttpRequest) -> Http1Reply:
        """Return the answer once its head is there; raises `UpstreamError`, `EgressError` before anything left."""
        url, body = request.url, request.body
        written = _kept if len(url) <= KEPT_MAX else _written
        origin, head = written(request.method, url, request.headers)
        if self._guard is not None:
            self._guard.admit(origin.host, origin.port)
        size = len(body)
        if not size and request.method not in _WITH_LENGTH:
            head += b"\r\n"
        elif size > _SPLIT:
            head = b"%bcontent-length: %d\r\n\r\n" % (head, size)
        else:
            head, body = b"%bcontent-length: %d\r\n\r\n%b" % (head, size, body), b""
        loop = get_running_loop()
        began = loop.time()
        connection = self._pool.take(origin, began)
        while True:
            idled = connection is not None
            if connection is None:
                connection = await self._connect(origin)
            reply = connection.send(head, body)
            try:
                while not reply.status:
                    await reply.head()
            except BaseException as error:
                reply.close()
                late = self._closed or loop.time() - began > RESEND_SECONDS
                if not idled or reply.heard or late or not isinstance(error, UpstreamError):
                    raise
                connection = None
            else:
                return reply

    async def close(self) -> None:
        """Close every connection."""
        self._closed = True
        self._pool.close()
        await asyncio.sleep(0)

    async def _connect(self, origin: Origin) -> Connection:
        connection = await self._dialer.open(origin, lambda: Connection(self._pool, origin))
        self._pool.open.add(connection)
        return connection


def _written(method: str, url: str, headers: tuple[tuple[str, str], ...]) -> tuple[Origin, bytes]:
    """Return who is asked, and the request line with the headers; raises `UpstreamError` for what is none."""
    origin, target = split_url(url)
    lines = [f"{method} {target} HTTP/1.1", f"host: {origin.host_header}"]
    lines += [f"{name}: {value}" for name, value in headers]
    text = "\r\n".join([*lines, ""])
    if text.count("\n") != len(lines) or text.count("\r") != len(lines) or "\0" in text:
        raise UpstreamError("a header of the request is not one line", kind="connect")
    return origin, text.encode()


# For one account and client they are mostly the same.
_kept = lru_cache(maxsize=256)(_written)


__all__ = ["RESEND_SECONDS", "Http1Transport"]
