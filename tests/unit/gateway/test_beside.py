"""Large work beside the loop: one at a time, few in line, and the interpreter as it was afterwards."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
from collections.abc import AsyncIterator

import pytest

from flowrouter.errors import CallerError
from flowrouter.gateway.beside import WAITING, Beside
from flowrouter.wire.json import in_pieces


@pytest.fixture
async def beside() -> AsyncIterator[Beside]:
    beside = Beside()
    yield beside
    beside.close()


async def test_work_is_done_elsewhere_and_in_small_turns(beside: Beside) -> None:
    usual = (sys.getswitchinterval(), gc.isenabled())

    def work() -> tuple[bool, str, float, bool]:
        return in_pieces.get(), threading.current_thread().name, sys.getswitchinterval(), gc.isenabled()

    pieces, thread, turn, collects = await beside.run(work)
    assert (pieces, collects) == (True, False)
    assert thread.startswith("large-requests")
    assert turn < usual[0]
    assert (sys.getswitchinterval(), gc.isenabled()) == usual
    assert not in_pieces.get()


async def test_what_goes_wrong_reaches_who_asked(beside: Beside) -> None:
    usual = (sys.getswitchinterval(), gc.isenabled())
    with pytest.raises(CallerError, match="no such thing"):
        await beside.run(fail)
    assert (sys.getswitchinterval(), gc.isenabled()) == usual


def fail() -> None:
    raise CallerError("no such thing")


async def test_few_wait_and_the_next_is_refused(beside: Beside) -> None:
    going, seen = threading.Event(), list[int]()

    def work(number: int) -> int:
        going.wait(20)
        seen.append(number)
        return number

    asked = [
        asyncio.ensure_future(beside.run(lambda number=number: work(number))) for number in range(1 + WAITING)
    ]
    await asyncio.sleep(0)
    with pytest.raises(CallerError) as refused:
        await beside.run(lambda: 9)
    assert (refused.value.status, refused.value.code, refused.value.retry) == (503, "busy", True)
    going.set()
    assert await asyncio.gather(*asked) == [0, 1, 2]
    assert seen == [0, 1, 2]
    assert await beside.run(lambda: 9) == 9


async def test_who_goes_away_leaves_the_line(beside: Beside) -> None:
    going = threading.Event()
    first = asyncio.ensure_future(beside.run(lambda: going.wait(20)))
    gone = [asyncio.ensure_future(beside.run(fail)) for _ in range(WAITING)]
    await asyncio.sleep(0)
    for each in gone:
        each.cancel()
    await asyncio.gather(*gone, return_exceptions=True)
    next_one = asyncio.ensure_future(beside.run(lambda: 9))
    going.set()
    assert await first
    assert await next_one == 9
