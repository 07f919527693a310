"""Background work: every failure is heard, and nothing is left running."""

from __future__ import annotations

import asyncio

import pytest

from flowrouter.tasks import TaskGroup, in_time


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


@pytest.mark.parametrize("turns", [0, 1, 3])
def test_what_is_done_in_time_is_returned(turns: int) -> None:
    assert asyncio.run(in_time(60.0, after_turns(turns))) == "done"


def test_what_never_waits_is_given_no_timer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asyncio, "timeout", None)
    assert asyncio.run(in_time(60.0, value(1))) == 1


@pytest.mark.parametrize("turns", [0, 1])
def test_a_failure_in_time_is_raised(turns: int) -> None:
    async def failing() -> None:
        await after_turns(turns)
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        asyncio.run(in_time(60.0, failing()))


def test_what_takes_too_long_is_ended() -> None:
    ended: list[str] = []

    async def waiting() -> None:
        try:
            await forever()
        finally:
            ended.append("inside")

    with pytest.raises(TimeoutError):
        asyncio.run(in_time(0.001, waiting()))
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
        task = asyncio.create_task(in_time(60.0, waiting()))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(play())
    assert heard == ["inside", "done"]
