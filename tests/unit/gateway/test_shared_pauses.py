"""Pauses and trials of two workers on a real Redis: what one learns the other knows, and one tries at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import msgspec
import pytest

from flowrouter import logs
from flowrouter.accounts.account import Account, Secret
from flowrouter.canonical.problem import Problem
from flowrouter.clock import SystemClock
from flowrouter.gateway.blame import Failure
from flowrouter.gateway.cooldowns import Cooldowns
from flowrouter.gateway.pause_book import marker
from flowrouter.gateway.ports import Snapshot
from flowrouter.gateway.world import World, compile_world
from flowrouter.providers import catalog
from flowrouter.routing import Target, judge
from flowrouter.storage.fallback import FallingBackState
from flowrouter.storage.redis_state import RedisStateStore
from flowrouter.tasks import TaskGroup
from tests.support.doubles import MemoryPauses
from tests.support.redis_server import RedisServer

ACCOUNT = Account(
    id="a",
    name="a",
    preset="custom-openai",
    owner_id="local",
    base_url="http://a.test/v1",
    api_key=Secret("k"),
)
TARGET = Target(account_id="a", account="a", preset="custom-openai", model="m", dialect="openai_chat")


def world(account: Account = ACCOUNT) -> World:
    return compile_world(Snapshot(version=1, loaded_at_ms=0), declared=(account,), catalog=catalog.packaged())


class Clock(SystemClock):
    """The real clock, moved on where a test says so."""

    ahead = 0.0

    def now(self) -> float:
        return super().now() + self.ahead


class Worker:
    """One worker's pauses."""

    def __init__(self, server: RedisServer, tasks: TaskGroup, clock: Clock) -> None:
        self.present = world()
        self.kept = MemoryPauses()
        self.clock = clock
        far = RedisStateStore(server.url, prefix="test:", timeout=5.0, tasks=tasks)
        self.state = FallingBackState(far, clock=clock, tasks=tasks, log=logs.get("state"), workers=2)
        self.cooldowns = Cooldowns(
            self.state,
            kept=self.kept,
            world=lambda: self.present,
            mark=marker(b"test"),
            clock=clock,
            tasks=tasks,
            log=logs.get("test"),
            draw=lambda: 0.0,
        )

    async def fail(self, status: int, **said: float) -> None:
        problem = Problem(status=status, message="no", **said)  # type: ignore[arg-type]
        failure = Failure(target=TARGET, problem=problem, verdict=judge(problem))
        await self.cooldowns.failed(failure, began=self.clock.now())

    @property
    def probing(self) -> bool | None:
        """Whether a trial may begin, None where nothing stands in the way."""
        obstacle = self.cooldowns.obstacle(TARGET)
        return None if obstacle is None else obstacle.probe


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


@pytest.fixture
async def workers(server: RedisServer) -> AsyncIterator[tuple[Worker, Worker]]:
    failures: list[tuple[str, BaseException]] = []
    tasks = TaskGroup(lambda name, error: failures.append((name, error)))
    clock = Clock()
    pair = Worker(server, tasks, clock), Worker(server, tasks, clock)
    for each in pair:
        await each.state.open()
    yield pair
    await pair[0].cooldowns.resume("a")
    await tasks.close(grace=5.0)
    for each in pair:
        await each.state.close()
    assert not failures


async def test_what_one_learns_the_other_knows(workers: tuple[Worker, Worker]) -> None:
    one, other = workers
    await one.fail(402)
    assert other.probing is None
    await other.cooldowns.load()  # what the look each second does
    assert (one.probing, other.probing) == (False, False)
    assert other.cooldowns.cause(TARGET) == one.cooldowns.cause(TARGET)
    assert await other.cooldowns.resume("a") == 1
    await one.cooldowns.load()
    assert (one.probing, other.probing) == (None, None)


async def test_one_trial_over_both(workers: tuple[Worker, Worker]) -> None:
    one, other = workers
    await one.fail(429, retry_after=30.0)
    await other.cooldowns.load()
    one.clock.ahead = 31.0
    assert (one.probing, other.probing) == (True, True)
    trial = await one.cooldowns.begin_trial(TARGET)
    assert trial is not None
    assert await other.cooldowns.begin_trial(TARGET) is None
    assert (one.probing, other.probing) == (False, False)
    await one.cooldowns.answered(TARGET, began=one.clock.now())
    await one.cooldowns.end_trial(trial)
    await other.cooldowns.load()
    assert (one.probing, other.probing) == (None, None)


async def test_a_trial_that_failed_is_the_next_ones_turn_after_the_next_pause(
    workers: tuple[Worker, Worker],
) -> None:
    one, other = workers
    await one.fail(503)
    one.clock.ahead = 6.0
    trial = await one.cooldowns.begin_trial(TARGET)
    assert trial is not None
    await one.fail(503)
    await one.cooldowns.end_trial(trial)
    await other.cooldowns.load()
    pause = other.cooldowns.cause(TARGET)
    assert pause is not None
    assert (pause.level, other.probing) == (2, False)


async def test_a_worker_that_already_has_the_new_key_does_not_hear_of_the_old_ones_pause(
    workers: tuple[Worker, Worker],
) -> None:
    one, other = workers
    await one.fail(401)
    other.present = world(msgspec.structs.replace(ACCOUNT, api_key=Secret("new")))
    await other.cooldowns.load()
    assert other.probing is None


async def test_what_workers_share_is_not_kept_in_their_store(workers: tuple[Worker, Worker]) -> None:
    one, _ = workers
    await one.fail(402)
    assert one.kept.rows == {}
