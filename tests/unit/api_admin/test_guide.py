"""The examples of docs/api.md: each command is run, and each answer shown is one of its kind."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import msgspec
import pytest
from starlette.testclient import TestClient

from flowrouter.accounts.account import Account
from flowrouter.config import Models
from flowrouter.gateway.exchange import Exchange, Inbound
from flowrouter.gateway.recording import Room, Tape
from flowrouter.httpkit.keys import LOCAL_OWNER
from flowrouter.settings.recording import Recording
from flowrouter.storage import RecordingWriter
from tests.contracts.fakes import request_row
from tests.unit.api_admin.conftest import TOKEN, Gateway

GUIDE = Path(__file__).parents[3] / "docs" / "api.md"
_BLOCK = re.compile(r"^```(sh|json)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def examples() -> list[tuple[str, Any]]:
    """Return each curl command with the answer shown right after it, if one is."""
    text = GUIDE.read_text("utf-8")
    found: list[tuple[str, Any]] = []
    end = 0
    for block in _BLOCK.finditer(text):
        if block[1] == "sh" and block[2].startswith("curl"):
            found.append((block[2], None))
        elif block[1] == "json" and not text[end : block.start()].strip() and found:
            found[-1] = (found[-1][0], json.loads(block[2]))
        end = block.end()
    return found


def send(client: TestClient, command: str, variables: dict[str, str]) -> Any:
    """Do what curl would do."""
    for name, value in variables.items():
        command = re.sub(rf"\${name}\b", value, command)
    assert "$" not in command, command
    words = iter(shlex.split(command.replace("\\\n", " ")))
    assert next(words) == "curl"
    method, url, body, headers = "", "", None, {}
    for word in words:
        match word:
            case "-X":
                method = next(words)
            case "-H":
                name, _, value = next(words).partition(":")
                headers[name] = value.strip()
            case "-d":
                body = next(words)
            case _:
                assert word.startswith("http"), word
                url = word
    return client.request(method or ("POST" if body else "GET"), url, headers=headers, content=body)


def unlike(shown: Any, real: Any, at: str = "$") -> list[str]:
    """Return where `real` has other members, or values of another kind, than `shown`."""
    if isinstance(shown, dict) and isinstance(real, dict):
        if shown.keys() != real.keys():
            return [f"{at}: {sorted(shown.keys() ^ real.keys())}"]
        return [each for name in shown for each in unlike(shown[name], real[name], f"{at}.{name}")]
    if isinstance(shown, list) and isinstance(real, list):
        return [each for one in real[:1] for each in unlike(shown[0], one, f"{at}[0]")] if shown else []
    kinds = {type(shown), type(real)}
    return [] if len(kinds) == 1 or kinds <= {int, float} or type(None) in kinds else [f"{at}: {kinds}"]


def record(gateway: Gateway, request_id: str) -> None:
    """Keep the bodies of a request."""
    inbound = Inbound(
        request_id=request_id, dialect="openai_chat", operation="generate", endpoint="/v1/chat/completions",
        headers={}, body=b'{"model":"gpt-x"}', wall=gateway.clock.now(), started=gateway.clock.monotonic(),
    )  # fmt: skip
    tape = Tape(Exchange(inbound), Recording(mode="all"), room=Room(), clock=gateway.clock)
    tape.ended = True
    shelf = RecordingWriter(gateway.store.place, gateway.store.vault, clock=gateway.clock)
    assert shelf.put(tape)
    assert shelf.drain(30.0)


def test_examples_run(gateway: Gateway) -> None:
    gateway = Gateway(gateway.store, msgspec.structs.replace(gateway.config, models=Models()), gateway.clock)
    gateway.writer.start()
    client = gateway.client()
    bearer = {"authorization": f"Bearer {TOKEN}"}
    ids = [
        client.post("/api/accounts", headers=bearer, json=body).json()["data"]["id"]
        for body in (
            {"name": "mine", "preset": "openai", "api_key": "sk-example-0123456789", "models": ["gpt-x"]},
            {"name": "other", "preset": "ollama"},
            {"name": "third", "preset": "groq", "api_key": "gsk-example-0123456789", "models": ["gpt-x"]},
        )
    ]
    found = Account(
        id="found:lmstudio", name="lmstudio", preset="lmstudio", owner_id=LOCAL_OWNER, source="found"
    )
    gateway.configuration.provide("discovery", lambda *_: [found])
    key = client.post("/api/keys", headers=bearer, json={"name": "old"}).json()["data"]["id"]
    gateway.writer.record(request_row(1, cost_pusd=1_500_000))
    assert gateway.writer.drain(30.0)
    record(gateway, "req_00000001")
    variables = {
        "GATEWAY": "http://127.0.0.1:2402",
        "TOKEN": TOKEN,
        "ACCOUNT": ids[0],
        "OTHER_ACCOUNT": ids[1],
        "FOUND": found.id,
        "KEY": key,
        "BACKUP": client.post("/api/backups", headers=bearer, json={}).json()["data"]["id"],
        "REQUEST": "req_00000001",
    }
    commands = examples()
    assert len(commands) > 12
    for command, shown in commands:
        reply = send(client, command, variables)
        assert reply.is_success, (command, reply.text)
        if shown is not None:
            shown.pop("notices", None)
            real = {name: value for name, value in reply.json().items() if name != "notices"}
            assert unlike(shown, real) == [], command
    gateway.close()


@pytest.mark.parametrize(
    ("shown", "real", "count"),
    [
        ({"a": 1}, {"a": 2}, 0),
        ({"a": 1}, {"b": 1}, 1),
        ([{"a": 1}], [{"a": "x"}], 1),
        ({"a": None}, {"a": 1}, 0),
    ],
)
def test_differences_are_seen(shown: Any, real: Any, count: int) -> None:
    assert len(unlike(shown, real)) == count
