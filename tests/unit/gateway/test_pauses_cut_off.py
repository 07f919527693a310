"""Clients leave at any moment: what their request found out about a provider stays known to every worker."""

from __future__ import annotations

import asyncio

import pytest

from flowrouter import logs
from flowrouter.canonical.problem import Problem
from flowrouter.clock import SystemClock
from flowrouter.gateway.blame import Failure
from flowrouter.gateway.cooldowns import Cooldowns
from flowrouter.gateway.pause_book import marker
from flowrouter.routing import judge
from flowrouter.tasks import TaskGroup
from tests.support.doubles import MemoryPauses
from tests.unit.gateway.test_shared_pauses import TARGET, world
from tests.unit.gateway.test_trials import Slow, cut_off

BUSY = Problem(status=503, message="busy", retry_after=30.0)


@pytest.fixture
def shared() -> tuple[Slow, Cooldowns]:
    state, present = Slow(), world()
    cooldowns = Cooldowns(
        state,
        kept=MemoryPauses(),
        world=lambda: present,
        mark=marker(b"test"),
        clock=SystemClock(),
        tasks=TaskGroup(lambda name, error: pytest.fail(f"{name}: {error}")),
        log=logs.get("test"),
    )
    return state, cooldowns


async def told(cooldowns: Cooldowns) -> None:
    failure = Failure(target=TARGET, problem=BUSY, verdict=judge(BUSY))
    await cooldowns.failed(failure, began=SystemClock().now())


async def test_a_pause_is_written_although_its_client_leaves_meanwhile(
    shared: tuple[Slow, Cooldowns],
) -> None:
    state, cooldowns = shared
    state.slow = TARGET.key
    await cut_off(asyncio.create_task(told(cooldowns)))
    state.go.set()
    await asyncio.sleep(0.01)
    assert list(await state.scan("cooldown:")) == [f"cooldown:model:{TARGET.key}"]


async def test_a_pause_ends_for_all_although_its_client_leaves_meanwhile(
    shared: tuple[Slow, Cooldowns],
) -> None:
    state, cooldowns = shared
    await told(cooldowns)
    state.slow = TARGET.key
    await cut_off(asyncio.create_task(cooldowns.answered(TARGET, began=SystemClock().now())))
    state.go.set()
    await asyncio.sleep(0.01)
    assert not await state.scan("cooldown:")
