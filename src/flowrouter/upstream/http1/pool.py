"""Connections that wait to be used again, by host; the last one used is the first one used again."""

from __future__ import annotations

from flowrouter.upstream.http1.connection import Connection
from flowrouter.upstream.http1.origin import Origin


class Pool:
    """The idle connections of every host; those that idle longer than `keepalive` seconds are closed."""

    def __init__(self, *, keepalive: float) -> None:
        self._keepalive = keepalive
        self._idle: dict[Origin, list[Connection]] = {}

    def take(self, origin: Origin, now: float) -> Connection | None:
        """Return an idle connection to `origin` that is still open, if there is one."""
        waiting = self._idle.get(origin)
        while waiting:
            connection = waiting.pop()
            if connection.is_open and now - connection.idle_since <= self._keepalive:
                return connection
            connection.cut()
        return None

    def put(self, origin: Origin, connection: Connection, now: float) -> None:
        """Keep a connection for later."""
        connection.idle_since = now
        self._idle.setdefault(origin, []).append(connection)

    def forget(self, origin: Origin, connection: Connection) -> None:
        """Drop a connection that has closed."""
        waiting = self._idle.get(origin)
        if waiting is not None and connection in waiting:
            waiting.remove(connection)
            if not waiting:
                del self._idle[origin]

    def sweep(self, now: float) -> bool:
        """Close what has idled too long; return whether anything still waits."""
        for origin, waiting in list(self._idle.items()):
            kept = [each for each in waiting if now - each.idle_since <= self._keepalive]
            old = [each for each in waiting if now - each.idle_since > self._keepalive]
            if kept:
                self._idle[origin] = kept
            else:
                del self._idle[origin]
            for connection in old:
                connection.cut()
        return bool(self._idle)


__all__ = ["Pool"]
