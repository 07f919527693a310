"""Background work: every failure is heard, and nothing is left running."""

from __future__ import annotations

import asyncio

import pytest

from flowrouter.tasks import TaskGroup


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
