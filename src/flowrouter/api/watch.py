"""Ends the work on a request whose client has gone away, and with it the upstream call."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

from flowrouter.gateway.client import Client
from flowrouter.httpkit.visit import Visit


async def watched(running: Awaitable[None], visit: Visit, client: Client) -> None:
    """Await `running`, which answers `client`; a client that goes away, or is stuck, cancels it."""
    client.work = work = visit.watch(client)
    try:
        await running
    except asyncio.CancelledError:
        if not client.given_up or work.uncancel():
            raise
    finally:
        visit.unwatch()


__all__ = ["watched"]
