"""The HTTP/1.1 server side of the scripted upstream, with a hand on the raw socket.

httptools parses the requests; replies are written by hand, so that a test may cut a body at any byte, stop in
the middle of a chunk, reset the connection or fall silent, and so that the moment the peer goes away is known.
"""

import asyncio
import socket
import struct
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, cast

import httptools


class PeerGone(Exception):
    """The peer closed the connection before the reply was complete."""


@dataclass
class HttpRequest:
    """One request as it came in; header names keep their case, and their order is the wire's."""

    method: str
    target: str
    headers: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    body: bytes = b""
    keep_alive: bool = True

    def header(self, name: str) -> str | None:
        """Return the first header of that name (case-insensitive), or None."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), None)


class Connection(asyncio.Protocol):
    """One accepted connection: parses requests and hands them one after another to `respond`."""

    def __init__(
        self,
        on_open: Callable[["Connection"], int],
        respond: Callable[["Connection", HttpRequest], Awaitable[bool]],
        on_close: Callable[["Connection"], None],
    ) -> None:
        self.id = 0
        self.gone = asyncio.Event()
        self.gone_at: float | None = None
        self.closed_by_us = False
        self.current: Any = None
        self._on_open = on_open
        self._respond = respond
        self._on_close = on_close
        self._parser = httptools.HttpRequestParser(self)
        self._requests: asyncio.Queue[HttpRequest] = asyncio.Queue()
        self._writable = asyncio.Event()
        self._writable.set()
        self._task: asyncio.Task[None] | None = None
        self._incoming = HttpRequest("", "")
        self._chunks: list[bytes] = []

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        # asyncio does so itself only for sockets that say they are TCP, which accepted ones do not always.
        raw: socket.socket | None = transport.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.id = self._on_open(self)
        self._task = asyncio.get_running_loop().create_task(self._serve())

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            # Nobody here speaks another protocol: the request is answered as any other.
            return
        except httptools.HttpParserError:
            self.transport.write(
                b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
            )
            self.close()

    def eof_received(self) -> bool:
        self._mark_gone()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._mark_gone()
        self._writable.set()
        if self._task is not None and self.current is None:
            self._task.cancel()
        self._on_close(self)

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    # httptools callbacks

    def on_message_begin(self) -> None:
        self._incoming = HttpRequest("", "")
        self._chunks = []

    def on_url(self, url: bytes) -> None:
        self._incoming.target += url.decode("latin-1")

    def on_header(self, name: bytes, value: bytes) -> None:
        self._incoming.headers.append((name.decode("latin-1"), value.decode("latin-1")))

    def on_headers_complete(self) -> None:
        if (self._incoming.header("expect") or "").lower() == "100-continue":
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        self._chunks.append(body)

    def on_message_complete(self) -> None:
        request = self._incoming
        request.method = self._parser.get_method().decode("latin-1")
        request.body = b"".join(self._chunks)
        request.keep_alive = self._parser.should_keep_alive()
        self._requests.put_nowait(request)

    # what a reply may do

    async def send(self, data: bytes) -> None:
        """Write bytes and wait until the socket takes more; raises PeerGone."""
        if self.gone.is_set() or self.transport.is_closing():
            raise PeerGone
        self.transport.write(data)
        await self._writable.wait()

    async def pause(self, seconds: float | None) -> None:
        """Wait that long (None: for ever) or until the peer goes away, which raises PeerGone."""
        if seconds is not None and seconds <= 0:
            await asyncio.sleep(0)
        else:
            try:
                await asyncio.wait_for(self.gone.wait(), seconds)
            except TimeoutError:
                return
        if self.gone.is_set():
            raise PeerGone

    def close(self) -> None:
        """Close in order: what was written is sent, then FIN."""
        self.closed_by_us = True
        self.transport.close()

    def reset(self) -> None:
        """Close with RST at once; the peer sees `connection reset`."""
        self.closed_by_us = True
        raw: socket.socket | None = self.transport.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()

    # inside

    def _mark_gone(self) -> None:
        if self.gone_at is None and not self.closed_by_us:
            self.gone_at = time.monotonic()
        self.gone.set()

    async def _serve(self) -> None:
        while not self.gone.is_set():
            request = await self._requests.get()
            if not await self._respond(self, request) or not request.keep_alive:
                break
        if not self.transport.is_closing():
            self.close()
