"""Alarms: thousands behind one timer, each told once and never early."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import time
from typing import Any

import pytest
import uvloop

from flowrouter.tasks import NEVER, Alarm, in_time
from tests.playbooks.virtual import VirtualLoop


class Owner:
    """Notes when it was told."""

    def __init__(self, told: list[tuple[float, int]], number: int) -> None:
        self.told = told
        self.number = number
        self.alarm = Alarm(self)

    def missed(self) -> None:
        self.told.append((asyncio.get_running_loop().time(), self.number))
        if self.number == 13:
            raise RuntimeError("this one fails")


def live(story: Any) -> list[dict[str, Any]]:
    loop = VirtualLoop()
    wrong: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda _, context: wrong.append(context))
    try:
        loop.run_until_complete(story())
    finally:
        loop.close()
    return wrong


def test_alarms_ring_as_timers_of_their_own_would() -> None:
    """Set, put off, lifted and ended at random, against what each should have done."""

    async def story() -> None:
        loop, draw = asyncio.get_running_loop(), random.Random(7)
        told: list[tuple[float, int]] = []
        expected: list[tuple[float, int]] = []
        owners = {number: Owner(told, number) for number in range(200)}
        due: dict[int, float] = dict.fromkeys(owners, NEVER)
        for _ in range(4000):
            await asyncio.sleep(draw.choice((0.0, 0.01, 0.7)))
            now = loop.time()
            for number, at in due.items():
                if at <= now:
                    expected.append((at, number))
                    due[number] = NEVER
            number = draw.randrange(200)
            alarm, deed = owners[number].alarm, draw.randrange(10)
            if deed < 7:
                seconds = draw.choice((0.5, 3.0, 60.0))
                alarm.set(seconds)
                due[number] = now + seconds
            elif deed < 9:
                alarm.at = due[number] = NEVER
            else:
                alarm.end()
                owners[number], due[number] = Owner(told, number), NEVER
        await asyncio.sleep(100)
        expected += [(at, number) for number, at in due.items() if at != NEVER]
        assert len(told) > 500
        assert [number for _, number in sorted(told)] == [number for _, number in sorted(expected)]
        late = [there - at for (there, _), (at, _) in zip(sorted(told), sorted(expected), strict=True)]
        assert min(late) >= 0
        assert max(late) <= 0.002

    wrong = live(story)
    assert {str(context["exception"]) for context in wrong} == {"this one fails"}


def test_what_has_ended_leaves_no_timer_and_no_owner() -> None:
    async def story() -> None:
        owners = [Owner([], number) for number in range(500)]
        for owner in owners:
            owner.alarm.set(60)
        for owner in owners:
            owner.alarm.end()
        scheduled: list[Any] = asyncio.get_running_loop()._scheduled  # type: ignore[attr-defined]
        assert not [handle for handle in scheduled if not handle.cancelled()]

    assert not live(story)


def test_a_turn_that_is_taken_earlier_leaves_nothing_behind() -> None:
    """As between two requests: a long silence is waited for, then a short one."""

    async def story() -> None:
        owner = Owner([], 1)
        for _ in range(200):
            owner.alarm.set(60)
            owner.alarm.set(0.2)
            owner.alarm.at = NEVER
            await asyncio.sleep(0.3)
        owner.alarm.end()
        loop: Any = asyncio.get_running_loop()
        assert not [handle for handle in loop._scheduled if not handle.cancelled()]
        crowd = [Owner([], number) for number in range(100)]
        for one in crowd:
            one.alarm.set(600)
        for one in crowd:
            one.alarm.set(60)
            one.alarm.end()
        assert not [handle for handle in loop._scheduled if not handle.cancelled()]

    assert not live(story)


def test_an_owner_that_was_cancelled_keeps_nobody_from_being_told() -> None:
    class Cancelled(Owner):
        def missed(self) -> None:
            raise asyncio.CancelledError

    told: list[tuple[float, int]] = []

    async def story() -> None:
        first, second = Cancelled(told, 1), Owner(told, 2)
        first.alarm.set(1)
        second.alarm.set(2)
        await asyncio.sleep(3)

    assert len(live(story)) == 1
    assert [number for _, number in told] == [2]


@pytest.mark.parametrize("stall", [0.2, 0.0], ids=["held up", "on time"])
def test_a_loop_that_was_held_up_hears_first_what_came_in_time(stall: float) -> None:
    """Bytes that lie there already put an alarm off, and end what a deadline is for; without them both are missed."""

    async def story() -> None:
        loop = asyncio.get_running_loop()
        with contextlib.ExitStack() as stack:
            (holds_up, holder), (hears, speaker) = (
                tuple(map(stack.enter_context, socket.socketpair())) for _ in range(2)
            )
            told: list[tuple[float, int]] = []
            owner, heard = Owner(told, 1), loop.create_future()

            def hold_up() -> None:
                loop.remove_reader(holds_up)
                time.sleep(stall)
                if stall:
                    speaker.send(b"in time")

            def hear() -> None:
                loop.remove_reader(hears)
                owner.alarm.at = NEVER
                heard.set_result("heard")

            async def wait() -> str:
                return await heard

            loop.add_reader(holds_up, hold_up)
            loop.add_reader(hears, hear)
            owner.alarm.set(0.05)
            holder.send(b"now")
            if stall:
                assert await in_time(0.05, wait()) == "heard"
                assert not told
            else:
                with pytest.raises(TimeoutError):
                    await in_time(0.05, wait())
                while not told:
                    await asyncio.sleep(0.01)

    uvloop.run(story())


def test_a_loop_whose_every_turn_is_long_still_tells() -> None:
    async def story() -> None:
        loop = asyncio.get_running_loop()
        told: list[tuple[float, int]] = []
        turns = 0

        def hold_up() -> None:
            nonlocal turns
            turns += 1
            time.sleep(0.06)
            if turns < 20:
                loop.call_soon(hold_up)

        owner = Owner(told, 1)
        owner.alarm.set(0.001)
        loop.call_soon(hold_up)
        with pytest.raises(TimeoutError):
            await in_time(0.001, asyncio.Event().wait())
        assert told
        assert turns < 20

    uvloop.run(story())
