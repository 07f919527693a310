"""Quotas of two workers on a real Redis: what one hears the other goes by, and they count together."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import msgspec
import pytest

from flowrouter import logs
from flowrouter.gateway.pause_book import marker
from flowrouter.gateway.quota_keeping import QuotaKeeping, Spent
from flowrouter.gateway.quotas import Quotas
from flowrouter.routing import Target
from flowrouter.settings.quotas import QuotaLimit
from flowrouter.storage.fallback import FallingBackState
from flowrouter.storage.redis_state import RedisStateStore
from flowrouter.tasks import TaskGroup
from flowrouter.usage.quota import Window, filled
from tests.support.doubles import MemoryPauses
from tests.support.redis_server import RedisServer
from tests.unit.gateway.test_shared_pauses import ACCOUNT, TARGET, Clock, world

COUNTED = msgspec.structs.replace(ACCOUNT, quota=(QuotaLimit(window="5h", requests=10),))


class Worker:
    """One worker's quotas."""

    def __init__(self, server: RedisServer, tasks: TaskGroup, clock: Clock, *, books: int = 0) -> None:
        self.present = world(COUNTED)
        far = RedisStateStore(server.url, prefix="quotas:", timeout=5.0, tasks=tasks)
        self.state = FallingBackState(far, clock=clock, tasks=tasks, log=logs.get("state"), workers=2)
        self.quotas = Quotas(world=lambda: self.present, mark=marker(b"shared"), clock=clock)
        self.asked = 0
        self._books = books
        self.keeping = QuotaKeeping(
            self.quotas,
            state=self.state,
            kept=MemoryPauses(),
            books=lambda: self,
            world=lambda: self.present,
            clock=clock,
            log=logs.get("quotas"),
        )

    def since(self, account_id: str, start_ms: int, *, before_ms: int) -> Spent:
        del account_id, start_ms, before_ms
        self.asked += 1
        return Spent(requests=self._books)

    async def look(self) -> None:
        """Do what `follow` does each second."""
        await self.keeping.recount()
        await self.keeping.write()
        await self.keeping._look()

    @property
    def used(self) -> float | None:
        return next((each.used for each in self.quotas.windows("a") if each.source == "derived"), None)


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with RedisServer() as running:
        yield running


@pytest.fixture
async def pair(server: RedisServer) -> AsyncIterator[tuple[Worker, Worker]]:
    failures: list[object] = []
    tasks = TaskGroup(lambda _name, error: failures.append(error))
    clock = Clock()
    workers = Worker(server, tasks, clock), Worker(server, tasks, clock)
    for worker in workers:
        await worker.state.open()
    yield workers
    for key in await workers[0].state.scan(""):
        await workers[0].state.delete(key)
    await tasks.close()
    for worker in workers:
        await worker.state.close()
    assert not failures


def heard(worker: Worker, used: float) -> None:
    now = Clock().now()
    window = Window(name="plan/5h", unit="percent", source="header", as_of=now, span="5h", limit=100.0, used=used, resets_at=now + 3600)  # fmt: skip
    worker.quotas.note("a", [filled(window)])


async def test_what_one_hears_the_other_goes_by(pair: tuple[Worker, Worker]) -> None:
    one, other = pair
    heard(one, 100.0)
    assert other.quotas.pause(TARGET) is None
    await one.look()
    await other.look()
    found = other.quotas.pause(TARGET)
    assert found is not None
    assert "used up" in found.reason
    await other.keeping.forget("a")  # as `resume` does
    await one.look()
    assert one.quotas.pause(TARGET) is None


async def test_nobody_takes_away_what_another_heard(pair: tuple[Worker, Worker]) -> None:
    one, other = pair
    heard(one, 100.0)
    await one.look()
    assert other.quotas.take(TARGET) is None  # it has not looked yet, and has something to write down
    await other.keeping.write()
    await one.look()
    assert one.quotas.pause(TARGET) is not None
    await other.look()
    assert other.quotas.pause(TARGET) is not None


async def test_they_count_together_to_the_limit(pair: tuple[Worker, Worker]) -> None:
    one, other = pair
    for _ in range(2):
        for worker in (one, other):
            for _ in range(2):
                assert worker.quotas.take(TARGET) is None
        for worker in (one, other, one):
            await worker.look()
    assert (one.used, other.used) == (8, 8)
    assert one.quotas.take(TARGET) is None
    assert one.quotas.take(TARGET) is None
    await one.look()
    await other.look()
    assert (one.used, other.used) == (10, 10)
    assert other.quotas.take(TARGET) is not None
    assert one.quotas.take(Target(**{**msgspec.structs.asdict(TARGET), "model": "n"})) is not None


async def test_one_of_them_looks_into_the_books(server: RedisServer) -> None:
    failures: list[object] = []
    tasks, clock = TaskGroup(lambda _name, error: failures.append(error)), Clock()
    workers = [Worker(server, tasks, clock, books=4) for _ in range(2)]
    month = msgspec.structs.replace(ACCOUNT, quota=(QuotaLimit(window="month", requests=100),))
    for worker in workers:
        worker.present = world(month)
        await worker.state.open()
    for _ in range(2):
        for worker in workers:
            await worker.look()
    assert sum(worker.asked for worker in workers) == 1
    assert [worker.used for worker in workers] == [4, 4]
    await tasks.close()
    for worker in workers:
        await worker.state.close()
    assert not failures
