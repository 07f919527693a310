"""Ends the work on a request whose client has gone away, and with it the upstream call."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

from flowrouter.gateway.client import Client
from flowrouter.httpkit.bodies import Receive
from flowrouter.tasks import TaskGroup

UNWATCHED = 0.01
"""Seconds in which nobody looks whether the client is still there: quick answers are spared a task."""


async def watched(running: Awaitable[None], receive: Receive, client: Client, *, tasks: TaskGroup) -> None:
    """Await `running`, which answers `client`; a client that goes away, or is stuck, cancels it."""
    work = asyncio.current_task()
    assert work is not None
    gone = False
    watcher: asyncio.Task[None] | None = None

    def give_up() -> None:
        nonlocal gone
        gone = True
        work.cancel()

    async def watch() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        if not client.ended:
            give_up()

    def begin() -> None:
        nonlocal watcher
        watcher = tasks.start("client watch", watch())

    client.on_stuck = give_up
    timer = asyncio.get_running_loop().call_later(UNWATCHED, begin)
    try:
        await running
    except asyncio.CancelledError:
        if not gone:
            raise
        if work.uncancel():
            raise
    finally:
        timer.cancel()
        if watcher is not None:
            watcher.cancel()


__all__ = ["UNWATCHED", "watched"]
