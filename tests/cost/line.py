"""A client's connection without a socket: what it says is taken as from one, what is answered is looked at."""

from __future__ import annotations

import asyncio
from typing import Any

from flowrouter.httpkit.server import Connection, Door, Limits

_LIMITS = Limits(header_bytes=65_536, headers=100, header_timeout=60.0, body_timeout=60.0, keep_alive=60.0)


class Line(asyncio.Transport):
    """Keeps the beginning and the end of an answer."""

    def __init__(self, application: Any) -> None:
        super().__init__()
        self.door = Door(application, _LIMITS, connections=set(), tasks=set())
        self.door.lead_with([(b"date", b"Sun, 22 Nov 2026 00:00:00 GMT")])
        self.begun = self.ending = b""
        self._connection = Connection(self.door)
        self._connection.connection_made(self)

    async def ask(self, *pieces: bytes) -> None:
        """Send a request, each piece read by itself, and wait for the end of its answer."""
        self.begun = self.ending = b""
        for piece in pieces:
            self._connection.data_received(piece)
        (answering,) = self.door.tasks
        await answering

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.begun = self.begun or bytes(data[:64])
        self.ending = (self.ending + data[-64:])[-256:]

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return ("127.0.0.1", 2402 if name == "sockname" else 50000)

    def is_closing(self) -> bool:
        return False


__all__ = ["Line"]
