"""Connections that end behind an answer: nobody waits there for ever, neither the client nor we."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.unit.httpkit.wire import LIMITS, Wire, echo, length, live, piece, request, start


async def deaf(scope: Any, receive: Any, send: Any) -> None:
    """Answer without a look at the body."""
    await send(start(413, length(0)))
    await send(piece(b""))


@pytest.mark.parametrize("ending", ["close", "idle", "refused"])
def test_who_takes_nothing_of_a_last_answer_is_cut_in_the_end(ending: str) -> None:
    """What waits to be sent would else be held for as long as the client pleases."""

    async def story() -> None:
        wire = Wire(echo)
        wire.transport.unsent = 1000
        await wire.says(request("GET / HTTP/1.1", *(["Connection: close"] if ending == "close" else [])))
        if ending == "idle":
            await asyncio.sleep(LIMITS.keep_alive + 1)
        elif ending == "refused":
            await wire.says(b"nonsense\r\n\r\n")
        assert wire.transport.closed
        for _ in range(3):
            wire.transport.unsent -= 1
            await asyncio.sleep(LIMITS.body_timeout)
        assert not wire.transport.aborted, "slow is not stuck"
        await asyncio.sleep(2 * LIMITS.body_timeout)
        assert wire.transport.aborted

    live(story)


@pytest.mark.parametrize("app", [echo, deaf], ids=["read", "unread"])
def test_a_trailer_that_ends_the_connection_leaves_nobody_waiting(app: Any) -> None:
    """The parser reads nothing behind it; a request sent there must not wait for an answer for ever."""

    async def story() -> None:
        wire = Wire(app)
        head = request("POST / HTTP/1.1", "Transfer-Encoding: chunked")
        await wire.says(head, b"0\r\nConnection: close\r\n\r\n", request("GET /second HTTP/1.1"))
        assert wire.written.count(b"HTTP/1.1 ") == 1
        assert wire.transport.closed

    live(story)
