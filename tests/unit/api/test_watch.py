"""A client that goes away ends the work for it; quick answers cost no task."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from flowrouter.api.watch import watched
from flowrouter.dialects import codec
from flowrouter.gateway.client import Client
from flowrouter.gateway.exchange import Exchange
from flowrouter.httpkit.visit import AsgiVisit, Visit
from flowrouter.settings import Timeouts
from flowrouter.tasks import TaskGroup
from tests.contracts.fakes import FakeClock
from tests.unit.httpkit.wire import Wire, live, request, settle

SCOPE: dict[str, Any] = {"method": "POST", "headers": []}


async def sent(_: Any) -> None:
    """Take what is sent."""


def leaving(after: float) -> Any:
    async def receive() -> dict[str, str]:
        await asyncio.sleep(after)
        return {"type": "http.disconnect"}

    return receive


def client_of(visit: Visit, tasks: TaskGroup, *, ended: bool = False) -> Client:
    exchange, clock = cast("Exchange", None), FakeClock()
    client = Client(visit, codec("openai_chat"), exchange, clock=clock, timeouts=Timeouts(), tasks=tasks)
    client.ended = ended
    return client


def serve(receive: Any, seconds: float, *, ended: bool = False) -> list[str]:
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
        visit = AsgiVisit(SCOPE, receive, sent, tasks=tasks)
        await watched(running(), visit, client_of(visit, tasks, ended=ended))
        told.append(f"{len(tasks)} tasks")
        await tasks.close()

    asyncio.run(story())
    return told


@pytest.mark.parametrize("after", [0.0, 0.03], ids=["at once", "later"])
def test_a_client_that_leaves_ends_the_work(after: float) -> None:
    assert serve(leaving(after), 30.0)[0] == "cancelled"


def test_a_client_that_has_its_answer_may_leave() -> None:
    assert serve(leaving(0.0), 0.05, ended=True)[0] == "answered"


def test_a_quick_answer_starts_no_task() -> None:
    assert serve(leaving(0.0), 0.0) == ["answered", "0 tasks"]


class Working:
    """Answers visits by work that takes long; a client may leave before any of it begins."""

    def __init__(self, *, leaves_first: bool) -> None:
        self.wire = Wire(self)
        self.told: list[str] = []
        self._leaves_first = leaves_first

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError("it is asked by visits")

    async def serve(self, visit: Visit) -> None:
        """Work once, and once more for the same client."""
        if self._leaves_first:
            self.wire.lose()
        for turn in ("first", "second"):
            tasks = TaskGroup(lambda *_: None)
            await watched(self._work(turn), visit, client_of(visit, tasks))

    async def _work(self, turn: str) -> None:
        try:
            await asyncio.sleep(30)
            self.told.append(f"{turn} answered")
        except asyncio.CancelledError:
            self.told.append(f"{turn} cancelled")
            raise


@pytest.mark.parametrize("leaves_first", [True, False], ids=["before the work", "at work"])
def test_our_own_server_tells_of_a_client_that_left(leaves_first: bool) -> None:
    async def story() -> None:
        working = Working(leaves_first=leaves_first)
        await working.wire.says(request())
        if not leaves_first:
            working.wire.lose()
        await settle()
        await asyncio.sleep(0.02)
        assert working.told == ["first cancelled", "second cancelled"]
        assert not working.wire.door.tasks

    live(story)


def test_a_cancellation_by_others_goes_on() -> None:
    async def story() -> None:
        tasks = TaskGroup(lambda _name, _error: None)
        visit = AsgiVisit(SCOPE, leaving(30.0), sent, tasks=tasks)
        running = watched(asyncio.sleep(30), visit, client_of(visit, tasks))
        task = asyncio.create_task(running)
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await tasks.close()

    asyncio.run(story())
