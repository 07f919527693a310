"""What all connections of a process share: whom they ask, what they allow, and where they are counted."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from sys import intern
from typing import Any
from weakref import WeakValueDictionary

import msgspec

from flowrouter.httpkit.server.repeats import Patterns
from flowrouter.settings import Server

LINGER_SECONDS = 10.0
"""How long a client may go on sending the body of a request that is answered already."""

PACE_BYTES = 32 * 1024
"""What must arrive of a body within `body_timeout`, unless it ends before."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes, number and seconds of a request's head, seconds for a stretch of its body, seconds of idleness."""

    header_bytes: int
    headers: int
    header_timeout: float
    body_timeout: float
    keep_alive: float


def limits_of(server: Server, *, keep_alive: float) -> Limits:
    """Return the limits that the settings state; connections that idle are kept for `keep_alive` seconds."""
    return Limits(
        header_bytes=server.header_limit_kib * 1024,
        headers=server.header_count,
        header_timeout=server.header_timeout,
        body_timeout=server.body_timeout,
        keep_alive=keep_alive,
    )


class Door:
    """The application, the limits, the sets that a graceful end goes through, and the heads that are known."""

    __slots__ = ("connections", "lead", "limits", "patterns", "serve", "tasks")

    def __init__(
        self,
        app: Callable[[Any, Any, Any], Awaitable[None]],
        limits: Limits,
        *,
        connections: set[Any],
        tasks: set[asyncio.Task[None]],
    ) -> None:
        # An application that knows visits is told of them; any other hears what ASGI says of them.
        self.serve: Callable[[Any], Awaitable[None]] = getattr(app, "serve", None) or (
            lambda turn: app(turn.scope(), turn.receive, turn.send)
        )
        self.limits = limits
        self.connections = connections
        self.tasks = tasks
        self.patterns: Patterns = WeakValueDictionary()
        self.lead = b""

    def lead_with(self, headers: Iterable[tuple[bytes, bytes]]) -> None:
        """Let every answer begin with these headers, such as the date; told again every second."""
        self.lead = b"".join(b"\r\n%b: %b" % pair for pair in headers)


def address_of(found: Any) -> tuple[str, int] | None:
    """Return what a socket says of one of its ends, None where that is no host and port."""
    # Thousands of connections have the same few hosts at their ends.
    return (intern(str(found[0])), int(found[1])) if isinstance(found, tuple) else None


__all__ = ["LINGER_SECONDS", "PACE_BYTES", "Door", "Limits", "address_of", "limits_of"]
