"""One request on a connection and its answer: what the application is told, and how its words leave (ASGI 3).

An answer whose length is stated leaves in one piece with its head; the head of any other leaves at once,
since a stream's first word may be long in coming. `send` waits only while the client takes nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from flowrouter import logs
from flowrouter.httpkit.server.door import Door
from flowrouter.httpkit.server.heads import STATUS_LINES, answer_lines

_SPLIT = 64 * 1024
"""Bodies up to this size are copied to leave in one piece with their head."""

_BODILESS = frozenset({204, 304})
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_FAILURE = b"Internal Server Error"
_FAILURE_HEADERS = (
    (b"content-type", b"text/plain; charset=utf-8"),
    (b"content-length", b"%d" % len(_FAILURE)),
    (b"connection", b"close"),
)

_log = logs.get("server")


class Line(Protocol):
    """The connection as a turn sees it; `room` is there while the client does not keep up."""

    door: Door
    room: asyncio.Event | None
    transport: asyncio.Transport

    def take_on(self) -> None:
        """Read on: what has come was taken."""
        ...

    def answered(self, turn: Turn) -> None:
        """Go on behind an answer that is whole."""
        ...

    def close(self) -> None:
        """End the connection."""
        ...


class Turn:
    """Its request is added to by the connection: `pieces`, `arrived` (bytes) and `over`.

    `awaited` is there while the application waits for more, and set by whoever has news for it. The answer is
    under way from `started` to `complete`; `gone` says that the client will not see the rest of it.
    """

    __slots__ = (
        "_bare", "_connection", "_head", "_left", "_told", "arrived", "awaited", "complete", "expects", "gone",
        "keep_alive", "over", "pieces", "scope", "started", "taken", "task",
    )  # fmt: skip

    def __init__(self, connection: Line, scope: dict[str, Any], *, expects: bool, keep_alive: bool) -> None:
        self._connection = connection
        self.scope = scope
        self.expects = expects
        self.keep_alive = keep_alive
        self.pieces: list[bytes] = []
        self.arrived = self.taken = 0
        self.over = self._told = self.gone = self.started = self.complete = self._bare = False
        self.awaited: asyncio.Event | None = None
        self._head = b""
        self._left: int | None = 0
        self.task: asyncio.Task[None] | None = None

    def leave(self) -> None:
        """Know that the client is gone."""
        self.gone = not self.complete
        if self.awaited is not None:
            self.awaited.set()

    async def run(self, app: Callable[[Any, Any, Any], Awaitable[None]], tasks: set[Any]) -> None:
        """Let the application answer; what it leaves undone is made good or cut off."""
        try:
            await app(self.scope, self.receive, self.send)
        except BaseException as error:  # noqa: BLE001 - whatever it was, the client must not wait for more
            _log.error("Exception in ASGI application", error=error)
            self._fail()
        else:
            if not (self.complete or self.gone):
                done = "completing" if self.started else "starting"
                _log.error(f"ASGI callable returned without {done} response.")
                self._fail()
        finally:
            tasks.discard(self.task)

    async def receive(self) -> dict[str, Any]:
        """Return what has come of the body since the last call, or that there is nobody left to answer."""
        if self.expects and not self.gone:
            self.expects = False
            self._connection.transport.write(_CONTINUE)
        while not (self.gone or self.complete):
            if (pieces := self.pieces) or (self.over and not self._told):
                body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
                pieces.clear()
                self.taken = self.arrived
                over = self._told = self.over
                if not over:
                    self._connection.take_on()
                return {"type": "http.request", "body": body, "more_body": not over}
            self._connection.take_on()
            if self.awaited is None:
                self.awaited = asyncio.Event()
            await self.awaited.wait()
            self.awaited.clear()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        """Send the head or a piece of the body; to a client that is gone nothing is sent, quietly."""
        connection = self._connection
        while connection.room is not None and not self.gone:
            await connection.room.wait()
        if self.gone:
            return
        kind = message["type"]
        if kind == "http.response.body" and self.started and not self.complete:
            self._write(message.get("body", b""), more=message.get("more_body", False))
        elif kind == "http.response.start" and not self.started:
            self._start(message["status"], message.get("headers", ()))
        else:
            raise RuntimeError(f"Unexpected ASGI message {kind!r}.")

    def _start(self, status: int, headers: Any) -> None:
        lines, length, chunked, close = answer_lines(headers)
        self.started = True
        self.expects = False
        head = STATUS_LINES[status] + self._connection.door.lead + lines
        if close:
            self.keep_alive = False
        elif not self.keep_alive:
            head += b"\r\nconnection: close"
        if self.scope["method"] == "HEAD" or status in _BODILESS:
            self._bare = True
        elif length is None and not chunked:
            chunked = True
            head += b"\r\ntransfer-encoding: chunked"
        head += b"\r\n\r\n"
        self._left = None if chunked else length or 0
        if self._left is None and not self._bare:
            self._connection.transport.write(head)
        else:
            self._head = head

    def _write(self, body: bytes, *, more: bool) -> None:
        left = self._left
        if self._bare:
            body = b""
        elif left is None:
            if body:
                body = b"%x\r\n%b\r\n" % (len(body), body)
            if not more:
                body += b"0\r\n\r\n"
        else:
            self._left = left = left - len(body)
            if left < 0:
                raise RuntimeError("Response content longer than Content-Length")
        connection = self._connection
        if head := self._head:
            self._head = b""
            if len(body) > _SPLIT:
                connection.transport.write(head)
            else:
                body = head + body
        if body:
            connection.transport.write(body)
        if not more:
            if left and not self._bare:
                raise RuntimeError("Response content shorter than Content-Length")
            self._end()

    def _end(self) -> None:
        self.complete = True
        self.pieces.clear()
        if self.awaited is not None:
            self.awaited.set()
        self._connection.answered(self)

    def _fail(self) -> None:
        """Say that the application failed, as long as nothing else was said."""
        if self.gone or self.complete:
            return
        if self.started and not self._head:
            self._connection.close()
            return
        self._start(500, _FAILURE_HEADERS)
        self._write(_FAILURE, more=False)


__all__ = ["Line", "Turn"]
