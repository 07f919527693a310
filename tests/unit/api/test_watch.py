"""A client that goes away ends the work for it; quick answers cost no task."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from flowrouter.api.watch import watched
from flowrouter.gateway.client import Client
from flowrouter.tasks import TaskGroup


class Standing:
    """As much of a client as is looked at."""

    def __init__(self, *, ended: bool = False) -> None:
        self.ended = ended
        self.on_stuck: Any = None


def leaving(after: float) -> Any:
    async def receive() -> dict[str, str]:
        await asyncio.sleep(after)
        return {"type": "http.disconnect"}

    return receive


def serve(receive: Any, client: Standing, seconds: float) -> list[str]:
    told: list[str] = []

    async def running() -> None:
        try:
            await asyncio.sleep(seconds)
            told.append("answered")
        except asyncio.CancelledError:
            told.append("cancelled")
            raise

    async def story() -> None:
        tasks = TaskGroup(lambda name, error: told.append(f"{name}: {error}"))
        await watched(running(), receive, cast("Client", client), tasks=tasks)
        told.append(f"{len(tasks)} tasks")
        await tasks.close()

    asyncio.run(story())
    return told


@pytest.mark.parametrize("after", [0.0, 0.03], ids=["at once", "later"])
def test_a_client_that_leaves_ends_the_work(after: float) -> None:
    assert serve(leaving(after), Standing(), 30.0)[0] == "cancelled"


def test_a_client_that_has_its_answer_may_leave() -> None:
    assert serve(leaving(0.0), Standing(ended=True), 0.05)[0] == "answered"


def test_a_quick_answer_starts_no_task() -> None:
    assert serve(leaving(0.0), Standing(), 0.0) == ["answered", "0 tasks"]


def test_a_cancellation_by_others_goes_on() -> None:
    async def story() -> None:
        tasks = TaskGroup(lambda _name, _error: None)
        running = watched(asyncio.sleep(30), leaving(30.0), cast("Client", Standing()), tasks=tasks)
        task = asyncio.create_task(running)
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await tasks.close()

    asyncio.run(story())
