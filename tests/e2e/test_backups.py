"""Backups of a gateway that serves: made while it does, put back when it starts the next time."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flowrouter.storage.schema import FILE_NAME
from tests.support.commands import run as run_command
from tests.support.full_store import contents_of
from tests.support.gateway import RunningGateway
from tests.upstreams import ScriptedUpstream

PATIENCE = 30.0


class House:
    """A gateway, the provider behind it, and the commands beside it."""

    def __init__(self, gateway: RunningGateway) -> None:
        self.gateway = gateway
        self.path = gateway.data / FILE_NAME

    def api(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        token = (self.gateway.data / "local.token").read_text().strip()
        headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
        sent = json.dumps(body).encode() if body is not None else None
        status, answer = self.gateway.call(method, path, body=sent, headers=headers)
        return status, json.loads(answer)

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        folder = self.gateway.data
        return run_command(*words, "--data", str(folder), "--config", str(folder / "config.toml"))

    def say(self, word: str) -> None:
        body = {"model": "chat/m", "messages": [{"role": "user", "content": word}]}
        status, answer = self.gateway.call("POST", "/v1/chat/completions", body=json.dumps(body).encode())
        assert status == 200, answer

    def logged(self) -> int:
        return len(self.api("GET", "/api/requests?limit=200")[1]["data"])

    def say_and_wait(self, word: str) -> None:
        before = self.logged()
        self.say(word)
        until(lambda: self.logged() == before + 1)


def until(come_true: Any) -> None:
    deadline = time.monotonic() + PATIENCE
    while not come_true():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.05)


@pytest.fixture
def upstream() -> Iterator[ScriptedUpstream]:
    with ScriptedUpstream(dialect="openai_chat", keys=["k"]) as upstream:
        yield upstream


def gateway_of(upstream: ScriptedUpstream, data: Path, **settings: Any) -> RunningGateway:
    account = {
        "name": "chat", "preset": "custom-openai", "base_url": upstream.openai_url, "api_key": "k", "models": ["*"],
    }  # fmt: skip
    return RunningGateway([account], settings=settings, data=data)


def test_made_while_it_serves_and_put_back(upstream: ScriptedUpstream, tmp_path: Path) -> None:
    gateway = gateway_of(upstream, tmp_path)
    house = House(gateway)
    with gateway:
        house.say_and_wait("before")
        status, made = house.api("POST", "/api/backups", {"note": "one request"})
        assert status == 201
        backup = made["data"]["id"]
        beside = house.run("backup", "create", "--json")
        assert beside.returncode == 0, beside.stderr
        then = contents_of(tmp_path / "backups" / backup / FILE_NAME)
        assert len(then["requests"]) == 1
        house.say_and_wait("after")

        refused = house.run("backup", "restore", backup, "--yes")
        assert refused.returncode == 1
        assert "is in use" in refused.stderr
        house.say_and_wait("it serves on")

        status, staged = house.api("POST", f"/api/backups/{backup}/restore", {})
        assert status == 202
        assert "restart" in staged["notices"][0]
        assert house.logged() == 3, "nothing has changed yet"
        gateway.stop()
        gateway.start()
        assert house.logged() == 1
        _, listed = house.api("GET", "/api/backups")
        kinds = [row["kind"] for row in listed["data"]]
        assert kinds == ["before-restore", "manual", "manual"]
        assert not any(row["staged"] for row in listed["data"])
        _, audit = house.api("GET", "/api/audit")
        assert audit["data"][0]["action"] == "restore_backup"
        house.say_and_wait("and it is alive")
        kept = listed["data"][0]["id"]
        gateway.stop()

        back = house.run("backup", "restore", kept, "--yes")
        assert back.returncode == 0, back.stderr
        gateway.start()
        assert house.logged() == 3
        gateway.assert_no_complaints()


def test_after_a_crash(upstream: ScriptedUpstream, tmp_path: Path) -> None:
    """What a killed gateway leaves behind (its note that it serves, its log of writes) is no hindrance."""
    gateway = gateway_of(upstream, tmp_path)
    house = House(gateway)
    with gateway:
        house.say_and_wait("before")
        backup = house.api("POST", "/api/backups", {})[1]["data"]["id"]
        house.say_and_wait("after")
        gateway.kill()
        done = house.run("backup", "restore", backup, "--yes")
        assert done.returncode == 0, done.stderr
        gateway.start()
        assert house.logged() == 1


def test_a_restore_that_fails_is_told_and_the_gateway_starts(
    upstream: ScriptedUpstream, tmp_path: Path
) -> None:
    gateway = gateway_of(upstream, tmp_path)
    house = House(gateway)
    with gateway:
        house.say_and_wait("kept")
        backup = house.api("POST", "/api/backups", {})[1]["data"]["id"]
        assert house.api("POST", f"/api/backups/{backup}/restore", {})[0] == 202
        gateway.stop()
        (tmp_path / "backups" / backup / FILE_NAME).write_bytes(b"torn")
        gateway.start()
        assert house.logged() == 1
        _, listed = house.api("GET", "/api/backups")
        assert "nothing was changed" in listed["notices"][0]
        assert "was not put back" in gateway.log


def test_made_by_itself(upstream: ScriptedUpstream, tmp_path: Path) -> None:
    schedule = {"every_hours": 0.0003, "keep": 2, "folder": "elsewhere"}
    with gateway_of(upstream, tmp_path, backups=schedule) as gateway:
        house = House(gateway)
        folder = tmp_path / "elsewhere"
        until(lambda: folder.exists() and len(list(folder.glob("scheduled-*"))) >= 2)
        first = min(path.name for path in folder.glob("scheduled-*"))
        until(lambda: not (folder / first).exists())
        assert house.api("GET", "/api/backups")[1]["data"][0]["kind"] == "scheduled"
        gateway.assert_no_complaints()


def test_none_by_itself_right_after_the_start(upstream: ScriptedUpstream, tmp_path: Path) -> None:
    with gateway_of(upstream, tmp_path) as gateway:
        House(gateway).say_and_wait("x")
        assert not (tmp_path / "backups").exists()
