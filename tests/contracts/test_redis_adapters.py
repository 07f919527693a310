"""The adapters of a gateway with several workers: shared state in a real redis-server."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator

import pytest

from flowrouter import logs
from flowrouter.clock import SystemClock
from flowrouter.storage.fallback import FallingBackState
from flowrouter.storage.redis_state import RedisStateStore
from flowrouter.tasks import TaskGroup
from tests.contracts.state_store import StateStoreContract, Wait
from tests.support.redis_server import RedisServer


async def opened(server: RedisServer, tasks: TaskGroup) -> RedisStateStore:
    prefix = f"test-{secrets.token_hex(6)}:"
    return RedisStateStore(server.url, prefix=prefix, timeout=5.0, tasks=tasks)


class _OnRedis(StateStoreContract):
    @pytest.fixture
    async def tasks(self) -> AsyncIterator[TaskGroup]:
        failures: list[tuple[str, BaseException]] = []
        tasks = TaskGroup(lambda name, error: failures.append((name, error)))
        yield tasks
        await tasks.close()
        assert not failures

    @pytest.fixture
    def wait(self) -> Wait:
        return asyncio.sleep


class TestRedisStateStore(_OnRedis):
    @pytest.fixture
    async def store(self, redis_server: RedisServer, tasks: TaskGroup) -> AsyncIterator[RedisStateStore]:
        store = await opened(redis_server, tasks)
        yield store
        await store.close()


class TestFallingBackState(_OnRedis):
    @pytest.fixture
    async def store(self, redis_server: RedisServer, tasks: TaskGroup) -> AsyncIterator[FallingBackState]:
        far = await opened(redis_server, tasks)
        store = FallingBackState(far, clock=SystemClock(), tasks=tasks, log=logs.get("state"))
        await store.open()
        yield store
        assert store.away_seconds is None
        await store.close()


async def test_two_workers_share_and_two_prefixes_do_not(redis_server: RedisServer) -> None:
    tasks = TaskGroup(lambda *_: None)
    prefix = f"test-{secrets.token_hex(6)}:"
    one, two, other = (
        RedisStateStore(redis_server.url, prefix=each, timeout=5.0, tasks=tasks)
        for each in (prefix, prefix, prefix + "x")
    )
    await one.put("k", b"v", ttl=60)
    assert await two.get("k") == b"v"
    assert await other.get("k") is None
    assert await one.take("p", holder="a", limit=1, ttl=60)
    assert not await two.take("p", holder="b", limit=1, ttl=60)
    assert dict(await two.scan("")) == {"k": b"v"}
    for store in (one, two, other):
        await store.close()
    await tasks.close()
