"""Whole requests and answers that are ready in one turn of the event loop leave together behind it.

Who waits for bytes sleeps, and waking a process costs the writer about as much as handing over what it waits for.
Whoever reads the first of several pieces is still awake for the next ones, if those leave one right behind another
instead of each with all the work in front of it. Pieces of streams do not wait: what they would save is no more
than what waiting costs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sized

_CROWD = 4
"""Where fewer are at work nobody waits: there is hardly anybody to leave with."""

_MOST = 16
"""Pieces that wait for each other, at most: in a crowd the first must not wait for all."""

_LARGE = 16 * 1024
"""A piece of so many bytes lets nothing wait."""


class Outbox:
    """Pieces for the transports of one event loop, each transport's in their order; `crowd` holds who is at work."""

    __slots__ = ("_waiting", "crowd", "loop")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.crowd: Sized = ()
        self._waiting: list[tuple[asyncio.Transport, bytes]] = []

    def put(self, transport: asyncio.Transport, piece: bytes) -> None:
        """Have `piece` written soon, unless its transport is closing then; `flush` before writing directly or closing."""
        waiting = self._waiting
        waiting.append((transport, piece))
        if len(self.crowd) < _CROWD or len(piece) > _LARGE or len(waiting) >= _MOST:
            self.flush()
        elif len(waiting) == 1:
            self.loop.call_soon(self.flush)

    def flush(self) -> None:
        """Write what waits."""
        waiting, self._waiting = self._waiting, []
        for transport, piece in waiting:
            if transport.is_closing():
                continue
            try:
                transport.write(piece)
            except Exception as error:  # noqa: BLE001 - the others' pieces leave all the same
                transport.abort()
                self.loop.call_exception_handler(
                    {"message": "a piece was not written", "exception": error, "transport": transport}
                )


_outbox: Outbox | None = None


def outbox_of(loop: asyncio.AbstractEventLoop) -> Outbox:
    """Return the outbox that whoever writes in `loop` now shares."""
    global _outbox  # noqa: PLW0603 - one loop a process; where there are several, each has what it began with
    if (outbox := _outbox) is None or outbox.loop is not loop:
        outbox = _outbox = Outbox(loop)
    return outbox


__all__ = ["Outbox", "outbox_of"]
