"""Large work beside the loop: one at a time, few in line, and the interpreter as it was afterwards."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import ExitStack
from functools import partial

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


async def test_few_are_let_in_and_the_next_is_refused(beside: Beside) -> None:
    with ExitStack() as inside:
        for _ in range(1 + WAITING):
            inside.enter_context(beside.place())
        with pytest.raises(CallerError) as refused, beside.place():
            pass
        assert (refused.value.status, refused.value.code, refused.value.retry) == (503, "busy", True)
        # Whoever is inside has all of its work done, however many wait outside.
        assert await beside.run(lambda: 1) == 1
        assert await beside.run(lambda: 2) == 2
    with beside.place():
        assert await beside.run(lambda: 3) == 3


async def test_work_is_done_in_turn(beside: Beside) -> None:
    going, seen = threading.Event(), list[int]()

    def work(number: int) -> int:
        going.wait(20)
        seen.append(number)
        return number

    asked = [asyncio.ensure_future(beside.run(partial(work, number))) for number in range(3)]
    await asyncio.sleep(0)
    going.set()
    assert await asyncio.gather(*asked) == [0, 1, 2]
    assert seen == [0, 1, 2]


async def test_who_goes_away_leaves_its_place(beside: Beside) -> None:
    going = threading.Event()

    async def one() -> bool:
        with beside.place():
            return await beside.run(lambda: going.wait(20))

    asked = [asyncio.ensure_future(one()) for _ in range(1 + WAITING)]
    await asyncio.sleep(0)
    for each in asked[1:]:
        each.cancel()
    await asyncio.gather(*asked[1:], return_exceptions=True)
    with beside.place():
        going.set()
        assert await beside.run(lambda: 9) == 9
    assert await asked[0]
