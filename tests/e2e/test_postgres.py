"""A started gateway whose store is PostgreSQL: everything as on SQLite, also while the database is away."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.commands import run as run_command
from tests.support.gateway import RunningGateway
from tests.support.postgres_server import IN_URL, PASSWORD, PostgresServer
from tests.upstreams import ScriptedUpstream

pytestmark = [
    pytest.mark.skipif(os.name == "nt", reason="THE POSTGRESQL OUT OF A WHEEL needs a POSIX system"),
    pytest.mark.timeout(240),
]
PRICES = {"*": {"input": 1_000, "output": 10_000}}
KEY = "ab" * 32
OTHER_KEY = "cd" * 32


@pytest.fixture(scope="module")
def upstream() -> Iterator[ScriptedUpstream]:
    with ScriptedUpstream("openai_chat", keys=["key"]) as upstream:
        yield upstream


@pytest.fixture
def url(postgres_server: PostgresServer) -> Iterator[str]:
    url = postgres_server.fresh()
    yield url
    postgres_server.drop(url)


def gateway_on(
    url: str, upstream: ScriptedUpstream, *, data: Path | None = None, key: str = ""
) -> RunningGateway:
    account = {
        "name": "a", "preset": "custom-openai", "base_url": upstream.openai_url, "api_key": "key", "models": ["*"],
    }  # fmt: skip
    environ = {"FLOW_ROUTER_STORE_URL": url} | ({"FLOW_ROUTER_MASTER_KEY": key} if key else {})
    return RunningGateway([account], settings={"prices": PRICES}, data=data, environ=environ)


def run(gateway: RunningGateway, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return run_command(*words, "--data", str(gateway.data), environ={**gateway._environ, **environ})


def told(gateway: RunningGateway, *words: str) -> Any:
    done = run(gateway, *words, "--json")
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


def api(
    gateway: RunningGateway, path: str, given: dict[str, Any] | None = None, *, method: str = "GET"
) -> Any:
    token = (gateway.data / "local.token").read_text().strip()
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    body = None if given is None else json.dumps(given).encode()
    status, answer = gateway.call("POST" if given else method, path, body=body, headers=headers)
    assert status in (200, 201), answer
    return json.loads(answer)["data"]


def refused(gateway: RunningGateway, path: str, given: dict[str, Any] | None = None) -> int:
    token = (gateway.data / "local.token").read_text().strip()
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    body = None if given is None else json.dumps(given).encode()
    return gateway.call("POST" if given else "GET", path, body=body, headers=headers)[0]


def make_key(gateway: RunningGateway, name: str) -> str:
    return str(api(gateway, "/api/keys", {"name": name})["token"])


def ask(gateway: RunningGateway, token: str, text: str = "Hello") -> tuple[int, bytes]:
    body = {"model": "m", "messages": [{"role": "user", "content": text}], "max_tokens": 50}
    return gateway.call(
        "POST", "/v1/chat/completions", body=json.dumps(body).encode(), headers={
            "authorization": f"Bearer {token}", "content-type": "application/json",
        },
    )  # fmt: skip


def until(condition: Callable[[], bool], what: str, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


def test_everything_is_as_on_sqlite(url: str, upstream: ScriptedUpstream, tmp_path: Path) -> None:
    with gateway_on(url, upstream, data=tmp_path) as gateway:
        token = str(told(gateway, "keys", "create", "first")["key"])
        until(lambda: ask(gateway, token)[0] == 200, "the key is known within a second or so")
        poor = str(told(gateway, "keys", "create", "poor", "--budget", "0.000001/day")["key"])
        until(lambda: ask(gateway, poor)[0] == 402, "a budget that is used up refuses")
        until(lambda: any(row["status"] == 402 for row in api(gateway, "/api/requests")), "rows arrive")
        (row, *_) = [row for row in api(gateway, "/api/requests") if row["status"] == 200]
        assert api(gateway, f"/api/requests/{row['id']}")["id"] == row["id"]
        status, receipt = gateway.get(f"/v1/receipts/{row['id']}", {"authorization": f"Bearer {token}"})
        assert (status, row["id"] in receipt.decode()) == (200, True)
        assert api(gateway, "/api/usage")
        assert refused(gateway, "/api/keys", {"name": "nul \0"}) == 400
        assert refused(gateway, "/api/requests?model=%00") in (200, 400)
        assert json.loads(gateway.get("/readyz")[1])["store"] == {"kept_in": "postgresql"}
        spent = told(gateway, "usage", "verify")
        assert spent["faults"] == 0, spent
    assert not list(tmp_path.glob("*.sqlite*")), "nothing is kept in a file"
    with gateway_on(url, upstream, data=tmp_path) as gateway:
        assert ask(gateway, token)[0] == 200
        assert ask(gateway, poor)[0] == 402
        assert len(api(gateway, "/api/keys")) == 2
        doctor = run(gateway, "doctor", "--config", str(tmp_path / "config.toml"))
        assert "is sound" in doctor.stdout, doctor.stdout + doctor.stderr
        rotated = run(gateway, "vault", "rotate")
        assert rotated.returncode == 0, rotated.stderr
        assert ask(gateway, token)[0] == 200
        assert told(gateway, "usage", "verify")["faults"] == 0
        for text in (gateway.log, doctor.stdout, doctor.stderr, rotated.stdout, rotated.stderr):
            assert PASSWORD not in text
            assert IN_URL not in text


def test_two_machines_are_one_gateway(url: str, upstream: ScriptedUpstream, tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    with gateway_on(url, upstream, data=one, key=KEY) as first:
        stranger = gateway_on(url, upstream, data=two, key=OTHER_KEY)
        with pytest.raises(AssertionError, match="one key: set the same FLOW_ROUTER_MASTER_KEY on each"):
            stranger.start()
        with pytest.raises(AssertionError, match="which this machine does not have"):
            gateway_on(url, upstream, data=two).start()
        with gateway_on(url, upstream, data=two, key=KEY) as second:
            token = make_key(first, "k")
            make_key(second, "that stays")
            until(lambda: ask(second, token)[0] == 200, "the other machine knows the key")
            assert ask(first, token)[0] == 200
            key_id = next(key["id"] for key in api(second, "/api/keys") if key["name"] == "k")
            api(second, f"/api/keys/{key_id}", method="DELETE")
            until(lambda: ask(first, token)[0] == 401, "the revocation is known")
            until(lambda: len(api(first, "/api/requests")) >= 2, "both log into one book")
            assert told(first, "usage", "verify")["faults"] == 0


def test_an_outage_is_nobodys_error(upstream: ScriptedUpstream, tmp_path: Path) -> None:
    statuses: list[int] = []
    slowest = 0.0
    ended = threading.Event()
    with PostgresServer() as server, gateway_on(server.durable(), upstream, data=tmp_path) as gateway:
        token = make_key(gateway, "k")
        assert ask(gateway, token)[0] == 200, "a key made through /api is known at once"
        before = len(api(gateway, "/api/requests?limit=200"))

        def traffic() -> None:
            nonlocal slowest
            while not ended.is_set():
                began = time.monotonic()
                statuses.append(ask(gateway, token)[0])
                slowest = max(slowest, time.monotonic() - began)
                time.sleep(0.05)

        thread = threading.Thread(target=traffic)
        thread.start()
        for end in (server.stop, server.kill):
            until(lambda: bool(statuses), "traffic flows")
            end()
            sent = len(statuses)
            until(lambda: _age(gateway) > 0, "the age of the snapshot is told")
            until(lambda sent=sent: len(statuses) > sent + 20, "requests go on without the store")
            assert run(gateway, "keys", "list").returncode != 0
            server.start()
            until(lambda: _age(gateway) == 0, "the store is found again")
        ended.set()
        thread.join()
        assert set(statuses) == {200}
        until(lambda: _logged(server) >= before + len(statuses), "rows arrive from the journal")
        found = told(gateway, "usage", "verify")
        assert (found["faults"], found["exchanges"]) == (0, _logged(server)), found
        assert json.loads(gateway.get("/readyz")[1])["log"]["lost"] == 0
        gateway.assert_no_complaints()


def _age(gateway: RunningGateway) -> float:
    return float(json.loads(gateway.get("/readyz")[1])["snapshot_age_s"])


def _logged(server: PostgresServer) -> int:
    return int(server.run("SELECT count(*) FROM requests", database="flow_router_1")[0][0])
