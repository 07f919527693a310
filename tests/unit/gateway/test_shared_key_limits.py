"""Limits of keys over two workers on a real Redis server, with the server and without it."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator

import pytest

from flowrouter import logs
from flowrouter.clock import SystemClock
from flowrouter.storage import MemoryStateStore, fallback
from flowrouter.storage.fallback import FallingBackState
from flowrouter.storage.redis_state import RedisStateStore
from flowrouter.tasks import TaskGroup
from tests.contracts.fakes import FakeClock
from tests.support.redis_server import RedisServer
from tests.unit.gateway.test_key_limits import House


@pytest.fixture
async def tasks() -> AsyncIterator[TaskGroup]:
    failures: list[tuple[str, BaseException]] = []
    tasks = TaskGroup(lambda name, error: failures.append((name, error)))
    yield tasks
    await tasks.close()
    assert not failures


def workers(server: RedisServer, tasks: TaskGroup) -> tuple[FallingBackState, FallingBackState]:
    """Return the states of two workers of one gateway."""
    prefix = secrets.token_hex(4)

    def state() -> FallingBackState:
        far = RedisStateStore(server.url, prefix=prefix, timeout=0.25, tasks=tasks)
        return FallingBackState(far, clock=SystemClock(), tasks=tasks, log=logs.get("state"), workers=2)

    return state(), state()


def house(state: FallingBackState, clock: FakeClock) -> House:
    made = House(MemoryStateStore(clock), clock)
    made.limits._state = state
    return made


async def passed(houses: tuple[House, House], count: int, limit: int) -> tuple[int, int]:
    """Return how many of `count` requests passed at each worker, which are asked in turn and at once."""
    asked = [houses[number % 2].passes(requests_per_day=limit) for number in range(count)]
    found = await asyncio.gather(*asked)
    return sum(found[0::2]), sum(found[1::2])


async def test_two_workers_count_as_one_and_share_alone(
    tasks: TaskGroup, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fallback, "LOOK_SECONDS", 0.05)
    with RedisServer() as server:
        states, clock = workers(server, tasks), FakeClock()
        houses = house(states[0], clock), house(states[1], clock)
        assert sum(await passed(houses, 1000, 90)) == 90
        assert (states[0].share, states[1].share) == (1, 1)

        clock.advance(86_400)
        server.kill()
        assert await passed(houses, 1000, 91) == (45, 45), "each has its share, rounded down"
        assert (states[0].share, states[1].share) == (2, 2)

        clock.advance(86_400)
        server.start()
        async with asyncio.timeout(30):
            while any(state.away_seconds is not None for state in states):
                await asyncio.sleep(0.02)
        assert sum(await passed(houses, 400, 90)) == 90
        for state in states:
            await state.close()
