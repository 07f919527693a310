"""Background work: every failure is heard, and nothing is left running."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Coroutine
from typing import Any

import pytest

from flowrouter.tasks import TaskGroup, at_once, in_time


class Heard:
    def __init__(self) -> None:
        self.failures: list[tuple[str, BaseException]] = []

    def __call__(self, name: str, error: BaseException) -> None:
        self.failures.append((name, error))


async def fail(error: Exception) -> None:
    raise error


async def value(what: int) -> int:
    return what


async def forever() -> None:
    await asyncio.Event().wait()


async def test_a_failure_reaches_the_sink_and_spares_the_others() -> None:
    heard, error = Heard(), KeyError("x")
    group = TaskGroup(heard)
    still = group.start("still", forever())
    group.start("broken", fail(error))
    await asyncio.sleep(0.01)
    assert heard.failures == [("broken", error)]
    assert not still.done()
    assert len(group) == 1
    await group.close()
    assert still.cancelled()


async def test_results_and_cancellations_are_no_failures() -> None:
    heard = Heard()
    group = TaskGroup(heard)
    assert await group.start("value", value(5)) == 5
    group.start("cancelled", forever()).cancel()
    await asyncio.sleep(0)
    await group.close()
    assert heard.failures == []
    assert len(group) == 0


async def test_a_lost_cancellation_is_said_again() -> None:
    told: list[str] = []

    async def deaf_once() -> None:
        try:
            await forever()
        except asyncio.CancelledError:
            told.append("lost")
        await forever()

    group = TaskGroup(Heard())
    task = group.start("deaf", deaf_once())
    await asyncio.sleep(0)
    async with asyncio.timeout(20):
        await group.close()
    assert task.cancelled()
    assert told == ["lost"]


async def test_a_failure_awaited_by_its_owner_is_heard_too() -> None:
    heard = Heard()
    with pytest.raises(KeyError):
        await TaskGroup(heard).start("broken", fail(KeyError()))
    await asyncio.sleep(0)
    assert [name for name, _ in heard.failures] == ["broken"]


async def test_close_waits_for_what_can_end() -> None:
    done: list[str] = []

    async def soon() -> None:
        await asyncio.sleep(0.01)
        done.append("soon")

    group = TaskGroup(Heard())
    group.start("soon", soon())
    stuck = group.start("stuck", forever())
    await group.close(grace=0.2)
    assert done == ["soon"]
    assert stuck.cancelled()


async def test_close_lets_the_cancelled_clean_up() -> None:
    cleaned: list[str] = []

    async def careful() -> None:
        try:
            await forever()
        finally:
            await asyncio.sleep(0.01)
            cleaned.append("done")

    group = TaskGroup(Heard())
    group.start("careful", careful())
    await asyncio.sleep(0)
    await group.close()
    assert cleaned == ["done"]


async def test_a_failure_while_closing_is_heard() -> None:
    heard = Heard()

    async def sloppy() -> None:
        try:
            await forever()
        finally:
            raise KeyError

    group = TaskGroup(heard)
    group.start("sloppy", sloppy())
    await asyncio.sleep(0)
    await group.close()
    await asyncio.sleep(0)
    assert [name for name, _ in heard.failures] == ["sloppy"]


async def test_closing_an_empty_group() -> None:
    await TaskGroup(Heard()).close(grace=1.0)


async def after_turns(turns: int) -> str:
    for _ in range(turns):
        await asyncio.sleep(0)
    return "done"


async def limited(seconds: float, work: Coroutine[Any, Any, Any]) -> Any:
    return await in_time(seconds, work)


@pytest.mark.parametrize("turns", [0, 1, 3])
def test_what_is_done_in_time_is_returned(turns: int) -> None:
    assert asyncio.run(limited(60.0, after_turns(turns))) == "done"


def test_what_never_waits_is_given_no_timer() -> None:
    async def play() -> None:
        asyncio.get_running_loop().call_at = None  # type: ignore[assignment, method-assign]
        assert await in_time(60.0, value(1)) == 1

    asyncio.run(play())


@pytest.mark.parametrize("turns", [0, 1])
def test_a_failure_in_time_is_raised(turns: int) -> None:
    async def failing() -> None:
        await after_turns(turns)
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        asyncio.run(limited(60.0, failing()))


def test_what_takes_too_long_is_ended() -> None:
    ended: list[str] = []

    async def waiting() -> None:
        try:
            await forever()
        finally:
            ended.append("inside")

    with pytest.raises(TimeoutError):
        asyncio.run(limited(0.001, waiting()))
    assert ended == ["inside"]


def test_a_cancellation_reaches_who_waits_inside_and_goes_on() -> None:
    heard: list[str] = []

    async def waiting() -> None:
        try:
            await forever()
        except asyncio.CancelledError:
            heard.append("inside")
            await asyncio.sleep(0)  # it may still have something to do
            heard.append("done")
            raise

    async def play() -> None:
        task = asyncio.create_task(limited(60.0, waiting()))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(play())
    assert heard == ["inside", "done"]


async def test_each_has_its_own_time_whoever_began_first() -> None:
    over: list[str] = []

    async def waiting(name: str, seconds: float) -> None:
        try:
            await in_time(seconds, forever())
        except TimeoutError:
            over.append(name)

    patient = asyncio.create_task(in_time_of(60.0))
    await asyncio.gather(*(waiting(f"{each}", each) for each in (0.03, 0.01, 0.02, 0.0, -1.0)))
    assert over[-3:] == ["0.01", "0.02", "0.03"]
    assert set(over[:2]) == {"0.0", "-1.0"}
    assert not patient.done()
    patient.cancel()
    await asyncio.wait([patient])


async def in_time_of(seconds: float) -> None:
    await in_time(seconds, forever())


async def test_limits_stand_in_each_other() -> None:
    inner: list[str] = []

    async def waiting() -> None:
        try:
            await in_time(0.01, forever())
        except TimeoutError:
            inner.append("over")
        await forever()

    with pytest.raises(TimeoutError):
        await in_time(0.02, waiting())
    assert inner == ["over"]


async def test_who_swallows_the_end_of_its_time_is_heard_and_can_be_cancelled_again() -> None:
    async def stubborn() -> str:
        with contextlib.suppress(asyncio.CancelledError):
            await forever()
        return "done"

    task = asyncio.current_task()
    assert task is not None
    assert await in_time(0.001, stubborn()) == "done"
    assert task.cancelling() == 0
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.001):
            await forever()


async def test_a_cancellation_in_the_moment_its_time_is_over_is_one_still() -> None:
    loop = asyncio.get_running_loop()
    task = asyncio.create_task(in_time_of(0.001))
    await asyncio.sleep(0)
    loop.call_later(0.002, task.cancel)
    time.sleep(0.004)  # both timers then ring in one turn, that of the deadline first
    with pytest.raises(asyncio.CancelledError):
        await task


def test_what_need_not_wait_is_done_at_once() -> None:
    done: list[str] = []

    async def work() -> None:
        done.append("all")

    assert at_once(work()) is None
    assert done == ["all"]


@pytest.mark.parametrize("turns", [1, 3])
def test_what_must_wait_goes_on_where_it_is_awaited(turns: int) -> None:
    done: list[str] = []

    async def work() -> None:
        done.append("begun")
        assert await after_turns(turns) == "done"
        done.append("ended")

    async def main() -> None:
        rest = at_once(work())
        assert done == ["begun"]
        assert rest is not None
        await rest
        assert done == ["begun", "ended"]

    asyncio.run(main())


def test_a_cancellation_reaches_what_waits_inside() -> None:
    """Who waits inside may heed it and still wait for something before the end."""
    seen: list[str] = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            seen.append("told")
            await asyncio.sleep(0)
            seen.append("tidied")
            raise

    async def main() -> None:
        rest = at_once(work())
        assert rest is not None
        task = asyncio.ensure_future(rest)
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert seen == ["told", "tidied"]

    asyncio.run(main())
