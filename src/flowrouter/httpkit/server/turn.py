"""One request on a connection and its answer: what the application is told, and how its words leave.

A `Visit` for the data plane, ASGI 3 for everybody else. An answer whose length is stated leaves in one piece with
its head, in a crowd together with others (`outbox`); the head of any other leaves at once, since a stream's first
word may be long in coming. Nobody waits but while the client takes nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

import msgspec

from flowrouter import logs
from flowrouter.httpkit.fields import lines_of
from flowrouter.httpkit.server.door import Door
from flowrouter.httpkit.server.heads import STATUS_LINES, RequestHead, answer_lines, pairs_in
from flowrouter.httpkit.visit import Later, Watcher
from flowrouter.outbox import Outbox
from flowrouter.tasks import at_once

_SPLIT = 64 * 1024
"""Bodies up to this size are copied to leave in one piece with their head."""

_BLANK = b"\r\n\r\n"
_CHUNKED = b"\r\ntransfer-encoding: chunked" + _BLANK
_ASGI = {"version": "3.0", "spec_version": "2.3"}
_BODILESS = frozenset({204, 304})
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_FAILURE = b"Internal Server Error"
_FAILURE_LINES = lines_of(
    [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", b"%d" % len(_FAILURE)),
        (b"connection", b"close"),
    ]
)

_log = logs.get("server")


class Line(Protocol):
    """The connection as a turn sees it; `room` is there while the client does not keep up, `paused` says that we do not."""

    client: tuple[str, int] | None
    door: Door
    outbox: Outbox
    paused: bool
    room: asyncio.Event | None
    server: tuple[str, int] | None
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


class Turn(msgspec.Struct, eq=False):
    """Its request is added to by the connection: `pieces`, `arrived` (bytes) and `over`.

    Its body has `declared` bytes, where that is stated, and is `intact` while all of it may be taken as it comes.

    `awaited` is there while the application waits for more, and set by whoever has news for it. The answer is
    under way from `started` to `complete`; `gone` says that the client will not see the rest of it. `headers` are
    those of its `head`, but for a length of its own.

    A struct, since its many fields begin alike: made in one step, by place.
    """

    _connection: Line
    head: RequestHead
    headers: dict[str, str]
    keep_alive: bool
    pieces: list[bytes]
    declared: int | None
    intact: bool
    arrived: int = 0
    over: bool = False
    taken: int = 0
    expects: bool = False
    _told: bool = False
    gone: bool = False
    started: bool = False
    complete: bool = False
    _bare: bool = False
    awaited: asyncio.Event | None = None
    _watcher: Watcher | None = None
    _held: bytes = b""
    _left: int | None = 0
    _endless: bool = False
    task: Any = None

    __repr__ = object.__repr__  # as of its head

    # for the connection

    def leave(self) -> None:
        """Know that the client is gone."""
        self.gone = not self.complete
        self.intact = False
        if self._left is None:
            self._left = 0  # nothing is a piece of a stream any more
        if self.awaited is not None:
            self.awaited.set()
        self._tell()

    async def run(self) -> None:
        """Let the application answer; what it leaves undone is made good or cut off."""
        door = self._connection.door
        try:
            await door.serve(self)
        except BaseException as error:  # noqa: BLE001 - whatever it was, the client must not wait for more
            _log.error("Exception in ASGI application", error=error)
            self._fail()
        else:
            if not (self.complete or self.gone):
                done = "completing" if self.started else "starting"
                _log.error(f"ASGI callable returned without {done} response.")
                self._fail()
        finally:
            door.tasks.discard(self.task)

    # a visit

    @property
    def method(self) -> str:
        """Return the method."""
        return self.head.method

    @property
    def path(self) -> str:
        """Return the path, decoded."""
        return self.head.path

    @property
    def query(self) -> bytes:
        """Return the query as it was sent."""
        return self.head.query

    def whole(self, most: int) -> bytes | None:
        """Take the body, if all of it is there, as it is to be read, and no larger than `most`."""
        if not (self.intact and self.over) or self.arrived > most:
            return None
        pieces = self.pieces
        self.pieces, self._told, self.intact = [], True, False
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def watch(self, watcher: Watcher) -> asyncio.Task[Any]:
        """Tell `watcher` when the client is gone; return the task that answers it."""
        self._watcher = watcher
        connection = self._connection
        if self.gone:  # told once it has its task, which it is given by this very call
            self.task.get_loop().call_soon(self._tell)
        elif connection.paused:  # a socket that is not read does not tell
            connection.take_on()
        return self.task

    def unwatch(self) -> None:
        """Tell nobody any more."""
        self._watcher = None

    def _tell(self) -> None:
        """Tell whoever watches, once, that the client is gone."""
        watcher, self._watcher = self._watcher, None
        if watcher is not None:
            watcher.left()

    def scope(self) -> dict[str, Any]:
        """Return the request as ASGI describes it."""
        connection, head, fields = self._connection, self.head, self.head.fields
        if fields is None:
            headers = [
                (name.encode("latin-1"), text.encode("latin-1")) for name, text in self.headers.items()
            ]
        else:
            headers = [(name.lower(), value) for name, value in pairs_in(fields)]
        return {
            "type": "http",
            "asgi": _ASGI,
            "http_version": head.version,
            "method": head.method,
            "scheme": "http",
            "path": head.path,
            "raw_path": head.raw_path,
            "query_string": head.query,
            "root_path": "",
            "headers": headers,
            "server": connection.server,
            "client": connection.client,
        }

    def answer(self, status: int, lines: bytes, body: bytes) -> Later:
        """Send a whole answer."""
        connection = self._connection
        if connection.room is not None:
            return at_once(self._later(self.answer, status, lines, body))
        if not self.gone:
            head = self._head_with(status, lines)
            put, transport = connection.outbox.put, connection.transport
            if self._bare:
                put(transport, head)
            elif len(body) > _SPLIT:
                put(transport, head)
                put(transport, body)
            else:
                put(transport, head + body)
            self._finish()
        return None

    def open(self, status: int, lines: bytes) -> Later:
        """Send the head of a stream."""
        if self._connection.room is not None:
            return at_once(self._later(self._start, status, lines, None))
        if not self.gone:
            self._start(status, lines, None)
        return None

    def write(self, piece: bytes) -> Later:
        """Send a piece of a stream that goes on."""
        connection = self._connection
        if connection.room is not None:
            return at_once(self._later(self._write, piece, True))
        if self._left is None and piece:  # as `_write` would, which most calls are for
            connection.transport.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        elif not self.gone:
            self._write(piece, True)
        return None

    def end(self, piece: bytes) -> Later:
        """Send the last piece of a stream."""
        if self._connection.room is not None:
            return at_once(self._later(self._write, piece, False))
        if not self.gone:
            self._write(piece, False)
        return None

    # ASGI

    async def receive(self) -> dict[str, Any]:
        """Return what has come of the body since the last call, or that there is nobody left to answer."""
        if self.expects and not (self.started or self.gone):
            self.expects = False
            self._say(_CONTINUE)
        while not (self.gone or self.complete):
            if (pieces := self.pieces) or (self.over and not self._told):
                body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
                pieces.clear()
                self.intact = False
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

    async def send(self, message: Any, /) -> None:
        """Send the head or a piece of the body; to a client that is gone nothing is sent, quietly."""
        if self._connection.room is not None:
            await self._later(self._take, message)
        elif not self.gone:
            self._take(message)

    def _take(self, message: Any) -> None:
        kind = message["type"]
        if kind == "http.response.body":
            self._write(message.get("body", b""), message.get("more_body", False))
        elif kind == "http.response.start":
            lines, length, chunked, close = answer_lines(message.get("headers", ()))
            self._start(message["status"], lines, length, chunked=chunked, close=close)
        else:
            raise _unexpected(kind)

    # how it leaves

    async def _later(self, step: Callable[..., Any], *arguments: Any) -> None:
        """Take a step once the client takes something again, unless it goes."""
        connection = self._connection
        while connection.room is not None and not self.gone:
            await connection.room.wait()
        if not self.gone:
            step(*arguments)

    def _start(
        self, status: int, lines: bytes, length: int | None, *, chunked: bool = False, close: bool = False
    ) -> None:
        end = _BLANK
        if not (chunked or length is not None or status in _BODILESS or self.head.method == "HEAD"):
            if self.head.version == "1.0":
                self._endless = True  # chunks are not known there: the end of the connection is its end
            else:
                chunked, end = True, _CHUNKED
        head = self._head_with(status, lines, close=close, end=end)
        if (chunked or self._endless) and not self._bare:
            self._left = 0 if self._endless else None
            self._say(head)
        else:
            self._left = 0 if chunked else length or 0
            self._held = head

    def _head_with(self, status: int, lines: bytes, *, close: bool = False, end: bytes = _BLANK) -> bytes:
        """Begin an answer; return its head."""
        if self.started:
            raise _unexpected("http.response.start")
        self.started = True
        if status in _BODILESS or self.head.method == "HEAD":
            self._bare = True
        if close:
            self.keep_alive = False
        elif not self.keep_alive:
            end = b"\r\nconnection: close" + end
        return b"%b%b%b%b" % (STATUS_LINES[status], self._connection.door.lead, lines, end)

    def _write(self, body: bytes, more: bool) -> None:
        if self.complete or not self.started:
            raise _unexpected("http.response.body")
        left = self._left
        if self._bare:
            body = b""
        elif left is None:
            if body:
                body = b"%x\r\n%b\r\n" % (len(body), body)
            if not more:
                body += b"0\r\n\r\n"
        elif not self._endless:
            self._left = left = left - len(body)
            if left < 0:
                raise RuntimeError("Response content longer than Content-Length")
        if head := self._held:
            self._held = b""
            if len(body) > _SPLIT:
                self._say(head)
            else:
                body = head + body
        if body:
            self._say(body)
        if not more:
            if left and not self._bare:
                raise RuntimeError("Response content shorter than Content-Length")
            self._left = 0  # nothing is a piece of a stream any more
            self._finish()

    def _say(self, piece: bytes) -> None:
        """Write at once, behind an earlier answer."""
        connection = self._connection
        connection.outbox.flush()
        connection.transport.write(piece)

    def _finish(self) -> None:
        self.complete = True
        if self.pieces:
            self.pieces = []
        if self.awaited is not None:
            self.awaited.set()
        self._connection.answered(self)

    def _fail(self) -> None:
        """Say that the application failed, as long as nothing else was said."""
        if self.gone or self.complete:
            return
        if self.started and not self._held:
            if self._endless:  # an orderly end would make it whole
                self._connection.transport.abort()
            self._connection.close()
            return
        self.started = False
        self._start(500, _FAILURE_LINES, len(_FAILURE), close=True)
        self._write(_FAILURE, False)


def _unexpected(kind: str) -> RuntimeError:
    return RuntimeError(f"Unexpected ASGI message {kind!r}.")


__all__ = ["Line", "Turn"]
