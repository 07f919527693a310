"""Shared state that is away, silent, shut or misspelt: no request fails, and no secret is told."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Iterator

import pytest

from flowrouter import logs
from flowrouter.clock import SystemClock
from flowrouter.config import State
from flowrouter.errors import ConfigError, StorageError
from flowrouter.storage import MemoryStateStore, fallback, open_state
from flowrouter.storage import state as state_module
from flowrouter.storage.fallback import FallingBackState
from flowrouter.storage.redis_state import RedisStateStore, StateDeniedError
from flowrouter.tasks import TaskGroup
from tests.support.redis_server import RedisServer


@pytest.fixture
def server() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


@pytest.fixture
async def tasks() -> AsyncIterator[TaskGroup]:
    failures: list[tuple[str, BaseException]] = []
    tasks = TaskGroup(lambda name, error: failures.append((name, error)))
    yield tasks
    await tasks.close()
    assert not failures


def worker(
    server: RedisServer, tasks: TaskGroup, *, workers: int = 2, prefix: str = "", timeout: float = 0.25
) -> FallingBackState:
    prefix = prefix or secrets.token_hex(4)
    far = RedisStateStore(server.url, prefix=prefix, timeout=timeout, tasks=tasks)
    return FallingBackState(far, clock=SystemClock(), tasks=tasks, log=logs.get("state"), workers=workers)


async def back(state: FallingBackState) -> None:
    async with asyncio.timeout(30):
        while state.away_seconds is not None:
            await asyncio.sleep(0.02)


@pytest.fixture(autouse=True)
def look_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fallback, "LOOK_SECONDS", 0.05)


async def test_an_outage_is_nobodys_error(server: RedisServer, tasks: TaskGroup) -> None:
    state = worker(server, tasks)
    await state.open()
    await state.put("before", b"1", ttl=60)
    server.kill()
    await state.put("pause", b"2", ttl=60)
    assert state.away_seconds is not None
    assert await state.get("pause") == b"2"
    assert await state.get("before") is None  # it lives over there
    assert await state.add("turn", 1, ttl=60) == 1
    assert await state.add("turn", 1, ttl=60) == 2
    with pytest.raises(StorageError, match="does not answer"):
        await state.strict.get("pause")
    server.start()
    await back(state)
    assert await state.strict.get("pause") == b"2"
    assert await state.add("turn", 1, ttl=60) == 3
    await state.close()


async def test_load_goes_on_through_a_restart(server: RedisServer, tasks: TaskGroup) -> None:
    state, ended, calls = worker(server, tasks), asyncio.Event(), 0
    await state.open()

    async def ask(number: int) -> None:
        nonlocal calls
        while not ended.is_set():
            await state.add("turn", 1, ttl=60)
            await state.put(f"k{number}", b"v", ttl=60)
            assert await state.get(f"k{number}") in (b"v", None)
            calls += 1
            await asyncio.sleep(0.001)

    async with asyncio.TaskGroup() as load:
        for number in range(20):
            load.create_task(ask(number))
        for _ in range(3):
            await asyncio.sleep(0.2)
            server.kill()
            await asyncio.sleep(0.2)
            assert state.away_seconds is not None
            server.start()
            await back(state)
        ended.set()
    assert calls > 100
    await state.close()


async def test_silence_costs_one_short_wait(server: RedisServer, tasks: TaskGroup) -> None:
    state = worker(server, tasks)
    await state.open()
    server.pause()
    async with asyncio.timeout(10):  # far above the one short wait, far below one for each
        await asyncio.gather(*(state.put(f"k{number}", b"v", ttl=60) for number in range(200)))
        assert state.away_seconds is not None
        for number in range(200):
            assert await state.get(f"k{number}") == b"v"
    server.resume()
    await back(state)
    assert await state.strict.get("k7") == b"v"
    await state.close()


async def test_a_busy_worker_does_not_take_redis_for_dead(server: RedisServer, tasks: TaskGroup) -> None:
    state = worker(server, tasks)
    asked = [asyncio.ensure_future(state.put(f"k{number}", b"v", ttl=60)) for number in range(50)]
    while not all(each.done() for each in asked):  # each step of the connection comes late
        await asyncio.sleep(0)
        time.sleep(0.1)
    assert state.away_seconds is None
    await state.close()


async def test_who_asks_while_all_ends_is_not_left_waiting(server: RedisServer) -> None:
    tasks = TaskGroup(lambda *_: None)
    state = worker(server, tasks)
    async with asyncio.timeout(20):
        asked = asyncio.ensure_future(state.strict.get("early"))
        await asyncio.sleep(0)  # its sender is made, and has not begun
        await tasks.close()
        with pytest.raises(StorageError, match="not asked to the end"):
            await asked
        await state.put("late", b"v", ttl=60)
        assert await state.strict.get("late") == b"v"
    await tasks.close()
    await state.close()


async def test_alone_a_worker_gives_out_its_share_of_places(server: RedisServer, tasks: TaskGroup) -> None:
    state = worker(server, tasks, workers=2, prefix="share:")
    await state.open()
    for holder in "abc":
        assert await state.take("p", holder=holder, limit=8, ttl=60)
    server.kill()
    assert await state.take("p", holder="d", limit=8, ttl=60)
    assert not await state.take("p", holder="e", limit=8, ttl=60)  # four of eight, those held before counted
    await state.leave("p", holder="a")
    assert await state.take("p", holder="e", limit=8, ttl=60)
    server.start()
    await back(state)
    other = worker(server, tasks, prefix="share:")
    taken = [await other.take("p", holder=str(number), limit=8, ttl=60) for number in range(6)]
    assert taken == [True] * 4 + [False] * 2  # what is in flight was taken again
    for each in (state, other):
        await each.close()


async def test_an_absent_server_is_waited_for(tasks: TaskGroup) -> None:
    server = RedisServer()
    state = worker(server, tasks)
    await state.open()
    assert state.away_seconds is not None
    with server:
        await back(state)
    await state.close()


async def test_a_wrong_password_is_said_and_not_told(tasks: TaskGroup) -> None:
    with RedisServer(password="right-horse") as server:
        good = worker(server, tasks)
        await good.open()
        assert good.away_seconds is None
        server.password = "wrong-battery"
        bad = worker(server, tasks)
        with pytest.raises(StateDeniedError, match="let the gateway in") as caught:
            await bad.open()
        assert "battery" not in str(caught.value)
        assert "battery" not in bad.place
        assert bad.place == f"redis://127.0.0.1:{server.port}/0"
        assert "battery" not in logs.redact("cannot use redis://:wrong-battery@127.0.0.1")
        server.password = "right-horse"
        for state in (good, bad):
            await state.close()


@pytest.mark.parametrize(
    "address",
    ["http://:s3cret-word@host", "redis://:s3cret/word@host", "s3cret-word"],
    ids=["scheme", "port", "bare"],
)
async def test_a_misspelt_address_is_said_without_it(address: str, tasks: TaskGroup) -> None:
    with pytest.raises(ConfigError, match="no address of a Redis server") as caught:
        open_state(State(redis=address), clock=SystemClock(), tasks=tasks)
    assert "s3cret" not in str(caught.value)
    assert "s3cret" not in repr(State(redis=address))


async def test_memory_is_the_default(tasks: TaskGroup) -> None:
    assert isinstance(open_state(State(), clock=SystemClock(), tasks=tasks), MemoryStateStore)


async def test_a_missing_client_is_said(tasks: TaskGroup, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state_module, "find_spec", lambda _: None)
    with pytest.raises(ConfigError, match=r"flow-router\[cluster\]"):
        open_state(State(redis="redis://127.0.0.1:1/0"), clock=SystemClock(), tasks=tasks)
