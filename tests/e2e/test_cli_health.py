"""`health` and `explain` beside a running gateway: what only it knows, in another process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.gateway import RunningGateway
from tests.upstreams import ScriptedUpstream

ASK = json.dumps({"model": "team", "messages": [{"role": "user", "content": "hi"}]}).encode()


@pytest.fixture(scope="module")
def gateway(chat_upstream: ScriptedUpstream) -> Iterator[RunningGateway]:
    accounts = [
        {"name": name, "preset": "custom-openai", "base_url": chat_upstream.openai_url, "api_key": key, "models": ["m"]}
        for name, key in (("good", "chat-key"), ("refused", "no-such-key"))
    ]  # fmt: skip
    combo = {"strategy": "round_robin", "members": [{"model": "refused/m"}, {"model": "good/m"}]}
    with RunningGateway(accounts, settings={"routing": {"combos": {"team": combo}}}) as running:
        yield running


def run(gateway: RunningGateway, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "flowrouter.cli.main", *arguments, "--data", str(gateway.data)]
    environ = {**os.environ, "FLOW_ROUTER_SERVER_PORT": str(gateway.port)}
    return subprocess.run(command, input=stdin, capture_output=True, check=False, timeout=60, env=environ)


def told(gateway: RunningGateway, *arguments: str, stdin: bytes = b"") -> Any:
    done = run(gateway, *arguments, "--json", stdin=stdin)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_what_was_learned_and_who_pauses(gateway: RunningGateway) -> None:
    status, _ = gateway.call("POST", "/v1/chat/completions", body=ASK)
    assert status == 200
    rows = {row["account"]: row for row in told(gateway, "health")}
    good, refused = rows["good"], rows["refused"]
    assert (good["state"], good["success"], good["model"]) == ("ok", 1.0, "m")
    assert (refused["state"], refused["success"], refused["last_error"]) == ("paused", 0.0, "auth")
    assert refused["paused_until_ms"] is not None
    assert refused["level"] == 1
    text = run(gateway, "health").stdout.decode()
    assert "paused" in text
    assert "0/64" in text


def test_an_explanation_knows_turns_and_pauses(gateway: RunningGateway) -> None:
    gateway.call("POST", "/v1/chat/completions", body=ASK)
    plan = told(gateway, "explain", "team", "--body", "-", stdin=ASK)
    assert [target["account"] for target in plan["targets"]] == ["good", "refused"]
    assert plan["targets"][1]["pause"]
    assert plan["input_tokens"] > 0
    shown = run(gateway, "explain", "team")
    assert b"paused" in shown.stdout
    assert b"No gateway runs" not in shown.stderr


def test_without_a_gateway_it_is_said(tmp_path: Path, gateway: RunningGateway) -> None:
    command = [sys.executable, "-m", "flowrouter.cli.main", "health", "--data", str(tmp_path)]
    # Another gateway's port: the token of this folder does not open it.
    environ = {**os.environ, "FLOW_ROUTER_SERVER_PORT": str(gateway.port)}
    done = subprocess.run(command, capture_output=True, check=False, timeout=60, env=environ)
    assert done.returncode == 1
    assert b"no gateway runs over this data folder" in done.stderr
