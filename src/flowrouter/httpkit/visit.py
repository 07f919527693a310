"""One HTTP request as the data plane sees it, and the way back: what the server offers, and any other by ASGI.

Our own server's `Turn` is a `Visit` by itself: what it is told leaves in the very call or, whole and in a
crowd, behind the turn of the loop, and it tells who waits that the client is gone. Of a server that knows ASGI alone, and of all who put themselves in between as a `send`,
`AsgiVisit` and `AsgiWay` make the same. An answer's headers are lines here (`fields.lines_of`), which is how they
leave; ASGI's pairs are made where somebody asks for them.

Each method of a way returns what has to be awaited before the next, None if nothing has.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any, Protocol

from flowrouter.httpkit.bodies import Receive, declared_length
from flowrouter.httpkit.fields import headers_of, pairs_of
from flowrouter.httpkit.replies import Send, send_head, send_last, send_piece
from flowrouter.tasks import TaskGroup, at_once

UNWATCHED = 0.01
"""Seconds in which nobody asks an ASGI server whether the client is still there: quick answers are spared a task."""

Later = Awaitable[None] | None
Scope = dict[str, Any]


class Way(Protocol):
    """How an answer leaves: whole, or as a stream that is opened, written and ended."""

    def answer(self, status: int, lines: bytes, body: bytes) -> Later:
        """Send a whole answer; `lines` state its length."""
        ...

    def open(self, status: int, lines: bytes) -> Later:
        """Send the head of a stream."""
        ...

    def write(self, piece: bytes) -> Later:
        """Send a piece of a stream that goes on."""
        ...

    def end(self, piece: bytes) -> Later:
        """Send the last piece of a stream."""
        ...

    @property
    def send(self) -> Send:
        """Return what sends ASGI's messages, for those who speak no other language."""
        ...


class Watcher(Protocol):
    """Somebody who works for a client."""

    def left(self) -> None:
        """Know that the client is gone."""
        ...


class Kept(Protocol):
    """What requests share that repeat one head, all but the length of their bodies."""

    entry: Any
    """What the application has found out about such a head; None before."""


class Visit(Way, Protocol):
    """A request, its headers by lower-case name, and the way back."""

    @property
    def head(self) -> Kept:
        """Return where to keep what is found out about the head."""
        ...

    @property
    def method(self) -> str:
        """Return the method."""
        ...

    @property
    def path(self) -> str:
        """Return the path, decoded."""
        ...

    @property
    def query(self) -> bytes:
        """Return the query as it was sent."""
        ...

    @property
    def headers(self) -> dict[str, str]:
        """Return the headers, repeated ones joined."""
        ...

    @property
    def declared(self) -> int | None:
        """Return how many bytes the body is said to have, None where that is not said."""
        ...

    @property
    def receive(self) -> Receive:
        """Return what tells, in ASGI's messages, what has come of the body, or that the client is gone."""
        ...

    def whole(self, most: int) -> bytes | None:
        """Take the body, if all of it is there, as it is to be read, and no larger than `most`."""
        ...

    def watch(self, watcher: Watcher) -> asyncio.Task[Any]:
        """Tell `watcher` when the client is gone; return the task that answers it."""
        ...

    def unwatch(self) -> None:
        """Tell nobody any more."""
        ...

    def scope(self) -> Scope:
        """Return the request as ASGI describes it."""
        ...


class AsgiWay:
    """The way back through a `send` of ASGI."""

    def __init__(self, send: Send) -> None:
        self.send = send

    def answer(self, status: int, lines: bytes, body: bytes) -> Later:
        """Send a whole answer, in two messages."""
        return at_once(self._whole(status, lines, body))

    def open(self, status: int, lines: bytes) -> Later:
        """Send the head of a stream."""
        return at_once(send_head(self.send, status, pairs_of(lines)))

    def write(self, piece: bytes) -> Later:
        """Send a piece of a stream that goes on."""
        return at_once(send_piece(self.send, piece))

    def end(self, piece: bytes) -> Later:
        """Send the last piece of a stream."""
        return at_once(send_last(self.send, piece))

    async def _whole(self, status: int, lines: bytes, body: bytes) -> None:
        await send_head(self.send, status, pairs_of(lines))
        await send_last(self.send, body)


class _Once:
    """A head of which nobody says that it is repeated."""

    entry: Any = None


class AsgiVisit(AsgiWay):
    """A request that an ASGI server tells of; whether its client is still there is asked by a task of `tasks`."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, *, tasks: TaskGroup) -> None:
        super().__init__(send)
        self.receive = receive
        self.head = _Once()
        self.method: str = scope["method"]
        self.path: str = scope.get("path", "")
        self.query: bytes = scope.get("query_string", b"")
        pairs = scope["headers"]
        self.headers = headers_of([name for name, _ in pairs], [value for _, value in pairs])
        self.declared = declared_length(self.headers)
        self._scope = scope
        self._tasks = tasks
        self._timer: asyncio.TimerHandle | None = None
        self._watching: asyncio.Task[None] | None = None

    def whole(self, most: int) -> bytes | None:
        """Return None: what is there is known only by asking."""
        del most

    def watch(self, watcher: Watcher) -> asyncio.Task[Any]:
        """Ask the server whether the client is still there, from a moment from now on."""
        task = asyncio.current_task()
        assert task is not None
        self._timer = asyncio.get_running_loop().call_later(UNWATCHED, self._begin, watcher)
        return task

    def unwatch(self) -> None:
        """Ask no more."""
        for asking in (self._timer, self._watching):
            if asking is not None:
                asking.cancel()
        self._timer = self._watching = None

    def scope(self) -> Scope:
        """Return the request as the server described it."""
        return self._scope

    def _begin(self, watcher: Watcher) -> None:
        self._watching = self._tasks.start("client watch", self._watch(watcher))

    async def _watch(self, watcher: Watcher) -> None:
        while (await self.receive())["type"] != "http.disconnect":
            pass
        watcher.left()


__all__ = ["UNWATCHED", "AsgiVisit", "AsgiWay", "Kept", "Later", "Scope", "Visit", "Watcher", "Way"]
