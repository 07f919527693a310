"""The open connections; those that wait to be used again by host, the last one used first."""

from __future__ import annotations

import asyncio

from flowrouter.upstream.http1.connection import Connection
from flowrouter.upstream.http1.origin import Origin

SWEEP_SECONDS = 5.0


class Pool:
    """The idle connections of every host; those that idle longer than `keepalive` seconds are closed."""

    def __init__(self, *, keepalive: float) -> None:
        self.open: set[Connection] = set()
        self._keepalive = keepalive
        self._idle: dict[Origin, list[Connection]] = {}
        self._sweeper: asyncio.TimerHandle | None = None

    def take(self, origin: Origin, now: float) -> Connection | None:
        """Return an idle connection to `origin` that is still open, if there is one."""
        waiting = self._idle.get(origin)
        while waiting:
            connection = waiting.pop()
            if connection.usable and now - connection.idle_since <= self._keepalive:
                return connection
            connection.cut()
        return None

    def idle(self, connection: Connection) -> None:
        """Keep a connection for later."""
        loop, origin = connection.loop, connection.origin
        connection.idle_since = loop.time()
        waiting = self._idle.get(origin)
        if waiting is None:
            self._idle[origin] = [connection]
        else:
            waiting.append(connection)
        if self._sweeper is None:
            self._sweeper = loop.call_later(SWEEP_SECONDS, self._sweep)

    def gone(self, connection: Connection) -> None:
        """Drop a connection that has closed."""
        self.open.discard(connection)
        origin = connection.origin
        waiting = self._idle.get(origin)
        if waiting is not None and connection in waiting:
            waiting.remove(connection)
            if not waiting:
                del self._idle[origin]

    def close(self) -> None:
        """Cut every connection, and look after nothing any more."""
        if self._sweeper is not None:
            self._sweeper.cancel()
            self._sweeper = None
        for connection in list(self.open):
            connection.cut()

    def _sweep(self) -> None:
        """Close what has idled too long, and look again while anything still waits."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        for origin, waiting in list(self._idle.items()):
            kept = [each for each in waiting if now - each.idle_since <= self._keepalive]
            old = [each for each in waiting if now - each.idle_since > self._keepalive]
            if kept:
                self._idle[origin] = kept
            else:
                del self._idle[origin]
            for connection in old:
                connection.cut()
        self._sweeper = loop.call_later(SWEEP_SECONDS, self._sweep) if self._idle else None


__all__ = ["SWEEP_SECONDS", "Pool"]
