"""Several workers as one gateway: limits, turns and sessions are shared, and a death is nobody's error."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import aiohttp
import psutil
import pytest

from tests.support.crowd import CROWD
from tests.support.gateway import RunningGateway, free_port
from tests.support.redis_server import RedisServer
from tests.upstreams import ScriptedUpstream
from tests.upstreams.faults import Pace
from tests.upstreams.received import Received

pytestmark = [
    pytest.mark.skipif(os.name == "nt", reason="SEVERAL WORKERS need a POSIX system"),
    pytest.mark.timeout(240),
]
KEYS = [f"key-{number}" for number in range(5)]
LIMIT = 6


@pytest.fixture
def upstream() -> Iterator[ScriptedUpstream]:
    with ScriptedUpstream("openai_chat", keys=KEYS, pace=Pace(headers=0.04)) as upstream:
        yield upstream


def accounts(upstream: ScriptedUpstream, *, limit: int) -> list[dict[str, Any]]:
    return [
        {
            "name": f"a{number}",
            "preset": "custom-openai",
            "base_url": upstream.openai_url,
            "api_key": key,
            "models": ["*"],
            "max_concurrency": limit,
        }
        for number, key in enumerate(KEYS)
    ]


def workers(
    redis: RedisServer, upstream: ScriptedUpstream, *, limit: int, given: list[dict[str, Any]] | None = None
) -> RunningGateway:
    settings = {
        "server": {"workers": 2},
        # Patient, since a machine full of tests may let Redis wait; a killed one refuses at once all the same.
        "state": {"redis": redis.url, "prefix": f"{secrets.token_hex(6)}:", "timeout": 5.0},
        "routing": {"rotation": "round_robin", "wait": 120},
        "timeouts": {"wait": 120.0},
    }
    return RunningGateway(given or accounts(upstream, limit=limit), settings=settings)


def pids(gateway: RunningGateway) -> list[int]:
    return sorted(child.pid for child in psutil.Process(gateway.pid).children())


def both_answer(gateway: RunningGateway, *, besides: set[int] | None = None) -> None:
    """Wait until both workers take connections, each in a process that is not one of `besides`."""
    deadline = time.monotonic() + 60
    seen: set[int] = set()
    while seen != {0, 1} or (besides or set()) & set(pids(gateway)):
        assert time.monotonic() < deadline, gateway.log
        with contextlib.suppress(OSError):
            seen.add(json.loads(gateway.get("/readyz")[1])["worker"]["index"])
        time.sleep(0.02)


async def ask_all(gateway: RunningGateway, count: int, *, model: str) -> Counter[int]:
    """Send `count` requests at once, each over a connection of its own, and count the statuses."""
    connector = aiohttp.TCPConnector(limit=0, force_close=True)
    body = {"model": model, "messages": [{"role": "user", "content": "Hello"}]}
    async with aiohttp.ClientSession(connector=connector) as session:

        async def one() -> int:
            async with session.post(f"{gateway.openai_url}/chat/completions", json=body) as reply:
                await reply.read()
                return reply.status

        return Counter(await asyncio.gather(*(one() for _ in range(count))))


def most_at_once(calls: list[Received]) -> int:
    """Return how many of `calls` were in flight together, as the upstream saw it."""
    changes = sorted(
        [(call.at, 1) for call in calls]
        + [(call.ended_at, -1) for call in calls if call.ended_at is not None]
    )
    running = most = 0
    for _, change in changes:
        running += change
        most = max(most, running)
    return most


async def test_limits_hold_over_two_workers(redis_server: RedisServer, upstream: ScriptedUpstream) -> None:
    with workers(redis_server, upstream, limit=LIMIT) as gateway:
        both_answer(gateway)
        assert await ask_all(gateway, CROWD, model="fault-slow-headers") == {200: CROWD}
        gateway.assert_no_complaints()
    assert len(upstream.calls) == CROWD
    for number, key in enumerate(KEYS):
        calls = [call for call in upstream.calls if call.header("authorization") == f"Bearer {key}"]
        assert LIMIT // 2 < most_at_once(calls) <= LIMIT, f"a{number}"


async def test_turns_are_exact_over_two_workers(
    redis_server: RedisServer, upstream: ScriptedUpstream
) -> None:
    with workers(redis_server, upstream, limit=CROWD) as gateway:
        both_answer(gateway)
        assert await ask_all(gateway, CROWD, model="plain-model") == {200: CROWD}
        gateway.assert_no_complaints()
    assert Counter(call.header("authorization") for call in upstream.calls) == {
        f"Bearer {key}": CROWD // len(KEYS) for key in KEYS
    }


async def test_redis_may_die_under_load(upstream: ScriptedUpstream) -> None:
    with RedisServer() as redis, workers(redis, upstream, limit=50) as gateway:
        both_answer(gateway)
        statuses: Counter[int] = Counter()
        ended = asyncio.Event()

        async def load() -> None:
            while not ended.is_set():
                statuses.update(await ask_all(gateway, 10, model="plain-model"))
                await asyncio.sleep(0.05)

        async with asyncio.TaskGroup() as running:
            running.create_task(load())
            running.create_task(load())
            for _ in range(2):
                await asyncio.sleep(1)
                redis.kill()
                await asyncio.to_thread(wait_for_state, gateway, away=True)
                await asyncio.sleep(0.5)
                redis.start()
                await asyncio.to_thread(wait_for_state, gateway, away=False)
            ended.set()
        assert set(statuses) == {200}
        assert statuses[200] > 50
        assert gateway.log.count("shared state is away") == 4  # once for each worker and outage
        gateway.assert_no_complaints()


def wait_for_state(gateway: RunningGateway, *, away: bool) -> None:
    """Wait until both workers say so."""
    deadline = time.monotonic() + 60
    seen: set[int] = set()
    while seen != {0, 1}:
        assert time.monotonic() < deadline, gateway.log
        told = json.loads(gateway.get("/readyz")[1])
        if (told["state"]["away_s"] is not None) == away:
            seen.add(told["worker"]["index"])
        else:
            seen.discard(told["worker"]["index"])
        time.sleep(0.02)


async def test_a_worker_that_dies_is_replaced(redis_server: RedisServer, upstream: ScriptedUpstream) -> None:
    with workers(redis_server, upstream, limit=50) as gateway:
        both_answer(gateway)
        first = pids(gateway)
        for pid in first:
            os.kill(pid, signal.SIGKILL)
            await asyncio.to_thread(both_answer, gateway, besides={pid})
        assert not set(first) & set(pids(gateway))
        assert await ask_all(gateway, 50, model="plain-model") == {200: 50}
        assert gateway.log.count("a worker ended; another one starts") == 2
        assert gateway.log.count("is listening on") == 1
        assert gateway.stop() == 0


async def test_requests_in_flight_end_before_the_workers(redis_server: RedisServer) -> None:
    with (
        ScriptedUpstream("openai_chat", keys=KEYS, pace=Pace(headers=2.0)) as slow,
        workers(redis_server, slow, limit=50) as gateway,
    ):
        both_answer(gateway)
        asked = asyncio.ensure_future(ask_all(gateway, 20, model="fault-slow-headers"))
        while len(slow.in_flight) < 20:
            await asyncio.sleep(0.02)
        assert await asyncio.to_thread(gateway.stop) == 0
        assert await asked == {200: 20}
    assert not [pid for pid in pids_of(gateway) if psutil.pid_exists(pid)]


def pids_of(gateway: RunningGateway) -> list[int]:
    return [
        process.pid
        for process in psutil.process_iter(["cmdline"])
        if str(gateway.data) in " ".join(process.info["cmdline"] or ())
    ]


async def test_no_worker_outlives_its_parent(redis_server: RedisServer, upstream: ScriptedUpstream) -> None:
    gateway = workers(redis_server, upstream, limit=50)
    with gateway:
        both_answer(gateway)
        left = pids(gateway)
        gateway.kill()
        gone, alive = await asyncio.to_thread(
            psutil.wait_procs, [psutil.Process(pid) for pid in left if psutil.pid_exists(pid)], 30
        )
        assert not alive, gone


async def test_the_browsers_link_works_once_at_any_worker(
    redis_server: RedisServer, upstream: ScriptedUpstream
) -> None:
    with workers(redis_server, upstream, limit=50) as gateway:
        both_answer(gateway)
        found = re.search(r"/\?token=(\w+)", gateway.log)
        assert found
        seen = [gateway.get(f"/?token={found[1]}")[0] for _ in range(8)]
        assert seen == [303] + [401] * 7


async def test_an_account_added_at_one_worker_is_known_to_all(
    redis_server: RedisServer, upstream: ScriptedUpstream
) -> None:
    with workers(redis_server, upstream, limit=50) as gateway:
        both_answer(gateway)
        token = (gateway.data / "local.token").read_text().strip()
        draft = {
            "name": "late",
            "preset": "custom-openai",
            "base_url": upstream.openai_url,
            "api_key": KEYS[0],
            "models": ["late-model"],
        }
        status, answer = gateway.call(
            "POST",
            "/api/accounts",
            body=json.dumps(draft).encode(),
            headers={"authorization": f"Bearer {token}"},
        )
        assert status == 201, answer
        await asyncio.sleep(3)  # the others look once a second
        assert await ask_all(gateway, 30, model="late/late-model") == {200: 30}


class TokenEndpoint:
    """Grants tokens that live for `LIFE` seconds, each for the refresh token that came with the one before."""

    LIFE = 5

    def __init__(self) -> None:
        self.granted: dict[str, list[float]] = {}
        self.refused = 0
        endpoint = self

        class Answers(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                form = parse_qs(self.rfile.read(int(self.headers["content-length"])).decode())
                status, answer = endpoint.answer(form["refresh_token"][0])
                body = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
        self.url = f"http://127.0.0.1:{self._server.server_port}/token"

    def answer(self, refresh_token: str) -> tuple[int, dict[str, object]]:
        name, _, number = refresh_token.rpartition("/")
        with self._lock:
            times = self.granted.setdefault(name, [])
            if int(number) != len(times):
                self.refused += 1
                return 400, {"error": "invalid_grant"}
            times.append(time.monotonic())
        time.sleep(0.3)  # long enough for everybody else to come
        return 200, {
            "access_token": f"{name}/{len(times)}",
            "refresh_token": f"{name}/{len(times)}",
            "token_type": "Bearer",
            "expires_in": self.LIFE,
        }

    def __enter__(self) -> TokenEndpoint:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


async def test_one_refresh_per_expired_credential_over_two_workers(redis_server: RedisServer) -> None:
    names = ("red", "blue")
    with (
        TokenEndpoint() as endpoint,
        ScriptedUpstream(
            "openai_chat", keys=[f"{name}/{turn}" for name in names for turn in range(1, 20)]
        ) as vendor,
    ):
        gateway = workers(redis_server, vendor, limit=500, given=[
            {
                "name": name,
                "preset": "custom-openai",
                "base_url": vendor.openai_url,
                "models": ["*"],
                "oauth": {"token_url": endpoint.url, "client_id": name, "refresh_token": f"{name}/0"},
            }
            for name in names
        ])  # fmt: skip
        with gateway:
            both_answer(gateway)
            ends = time.monotonic() + 3 * endpoint.LIFE
            statuses: Counter[int] = Counter()
            while time.monotonic() < ends:
                statuses.update(await ask_all(gateway, 30, model="plain-model"))
                await asyncio.sleep(0.2)
            gateway.assert_no_complaints()
        assert set(statuses) == {200}
        assert endpoint.refused == 0
        for name in names:
            times = endpoint.granted[name]
            assert len(times) >= 3
            # Nobody asked for a new one while there was one that had most of its life before it.
            assert min(later - earlier for earlier, later in pairwise(times)) > endpoint.LIFE / 2


def refusal(data: Path, *words: str, **variables: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "flowrouter.cli.main", "serve", "--workers", "2", "--data", str(data), *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **variables},
    )
    return done.returncode, done.stderr


def test_workers_without_redis_are_refused(tmp_path: Path) -> None:
    code, said = refusal(tmp_path)
    assert code == 2
    assert "[state]" in said
    assert "--workers 1" in said


def test_a_wrong_password_ends_the_start(tmp_path: Path) -> None:
    with RedisServer(password="right") as redis:
        address = f"redis://:wrong-battery@127.0.0.1:{redis.port}/0"
        code, said = refusal(tmp_path, "--port", str(free_port()), FLOW_ROUTER_STATE_REDIS=address)
    assert code == 3
    assert "does not let the gateway in" in said
    assert "battery" not in said


def test_what_the_first_worker_refuses_ends_the_start(tmp_path: Path) -> None:
    words = ("--host", "0.0.0.0", "--port", str(free_port()))
    code, said = refusal(tmp_path, *words, FLOW_ROUTER_STATE_REDIS="redis://127.0.0.1:1/0")
    assert code == 2
    assert said.count("flow-router keys create NAME") == 1


def test_the_embedded_model_wants_one_worker(tmp_path: Path) -> None:
    code, said = refusal(tmp_path, "--local", FLOW_ROUTER_STATE_REDIS="redis://127.0.0.1:1/0")
    assert code == 2
    assert "single worker" in said
