"""Combos through a running gateway: from the configuration file and the management API to the providers."""

from __future__ import annotations

import http.client
import time
from pathlib import Path
from typing import Any

import msgspec

from tests.support.gateway import RunningGateway
from tests.upstreams import ScriptedUpstream

ROUTING: dict[str, Any] = {
    "combos": {"written": {"strategy": "round_robin", "members": [{"model": "chat/gpt-a"}, {"model": "claude/claude-a"}]}},
    "mapping": [
        {"model": "claude-haiku-*", "to": "chat/gpt-small", "when": {"user_agent": "claude-cli/*"}},
        {"model": "claude-*", "to": "Written", "when": {"user_agent": "claude-cli/*", "tools": True}},
    ],
    "disabled_models": ["*-forbidden"],
}  # fmt: skip


def accounts(chat: ScriptedUpstream, claude: ScriptedUpstream) -> list[dict[str, Any]]:
    return [
        {"name": "chat", "preset": "custom-openai", "base_url": chat.openai_url, "api_key": "chat-key",
         "models": ["gpt-a", "gpt-small", "gpt-forbidden"], "tags": ["tier:cheap"]},
        {"name": "claude", "preset": "custom-anthropic", "base_url": claude.url, "api_key": "claude-key",
         "models": ["claude-a", "claude-haiku-x"]},
    ]  # fmt: skip


class Door:
    """Both doors of a running gateway."""

    def __init__(self, gateway: RunningGateway) -> None:
        self.gateway = gateway
        self.token = (gateway.data / "local.token").read_text().strip()

    def api(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        raw = None if body is None else msgspec.json.encode(body)
        headers = {"authorization": f"Bearer {self.token}"}
        if raw is not None:
            headers["content-type"] = "application/json"
        status, answer = self.gateway.call(method, path, body=raw, headers=headers)
        return status, msgspec.json.decode(answer)

    def chat(self, model: str, **more: Any) -> tuple[int, Any]:
        body = {"model": model, "messages": [{"role": "user", "content": "hi"}], **more}
        status, answer = self.gateway.call("POST", "/v1/chat/completions", body=msgspec.json.encode(body))
        return status, msgspec.json.decode(answer)

    def claude(self, model: str, agent: str, **more: Any) -> str:
        """Return who answered Anthropic's client: `account/model`."""
        body = {"model": model, "max_tokens": 50, "messages": [{"role": "user", "content": "hi"}], **more}
        headers = {"content-type": "application/json", "user-agent": agent, "anthropic-version": "2023-06-01"}
        connection = http.client.HTTPConnection("127.0.0.1", self.gateway.port, timeout=60)
        try:
            connection.request("POST", "/v1/messages", body=msgspec.json.encode(body), headers=headers)
            answer = connection.getresponse()
            assert answer.status == 200, answer.read()
            return str(answer.headers["x-flowrouter-target"])
        finally:
            connection.close()


def test_combos_through_every_door(
    chat_upstream: ScriptedUpstream, claude_upstream: ScriptedUpstream, tmp_path: Path
) -> None:
    accounts_ = accounts(chat_upstream, claude_upstream)
    with RunningGateway(accounts_, settings={"routing": ROUTING}, data=tmp_path) as gateway:
        door = Door(gateway)
        answered = []
        for _ in range(4):
            status, reply = door.chat("WRITTEN")
            assert status == 200, reply
            answered.append(reply["model"])
        assert [name.startswith("claude") for name in answered] == [False, True, False, True]
        _mapped(door)
        _made(door)
        _listed(door)
        status, told = door.chat("gpt-forbidden")
        assert (status, told["error"]["code"]) == (403, "model_disabled")
        gateway.assert_no_complaints()


def _mapped(door: Door) -> None:
    """What a coding agent calls Haiku is the small model; others get what they ask for."""
    assert door.claude("claude-haiku-x", "claude-cli/2.1 (external)") == "chat/gpt-small"
    assert door.claude("claude-haiku-x", "curl/8") == "claude/claude-haiku-x"
    tool = {"name": "look", "description": "looks", "input_schema": {"type": "object", "properties": {}}}
    assert door.claude("claude-a", "claude-cli/2.1", tools=[tool]) == "chat/gpt-a"
    assert door.claude("claude-a", "claude-cli/2.1") == "claude/claude-a"


def _made(door: Door) -> None:
    """A combo that is made answers at once, one that is removed no more."""
    members = [
        {"model": "nobody/x"},
        {"model": "gpt-small", "when": {"max_tokens": 50}},
        {"model": "claude-a"},
    ]
    status, made = door.api("POST", "/api/combos", {"name": "team", "members": members})
    assert status == 201, made
    assert made["data"]["warnings"] == ["no account answers the member 'nobody/x' yet"]
    assert door.chat("Team")[1]["model"].startswith("gpt-small")
    long = [{"role": "user", "content": "word " * 400}]
    assert door.chat("team", messages=long)[1]["model"].startswith("claude-a")
    assert door.api("PATCH", "/api/combos/team", {"members": members[1:2]})[0] == 200
    assert door.chat("team", messages=long)[0] == 400
    assert (
        door.api("PATCH", "/api/settings", {"models": {"aliases": {"pool": ["claude-a", "gpt-a"]}}})[0] == 200
    )
    assert door.chat("pool")[1]["model"].startswith("claude-a")
    assert door.api("DELETE", "/api/combos/team")[0] == 200
    assert door.chat("team")[0] == 404


def _listed(door: Door) -> None:
    """All lists show names of people's own, and none shows what is switched off."""
    deadline = time.monotonic() + 20
    while True:
        status, body = door.gateway.get("/v1/models")
        ids = [row["id"] for row in msgspec.json.decode(body)["data"]]
        if {"written", "pool", "gpt-a"} <= set(ids):
            break
        assert time.monotonic() < deadline, ids
    assert (status, "gpt-forbidden" in ids) == (200, False)
    anthropic = {"anthropic-version": "2023-06-01"}
    for path, headers in (
        ("/v1/models?limit=100", anthropic),
        ("/v1beta/models", None),
        ("/v1/models?client_version=1", None),
    ):
        status, body = door.gateway.get(path, headers=headers)
        assert status == 200
        assert b"written" in body
        assert b"gpt-forbidden" not in body
    assert "written" in [row["id"] for row in door.api("GET", "/api/models?limit=100")[1]["data"]]
