"""The event loop waits for no disk, no look-up and no import: what one request asks for must not hold up another."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import accounts
from tests.support.gateway import RunningGateway
from tests.support.loop_watch import WATCH
from tests.upstreams import ScriptedUpstream

pytestmark = pytest.mark.skipif(os.name == "nt", reason="THE WATCH begins and ends by POSIX signals")

SETTINGS = {
    "recording": {"mode": "all"},
    "budgets": {"everybody": {"amount": 100, "mode": "hard", "unpriced": "allow"}},
    "logs": {"level": "info", "access": True},
}
MESSAGES = [{"role": "user", "content": "Hello"}]
TOOLS = [
    {
        "type": "function",
        "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {}}},
    }
]


class Watched:
    """A gateway under watch, and what the watch has told."""

    def __init__(self, gateway: RunningGateway, told: Path) -> None:
        self.gateway = gateway
        self.told = told
        token = (gateway.data / "local.token").read_text().strip()
        self._admin = {"authorization": f"Bearer {token}", "content-type": "application/json"}
        made = json.loads(self.manage("/api/keys", {"name": "watched"}))
        self._key = {"authorization": f"Bearer {made['data']['token']}", "content-type": "application/json"}

    def ask(self, path: str, body: object) -> bytes:
        status, answer = self.gateway.call("POST", path, body=json.dumps(body).encode(), headers=self._key)
        assert status == 200, answer
        return answer

    def manage(self, path: str, body: object = None, *, method: str = "") -> bytes:
        given = b"" if body is None else json.dumps(body).encode()
        method = method or ("GET" if body is None else "POST")
        status, answer = self.gateway.call(method, path, body=given or None, headers=self._admin)
        assert status in (200, 201, 204), (path, answer)
        return answer

    def converse(self) -> None:
        """Ask for each kind of answer once."""
        for stream in (False, True):
            chat = {"messages": MESSAGES, "stream": stream}
            self.ask("/v1/chat/completions", {"model": "chat/plain-model", **chat})
            self.ask("/v1/chat/completions", {"model": "claude/plain-model", "tools": TOOLS, **chat})
            self.ask("/v1/messages", {"model": "claude/plain-model", "max_tokens": 9, **chat})
            self.ask("/v1/messages", {"model": "chat/plain-model", "max_tokens": 9, **chat})
            self.ask("/v1/responses", {"model": "chat/plain-model", "input": "Hello", "stream": stream})
        self.ask(
            "/v1beta/models/chat%2Fplain-model:generateContent", {"contents": [{"parts": [{"text": "Hi"}]}]}
        )
        self.ask("/v1/messages/count_tokens", {"model": "claude/plain-model", "messages": MESSAGES})
        for path in ("/v1/models", "/healthz", "/readyz"):
            assert self.gateway.get(path, self._key)[0] == 200

    def manage_all(self) -> None:
        """Ask for everything that is shown, and change something."""
        for path in ("/", "/metrics"):
            assert self.gateway.get(path, self._admin)[0] == 200
        for path in (
            "accounts", "presets", "keys", "requests", "requests.csv", "usage?group_by=model", "usage/summary", "usage/flow",
            "usage/sessions", "quotas", "budgets", "health/targets", "rules", "models", "combos", "aliases", "prices", "tags",
            "settings", "export", "login", "me", "users", "sessions", "audit", "backups", "logs", "status", "about",
            "openapi.json", "plan?model=chat%2Fplain-model&dialect=openai_chat",
        ):  # fmt: skip
            self.manage(f"/api/{path}")
        made = json.loads(self.manage("/api/keys", {"name": "another"}))
        self.manage(f"/api/keys/{made['data']['id']}", method="DELETE")

    def watch(self, number: signal.Signals) -> None:
        os.kill(self.gateway.pid, number)
        self.gateway.get("/healthz")


@pytest.fixture
def watched(
    chat_upstream: ScriptedUpstream, claude_upstream: ScriptedUpstream, tmp_path: Path
) -> Iterator[Watched]:
    told = tmp_path / "blocking.txt"
    with RunningGateway(
        accounts(chat_upstream, claude_upstream),
        settings=SETTINGS,
        environ={WATCH: str(told)},
        program="tests.support.loop_watch",
    ) as gateway:
        yield Watched(gateway, told)


def test_no_request_keeps_the_loop_waiting(watched: Watched) -> None:
    time.sleep(3)  # what requests need is loaded in threads just after the start
    watched.watch(signal.SIGUSR1)
    watched.converse()
    watched.watch(signal.SIGUSR2)
    watched.manage_all()  # its framework is loaded when first wanted
    watched.watch(signal.SIGUSR1)
    watched.manage_all()
    watched.converse()
    watched.watch(signal.SIGUSR2)
    watched.gateway.assert_no_complaints()
    assert not watched.told.exists(), watched.told.read_text()


def test_the_watch_sees_what_blocks(tmp_path: Path) -> None:
    told = tmp_path / "blocking.txt"
    program = f"""
import asyncio, os, pathlib, signal, sqlite3, sys, time
sys.path.insert(0, {str(Path.cwd())!r})
from tests.support import loop_watch
watch = loop_watch.Watch(pathlib.Path({str(told)!r}))

async def work():
    with sqlite3.connect(":memory:") as store:
        watch.begin()
        store.execute("SELECT 1")
        time.sleep(0.001)
        open({str(told)!r} + "2", "w").close()
        await asyncio.to_thread(time.sleep, 0.001)
        await asyncio.sleep(0)
        watch.end()

asyncio.run(work())
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
    seen = [
        line.partition(" on the loop")[0] for line in told.read_text().splitlines() if " on the loop:" in line
    ]
    assert seen[:3] == ["Connection.execute", "sleep", "open"]
    assert seen.count("sleep") == 1
