"""Budgets under fire: hundreds at once, answers three times the mean, cuts on both sides, `kill -9`.

What was spent is what the provider itself wrote down, token by token, at list price.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import secrets
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest

from tests.e2e.test_budgets import api, command, make_key, settled
from tests.support.crowd import CROWD
from tests.support.gateway import RunningGateway
from tests.support.metered_provider import MeteredProvider, Rates
from tests.support.postgres_server import PostgresServer
from tests.support.redis_server import RedisServer

pytestmark = [
    pytest.mark.skipif(os.name == "nt", reason="KILL -9 and several workers need a POSIX system"),
    pytest.mark.timeout(150),
]
RATES = Rates(input=100, output=1_000)
PRICES = {"*": {"input": RATES.input, "output": RATES.output}}
USD = 10**12
MODELS = 60
ACCOUNTS = 3


def serving(provider: MeteredProvider, *, data: Path, **settings: Any) -> RunningGateway:
    accounts = [
        {
            "name": f"a{number}", "preset": "custom-openai", "base_url": provider.url, "api_key": "key",
            "models": ["*"], "max_concurrency": 2_000,
        }
        for number in range(ACCOUNTS)
    ]  # fmt: skip
    return RunningGateway(accounts, settings={"prices": PRICES, **settings}, data=data)


def keyed(gateway: RunningGateway, *options: str) -> str:
    """Return a new key, once every worker knows it."""
    token = make_key(gateway, *options)
    deadline = time.monotonic() + 30
    known = 0
    while known < 20:
        assert time.monotonic() < deadline, gateway.log
        status, _ = gateway.get("/v1/models", {"authorization": f"Bearer {token}"})
        known = known + 1 if status == 200 else 0
    time.sleep(1.2)  # what one worker has seen, all have within a second
    return token


class Crowd:
    """Clients that all ask at once, with one key; some leave, most try again where they are told to."""

    def __init__(self, gateway: RunningGateway, token: str, *, seed: int = 3, prompt: int = 3) -> None:
        self._gateway = gateway
        self._prompt = "Tell me a story. " * prompt
        self._headers = {"authorization": f"Bearer {token}"}
        self._chance = random.Random(seed)
        self.statuses: Counter[int] = Counter()
        self.refusals: Counter[str] = Counter()
        self.over = False

    async def storm(self, count: int, *, tries: int = 6) -> None:
        """Send `count` requests; `statuses` counts how each ended, 0 where it was cut off, -1 where it left."""
        connector = aiohttp.TCPConnector(limit=0, force_close=True)
        async with aiohttp.ClientSession(
            connector=connector, headers=self._headers, timeout=aiohttp.ClientTimeout(120)
        ) as session:
            await asyncio.gather(*(self._one(session, number, tries=tries) for number in range(count)))

    async def _one(self, session: aiohttp.ClientSession, number: int, *, tries: int) -> None:
        body: dict[str, Any] = {
            "model": f"m{number % MODELS}",
            "messages": [{"role": "user", "content": self._prompt}],
            "stream": number % 2 == 0,
            **({"max_tokens": 400} if number % 100 else {}),
        }
        status = 0
        for _ in range(tries):
            leaves = self._chance.uniform(0.05, 1.5) if number % 10 == 3 else None
            try:
                async with asyncio.timeout(leaves):
                    status = await self._ask(session, body)
            except TimeoutError:
                status = -1
            if status not in (429, 503) or self.over:
                break
            await asyncio.sleep(self._chance.uniform(0.5, 1.5))
        self.statuses[status] += 1

    async def _ask(self, session: aiohttp.ClientSession, body: dict[str, Any]) -> int:
        try:
            async with session.post(f"{self._gateway.openai_url}/chat/completions", json=body) as reply:
                said = await reply.read()
                if reply.status not in (200, 402):
                    self.refusals[f"{reply.status} {said[:300].decode()}"] += 1
                return reply.status
        except (aiohttp.ClientError, OSError):
            return 0


def kill_all(gateway: RunningGateway) -> None:
    """End the gateway and all its workers as a power cut would."""
    for child in psutil.Process(gateway.pid).children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            child.kill()
    gateway.kill()


async def until(true: Callable[[], bool], *, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it never came to that"
        await asyncio.sleep(0.02)


def at_rest(gateway: RunningGateway, provider: MeteredProvider) -> dict[str, Any]:
    """Return the only budget, once nobody asks, writes or books any more."""
    deadline = time.monotonic() + 30
    while provider.busy:
        assert time.monotonic() < deadline, "the provider is asked for what nobody waits for"
        time.sleep(0.05)
    settled(gateway)
    time.sleep(2.5)  # what lies idle is put back, rows are written
    return settled(gateway)


@pytest.fixture
def provider() -> Iterator[MeteredProvider]:
    with MeteredProvider(RATES) as provider:
        yield provider


class Ground:
    """What a gateway stands on: by itself one worker and a file, else two workers on PostgreSQL and Redis."""

    def __init__(self, data: Path, *, store: str = "", redis: str = "") -> None:
        self.data = data
        self._store = store
        self.settings: dict[str, Any] = {}
        if store:
            self.settings = {
                "server": {"workers": 2},
                "store": {"url": store},
                "state": {"redis": redis, "prefix": f"{secrets.token_hex(6)}:"},
            }

    def serving(self, provider: MeteredProvider) -> RunningGateway:
        return serving(provider, data=self.data, **self.settings)

    def a_minute_later(self, *, killed: float) -> None:
        """Let the processes that were killed have been gone for a minute, as far as the store knows."""
        statement = "UPDATE budget_blocks SET seen_at_ms = seen_at_ms - 61000 WHERE seen_at_ms < "
        statement += str(round(killed * 1000))
        if self._store:
            import psycopg

            with psycopg.connect(self._store, autocommit=True) as connection:
                connection.execute(statement)
            return
        with contextlib.closing(sqlite3.connect(self.data / "flow-router.sqlite")) as store, store:
            store.execute(statement)


@pytest.fixture(params=["sqlite", "postgresql and redis"])
def ground(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ground]:
    if request.param == "sqlite":
        yield Ground(tmp_path)
        return
    redis, postgres = request.getfixturevalue("redis_server"), request.getfixturevalue("postgres_server")
    address = postgres.fresh()
    yield Ground(tmp_path, store=address, redis=redis.url)
    postgres.drop(address)


async def test_a_hard_budget_under_fire(ground: Ground, provider: MeteredProvider) -> None:
    gateway = ground.serving(provider).start()
    limit = 650 * CROWD // 1_000 * USD
    try:
        token = keyed(gateway, "--budget", f"{limit // USD}usd/day", "--hard")
        crowd = Crowd(gateway, token)
        storm = asyncio.create_task(crowd.storm(CROWD))
        await until(lambda: provider.bill > limit / 12)
        crowd.over = True
        kill_all(gateway)
        killed = time.time()
        await storm
        assert crowd.statuses[0] > CROWD // 10, "the kill came too late"
        await until(lambda: not provider.busy)
        gateway.start()
        ground.a_minute_later(killed=killed)
        budget = at_rest(gateway, provider)
        assert budget["uncertain"] > 0, "what was in its hands counts as spent"
        assert provider.bill <= budget["spent"] + budget["uncertain"] <= limit
        assert command(gateway, "usage", "verify")["faults"] == 0

        after = Crowd(gateway, token, seed=4, prompt=1_000)
        while after.statuses[402] + after.statuses[429] < 50:
            await after.storm(CROWD)
        budget = at_rest(gateway, provider)
        assert after.statuses[200] > 20
        assert provider.bill <= budget["spent"] + budget["uncertain"] <= limit
        books = command(gateway, "usage", "verify")
        assert books["faults"] == 0, books

        assert set(command(gateway, "usage", "release").values()) >= {budget["uncertain"]}
        late = Crowd(gateway, token, seed=5)
        await late.storm(20)
        assert late.statuses[200] > 5, "a hold is stuck"
        assert at_rest(gateway, provider)["uncertain"] == 0
        assert command(gateway, "usage", "verify")["faults"] == 0
        gateway.assert_no_complaints()
    finally:
        gateway.stop()


async def test_a_soft_budget_under_fire(ground: Ground) -> None:
    """Beyond the budget goes only what answers took beyond what was held for them."""
    limit = max(40, 150 * CROWD // 1_000) * USD
    with MeteredProvider(RATES, disobedient=0.1) as provider, ground.serving(provider) as gateway:
        token = keyed(gateway, "--budget", f"{limit // USD}usd/day", "--soft")
        crowd = Crowd(gateway, token)
        await crowd.storm(CROWD, tries=12)
        budget = at_rest(gateway, provider)
        assert crowd.statuses[200] > 100
        assert crowd.statuses[402] > 50, "the budget was not used up"
        rows = exchanges(gateway)
        assert len(rows) >= CROWD
        assert budget["spent"] == sum(row["charge_pusd"] for row in rows)
        beyond = 0
        for row in rows:
            if row["charge_pusd"]:
                (held,) = api(gateway, f"/api/receipts/{row['id']}")["budget"]["held"].values()
                beyond += max(0, row["charge_pusd"] - held)
        assert budget["spent"] - limit <= beyond
        assert budget["spent"] > 0.9 * limit
        assert command(gateway, "usage", "verify")["faults"] == 0
        gateway.assert_no_complaints()


async def test_servers_that_die_under_load(tmp_path: Path) -> None:
    """Redis, then PostgreSQL, each killed and started again: no request hangs, nothing is lost or overspent."""
    with (
        MeteredProvider(RATES, trouble=0.0) as provider,
        RedisServer() as redis,
        PostgresServer() as postgres,
        Ground(tmp_path, store=postgres.durable(), redis=redis.url).serving(provider) as gateway,
    ):
        keys = {
            "hard": keyed(gateway, "--budget", "100usd/day", "--hard"),
            "soft": keyed(gateway, "--budget", "1000usd/day", "--soft"),
            "plain": keyed(gateway),
            "limited": keyed(gateway, "--requests-per-day", "1000000"),
        }
        loads = {name: Load(gateway, token) for name, token in keys.items()}
        async with asyncio.TaskGroup() as running:
            for load in loads.values():
                running.create_task(load.run())
            await asyncio.sleep(3)
            redis.kill()
            await asyncio.sleep(4)
            during = {name: load.taken() for name, load in loads.items()}
            redis.start()
            await until(lambda: all_back(gateway))
            await asyncio.sleep(2)
            for load in loads.values():
                load.taken()
            postgres.kill()
            await asyncio.sleep(5)
            without_store = {name: load.taken() for name, load in loads.items()}
            postgres.start()
            await asyncio.sleep(6)
            for load in loads.values():
                load.taken()
            await asyncio.sleep(2)
            after = {name: load.taken() for name, load in loads.items()}
            for load in loads.values():
                load.over = True
        assert during["hard"]["503 budget_unavailable"]
        for name in ("soft", "plain", "limited"):
            assert set(during[name]) == {"200"}, during
            assert set(without_store[name]) == {"200"}, without_store
        assert set(without_store["hard"]) <= {"200", "503 budget_unavailable"}
        for name in keys:
            assert set(after[name]) <= {"200"} | (
                {"402 budget_exceeded", "429 budget_held"} if name == "hard" else set()
            )
            assert after[name], after
        answered = sum(load.answered for load in loads.values())
        await asyncio.to_thread(until_booked, gateway, answered)
        books = command(gateway, "usage", "verify")
        assert books["faults"] == 0, books
        await until(lambda: all(budget["held"] == 0 for budget in api(gateway, "/api/budgets")), seconds=30)
        budgets = {budget["budget"].get("mode", "soft"): budget for budget in api(gateway, "/api/budgets")}
        assert budgets["hard"]["spent"] <= budgets["hard"]["limit"]
        charged = {line["group"]: line["charge_pusd"] for line in api(gateway, "/api/usage?group_by=key")}
        for budget in budgets.values():
            assert budget["spent"] == charged[budget["key_id"]]
        assert sum(charged.values()) == provider.bill
        gateway.assert_no_complaints()


class Load:
    """Four clients with one key that ask some five times a second; no answer may take longer than ten seconds."""

    def __init__(self, gateway: RunningGateway, token: str) -> None:
        self._url = f"{gateway.openai_url}/chat/completions"
        self._headers = {"authorization": f"Bearer {token}"}
        self._seen: Counter[str] = Counter()
        self.answered = 0
        self.over = False

    def taken(self) -> Counter[str]:
        """Return what came since the last call."""
        seen, self._seen = self._seen, Counter()
        return seen

    async def run(self) -> None:
        connector = aiohttp.TCPConnector(limit=0, force_close=True)
        async with aiohttp.ClientSession(
            connector=connector, headers=self._headers, timeout=aiohttp.ClientTimeout(10)
        ) as session:
            await asyncio.gather(*(self._one(session, number) for number in range(4)))

    async def _one(self, session: aiohttp.ClientSession, number: int) -> None:
        body = {
            "model": "m", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 20, "stream": number % 2 == 0,
        }  # fmt: skip
        while not self.over:
            async with session.post(self._url, json=body) as reply:
                said = await reply.read()
            if reply.status == 200:
                self._seen["200"] += 1
                self.answered += 1
            else:
                self._seen[f"{reply.status} {json.loads(said)['error']['code']}"] += 1
            await asyncio.sleep(0.2)


def all_back(gateway: RunningGateway) -> bool:
    """Return whether a worker has its shared state; asked often, all of them are."""
    return all(json.loads(gateway.get("/readyz")[1])["state"]["away_s"] is None for _ in range(8))


def until_booked(gateway: RunningGateway, count: int) -> None:
    """Wait until so many answers are in the books."""
    deadline = time.monotonic() + 40
    while True:
        (line,) = api(gateway, "/api/usage?group_by=total")
        booked = line["requests"] - line["errors"]
        if booked >= count:
            assert booked == count
            return
        assert time.monotonic() < deadline, f"{booked} of {count} answers are in the books"
        time.sleep(0.3)


def exchanges(gateway: RunningGateway) -> list[dict[str, Any]]:
    """Return all rows of the request log."""
    rows: list[dict[str, Any]] = []
    token = (gateway.data / "local.token").read_text().strip()
    after = ""
    while True:
        status, answer = gateway.call(
            "GET", f"/api/requests?limit=200{after}", headers={"authorization": f"Bearer {token}"}
        )
        assert status == 200, answer
        told = json.loads(answer)
        rows += told["data"]
        if not told["next_cursor"]:
            return rows
        after = f"&cursor={told['next_cursor']}"
