"""A client that goes away: the vendor's connection closes with it, and the books are closed too."""

import asyncio
import time
from typing import Any

import pytest

from tests.conformance.cells import Cell

AIOHTTP = "ignore:Inheritance class AiohttpClientSession:DeprecationWarning"
"""Google's SDK subclasses the session of its HTTP client, of which that client complains."""
SOON = 3.0
"""Seconds within which the vendor must see the end; a bound on waiting, far above the 100 ms meant."""


def wait_until_gone(cell: Cell) -> None:
    """Wait until the vendor saw the disconnect and holds no connection for it."""
    up = cell.up
    up.wait_for(lambda: len(up.disconnects) == 1, timeout=SOON)
    (received,) = up.calls
    up.wait_for(lambda: received.connection_id not in up.journal.open_ids, timeout=SOON)
    assert received.outcome == "peer_gone"
    assert not up.in_flight


def outcome_of(cell: Cell, request_id: str) -> dict[str, Any]:
    """Return the receipt once the books are closed."""
    deadline = time.monotonic() + SOON
    while cell.house.gateway.get(f"/v1/receipts/{request_id}")[0] != 200:
        assert time.monotonic() < deadline, "the exchange was never settled"
        time.sleep(0.01)
    return cell.house.receipt(request_id)


def test_closing_a_stream_in_the_middle(cell: Cell) -> None:
    with cell.client() as sdk:
        stream = cell.open(sdk, **cell.fields("long-2000+gap-20"))
        seen = [next(stream) for _ in range(5)]
        stream.close()
    assert len(seen) == 5
    wait_until_gone(cell)
    assert cell.up.calls[0].pieces_sent < 1000
    receipt = outcome_of(cell, cell.request_id(stream, seen[0]))
    assert receipt["outcome"] == "cancelled"
    assert receipt["complete"]


def test_leaving_before_the_first_token(cell: Cell) -> None:
    with cell.client(timeout=0.4) as sdk, pytest.raises(cell.timeouts):
        list(cell.open(sdk, **cell.fields("fault-hang-first-token")))
    wait_until_gone(cell)


def test_leaving_before_the_whole_answer(cell: Cell) -> None:
    with cell.client(timeout=0.4) as sdk, pytest.raises(cell.timeouts):
        cell.create(sdk, **cell.fields("fault-hang-headers"))
    wait_until_gone(cell)


@pytest.mark.filterwarnings(AIOHTTP)
async def test_a_cancelled_task(cell: Cell) -> None:
    async with cell.async_client() as sdk:

        async def read() -> None:
            async for _ in await cell.aopen(sdk, **cell.fields("long-2000+gap-20")):
                started.set()

        started = asyncio.Event()
        task = asyncio.ensure_future(read())
        await asyncio.wait_for(started.wait(), SOON)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.to_thread(wait_until_gone, cell)


def test_leaving_between_the_stream_helpers_events(cell: Cell) -> None:
    with cell.client() as sdk:
        with cell.helper(sdk, **cell.fields("long-2000+gap-20")) as stream:
            for _, _ in zip(range(4), stream, strict=False):
                pass
        wait_until_gone(cell)


def test_one_leaves_and_the_others_go_on(cell: Cell) -> None:
    with cell.client() as sdk:
        leaving = cell.open(sdk, **cell.fields("long-2000+gap-20"))
        next(leaving)
        staying = cell.open(sdk, **cell.fields("long-40+gap-5"))
        next(staying)
        leaving.close()
        assert len(list(staying)) > 30
    cell.up.wait_for(lambda: not cell.up.in_flight, timeout=SOON)
    assert [received.outcome for received in cell.up.calls] == ["peer_gone", "complete"]
