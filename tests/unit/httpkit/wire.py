"""A connection without a socket, in virtual time: what is said to it, what it writes, what it asks of its transport."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from flowrouter.httpkit.server import Connection, Door, Limits
from tests.playbooks.virtual import VirtualLoop

LIMITS = Limits(header_bytes=4096, headers=20, header_timeout=5.0, body_timeout=10.0, keep_alive=75.0)
DATE = b"\r\ndate: today"
OK = b"HTTP/1.1 200 OK" + DATE

Asgi = Callable[[Any, Any, Any], Awaitable[None]]


class Transport(asyncio.Transport):
    """Keeps what is written, one entry a write."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []
        self.closed = False
        self.aborted = False
        self.reading = True
        self.unsent = 0

    def write(self, data: Any) -> None:
        assert not self.closed, "nothing may be written behind the end"
        self.writes.append(bytes(data))

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return {"sockname": ("127.0.0.1", 2402), "peername": ("127.0.0.1", 50000)}.get(name, default)

    def is_closing(self) -> bool:
        return self.closed

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = self.aborted = True

    def pause_reading(self) -> None:
        assert self.reading
        self.reading = False

    def resume_reading(self) -> None:
        assert not self.reading
        self.reading = True


class Wire:
    """One connection to `app`."""

    def __init__(self, app: Asgi, limits: Limits = LIMITS, *, door: Door | None = None) -> None:
        self.door = door or Door(app, limits, connections=set(), tasks=set())
        self.door.lead_with([(b"date", b"today")])
        self.transport = Transport()
        self.connection = Connection(self.door)
        self.connection.connection_made(self.transport)

    async def says(self, *pieces: bytes) -> bytes:
        """Let pieces arrive, one a read, and return all that was written by then."""
        for piece in pieces:
            if not self.transport.closed:
                self.connection.data_received(piece)
                await settle()
        return self.written

    @property
    def written(self) -> bytes:
        return b"".join(self.transport.writes)

    def lose(self) -> None:
        self.connection.connection_lost(None)


async def settle() -> None:
    """Let everybody who can go on do so."""
    for _ in range(8):
        await asyncio.sleep(0)


def live(story: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run `story` in virtual time."""
    loop = VirtualLoop()
    try:
        loop.run_until_complete(story())
    finally:
        loop.close()


def request(line: str = "GET / HTTP/1.1", *fields: str, body: bytes = b"") -> bytes:
    """Return a request; a body has its length stated."""
    lines = [line, "Host: h", *fields, *([f"Content-Length: {len(body)}"] if body else [])]
    return "\r\n".join([*lines, "", ""]).encode() + body


async def whole_body(receive: Any) -> bytes | None:
    """Return the body of a request, None if its client goes away before its end."""
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message["body"]
        if not message["more_body"]:
            return body


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Answer with method, path and body."""
    body = await whole_body(receive)
    if body is not None:
        text = f"{scope['method']} {scope['path']} ".encode() + body
        await send(start(200, length(len(text))))
        await send(piece(text))


def start(status: int = 200, *headers: tuple[bytes, bytes]) -> dict[str, Any]:
    return {"type": "http.response.start", "status": status, "headers": list(headers)}


def piece(body: bytes | memoryview, *, more: bool = False) -> dict[str, Any]:
    return {"type": "http.response.body", "body": body, "more_body": more}


def length(size: int) -> tuple[bytes, bytes]:
    return (b"content-length", b"%d" % size)


__all__ = [
    "DATE",
    "LIMITS",
    "OK",
    "Transport",
    "Wire",
    "echo",
    "length",
    "live",
    "piece",
    "request",
    "settle",
    "start",
    "whole_body",
]
