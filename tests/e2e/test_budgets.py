"""Budgets and the ledger of a started gateway: under load, through `kill -9`, over two workers on Redis."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import signal
import time
from collections import Counter
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest

from tests.support.commands import run as run_command
from tests.support.gateway import RunningGateway
from tests.support.redis_server import RedisServer
from tests.upstreams import ScriptedUpstream
from tests.upstreams.faults import Pace

pytestmark = [
    pytest.mark.skipif(os.name == "nt", reason="KILL -9 and several workers need a POSIX system"),
    pytest.mark.timeout(240),
]
PRICES = {"*": {"input": 1_000, "output": 10_000}}
CENT = 10**10


def command(gateway: RunningGateway, *words: str) -> Any:
    """Return what a command prints as JSON; it may have found faults."""
    done = run_command(*words, "--json", "--data", str(gateway.data))
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


def make_key(gateway: RunningGateway, *options: str) -> str:
    """Return a new key that the gateway has heard of: it looks for changes of its store once a second."""
    token = str(command(gateway, "keys", "create", f"k{secrets.token_hex(3)}", *options)["key"])
    deadline = time.monotonic() + 30
    while gateway.call("GET", "/v1/models", headers={"authorization": f"Bearer {token}"})[0] == 401:
        assert time.monotonic() < deadline, "the gateway never heard of the key"
        time.sleep(0.1)
    return token


def api(gateway: RunningGateway, path: str, *, method: str = "GET", raw: bool = False) -> Any:
    token = (gateway.data / "local.token").read_text().strip()
    body = b"{}" if method == "POST" else None
    status, answer = gateway.call(method, path, body=body, headers={"authorization": f"Bearer {token}"})
    assert status == 200, answer
    return answer if raw else json.loads(answer)["data"]


def serving(
    upstream: ScriptedUpstream, *, data: Path | None = None, redis: RedisServer | None = None
) -> RunningGateway:
    account = {
        "name": "a", "preset": "custom-openai", "base_url": upstream.openai_url, "api_key": "key",
        "models": ["*"], "max_concurrency": 1_000,
    }  # fmt: skip
    settings: dict[str, Any] = {"prices": PRICES}
    if redis is not None:
        settings |= {
            "server": {"workers": 2},
            "state": {"redis": redis.url, "prefix": f"{secrets.token_hex(6)}:"},
        }
    return RunningGateway([account], settings=settings, data=data)


async def ask_all(gateway: RunningGateway, token: str, count: int, *, model: str) -> Counter[int]:
    """Send `count` requests at once; 0 counts those that were cut off."""
    connector = aiohttp.TCPConnector(limit=0, force_close=True)
    headers = {"authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession(connector=connector, headers=headers) as session:

        async def one(number: int) -> int:
            body = {"model": model, "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 50}
            try:
                async with session.post(
                    f"{gateway.openai_url}/chat/completions", json={**body, "stream": number % 2 == 0}
                ) as reply:
                    await reply.read()
                    return reply.status
            except (aiohttp.ClientError, OSError):
                return 0

        return Counter(await asyncio.gather(*(one(number) for number in range(count))))


def settled(gateway: RunningGateway) -> dict[str, Any]:
    """Return the only budget, once nothing is in flight any more."""
    deadline = time.monotonic() + 30
    while True:
        (budget,) = api(gateway, "/api/budgets")
        if not budget["held"]:
            return dict(budget)
        assert time.monotonic() < deadline, "a hold is stuck"
        time.sleep(0.1)


async def test_a_killed_gateway_forgets_no_cent_and_holds_nothing(tmp_path: Path) -> None:
    with ScriptedUpstream("openai_chat", keys=["key"], pace=Pace(headers=0.7)) as upstream:
        gateway = serving(upstream, data=tmp_path).start()
        token = make_key(gateway, "--budget", "60usd/day", "--hard")
        await ask_all(gateway, token, 20, model="plain-model")
        time.sleep(0.5)
        load = asyncio.ensure_future(ask_all(gateway, token, 100, model="fault-slow-headers"))
        while len(upstream.in_flight) < 15 and not load.done():
            await asyncio.sleep(0.02)
        gateway.kill()
        statuses = await load
        assert statuses[0] > 10, "the kill came too late"
        gateway.start()
        try:
            budget = settled(gateway)
            assert budget["uncertain"] > 0, "what was in its hands counts as spent"
            assert budget["spent"] + budget["uncertain"] <= budget["limit"]
            books = command(gateway, "usage", "verify")
            assert books["faults"] == 0, books
            assert books["exchanges"] >= 20
            while (await ask_all(gateway, token, 50, model="plain-model"))[200]:
                pass
            time.sleep(1)
            budget = settled(gateway)
            assert budget["spent"] + budget["uncertain"] <= budget["limit"]
            assert budget["spent"] == sum(
                line["charge_pusd"] for line in api(gateway, "/api/usage?group_by=total")
            )
            assert command(gateway, "usage", "verify")["faults"] == 0
            gateway.assert_no_complaints()
        finally:
            gateway.stop()


async def test_two_workers_share_a_hard_budget(redis_server: RedisServer) -> None:
    with (
        ScriptedUpstream("openai_chat", keys=["key"], pace=Pace(headers=0.3)) as upstream,
        serving(upstream, redis=redis_server) as gateway,
    ):
        token = make_key(gateway, "--budget", "100usd/day", "--hard")
        time.sleep(1.5)
        statuses: Counter[int] = Counter()
        for turn in range(6):
            load = asyncio.ensure_future(ask_all(gateway, token, 80, model="fault-slow-headers"))
            if turn == 2:
                await asyncio.sleep(0.4)
                os.kill(psutil.Process(gateway.pid).children()[0].pid, signal.SIGKILL)
            statuses += await load
        assert set(statuses) <= {0, 200, 402, 429}
        assert statuses[200] > 100
        time.sleep(1)
        budget = settled(gateway)
        assert 0 < budget["spent"] <= budget["limit"]
        assert budget["spent"] == sum(
            line["charge_pusd"] for line in api(gateway, "/api/usage?group_by=total")
        )
        assert command(gateway, "usage", "verify")["faults"] == 0
        gateway.assert_no_complaints()


async def test_without_redis_a_hard_budget_lets_nothing_pass_and_a_soft_one_goes_on() -> None:
    with (
        ScriptedUpstream("openai_chat", keys=["key"]) as upstream,
        RedisServer() as redis,
        serving(upstream, redis=redis) as gateway,
    ):
        hard = make_key(gateway, "--budget", "100usd/day", "--hard")
        soft = make_key(gateway, "--budget", "100usd/day", "--soft")
        time.sleep(1.5)
        assert await ask_all(gateway, hard, 10, model="plain-model") == {200: 10}
        redis.kill()
        assert await ask_all(gateway, soft, 10, model="plain-model") == {200: 10}
        assert await ask_all(gateway, hard, 10, model="plain-model") == {503: 10}
        redis.start()
        deadline = time.monotonic() + 20
        while (await ask_all(gateway, hard, 4, model="plain-model"))[200] < 4:
            assert time.monotonic() < deadline, gateway.log
        gateway.assert_no_complaints()


def test_sums_streams_and_bills_of_sessions() -> None:
    with ScriptedUpstream("openai_chat", keys=["key"]) as upstream, serving(upstream) as gateway:
        body = json.dumps({"model": "plain-model", "messages": [{"role": "user", "content": "hi"}]}).encode()
        started = int(time.time() * 1000) - 1_000
        for _ in range(3):
            headers = {"x-session-id": "s-1"}
            assert gateway.call("POST", "/v1/chat/completions", body=body, headers=headers)[0] == 200
        deadline = time.monotonic() + 20
        while api(gateway, "/api/usage?group_by=total")[0]["requests"] < 3:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        (line,) = api(gateway, "/api/usage?group_by=session")
        assert (line["group"], line["requests"]) == ("s-1", 3)
        table = api(gateway, "/api/usage.csv?group_by=session", raw=True).decode().splitlines()
        assert table[0].startswith("group,requests,")
        assert table[1].startswith("s-1,3,")
        bill = api(gateway, "/api/usage/sessions/s-1")
        assert bill["turns"] == 3
        assert bill["charge_pusd"] == line["charge_pusd"]
        assert bill["sentence"].startswith("The session cost $")
        assert len(settled_rows(gateway, since=started, count=3)) == 3
        gateway.assert_no_complaints()


def settled_rows(gateway: RunningGateway, *, since: int, count: int) -> list[dict[str, Any]]:
    """Return the first `count` rows of the live stream."""
    import http.client

    token = (gateway.data / "local.token").read_text().strip()
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=20)
    rows: list[dict[str, Any]] = []
    with contextlib.closing(connection):
        connection.request(
            "GET", f"/api/usage/stream?since={since}", headers={"authorization": f"Bearer {token}"}
        )
        answer = connection.getresponse()
        assert answer.headers["content-type"].startswith("text/event-stream")
        while len(rows) < count:
            line = answer.readline()
            assert line, "the stream ended"
            if line.startswith(b"data: "):
                rows.append(json.loads(line[6:]))
    return rows


def test_a_live_stream_does_not_keep_the_gateway_from_ending() -> None:
    import http.client

    with ScriptedUpstream("openai_chat", keys=["key"]) as upstream, serving(upstream) as gateway:
        token = (gateway.data / "local.token").read_text().strip()
        connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=60)
        with contextlib.closing(connection):
            connection.request("GET", "/api/usage/stream", headers={"authorization": f"Bearer {token}"})
            assert connection.getresponse().readline().startswith(b":")
            begun = time.monotonic()
            assert gateway.stop() == 0
            assert time.monotonic() - begun < 15
