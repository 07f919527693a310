"""A key's policy decides through the whole program: made by the command, kept in the store, heeded."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import msgspec

from tests.e2e.conftest import accounts
from tests.support.commands import run as run_command
from tests.support.gateway import RunningGateway
from tests.upstreams import ScriptedUpstream

ASK: dict[str, Any] = {
    "model": "claude/claude-sonnet-4-5",
    "messages": [{"role": "user", "content": "hi"}],
    "seed": 7,
}


def made(data: Path, name: str, *options: str) -> str:
    """Return the token of a new key."""
    done = run_command("keys", "create", name, *options, "--data", str(data), "--json")
    assert done.returncode == 0, done.stderr
    found: Any = msgspec.json.decode(done.stdout)
    return found["key"]


def test_a_keys_policy_is_heeded(
    tmp_path: Path, chat_upstream: ScriptedUpstream, claude_upstream: ScriptedUpstream
) -> None:
    with RunningGateway(accounts(chat_upstream, claude_upstream), data=tmp_path) as gateway:
        strict, plain = made(tmp_path, "strict", "--unsupported", "refuse"), made(tmp_path, "plain")

        def ask(token: str) -> tuple[int, Any]:
            headers = {"content-type": "application/json", "authorization": f"Bearer {token}"}
            status, body = gateway.call(
                "POST", "/v1/chat/completions", body=msgspec.json.encode(ASK), headers=headers
            )
            return status, msgspec.json.decode(body)

        deadline = time.monotonic() + 20
        while ask(plain)[0] != 200:  # keys are seen within a second
            assert time.monotonic() < deadline
            time.sleep(0.1)
        status, told = ask(strict)
        assert (status, told["error"]["param"]) == (400, "seed")
        gateway.assert_no_complaints()
