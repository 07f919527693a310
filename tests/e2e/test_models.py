"""Models a caller may name: live lists, manual lists, both shapes, and a start without a network."""

from __future__ import annotations

import time
from pathlib import Path

import msgspec

from tests.support.gateway import RunningGateway
from tests.upstreams import ScriptedUpstream

ANTHROPIC = {"anthropic-version": "2023-06-01"}


def live(chat: ScriptedUpstream, claude: ScriptedUpstream) -> list[dict[str, object]]:
    return [
        {"name": "chat", "preset": "custom-openai", "base_url": chat.openai_url, "api_key": "chat-key"},
        {"name": "claude", "preset": "custom-anthropic", "base_url": claude.url, "api_key": "claude-key"},
    ]


def ids(
    gateway: RunningGateway, path: str = "/v1/models", headers: dict[str, str] | None = None
) -> list[str]:
    status, body = gateway.get(path, headers=headers)
    assert status == 200, body
    return [row["id"] for row in msgspec.json.decode(body)["data"]]


def eventually(gateway: RunningGateway, *wanted: str) -> list[str]:
    deadline = time.monotonic() + 20
    while not set(wanted) <= set(found := ids(gateway)):
        assert time.monotonic() < deadline, found
        time.sleep(0.1)
    return found


def test_live_lists_arrive_in_the_background_and_outlive_a_restart(
    chat_upstream: ScriptedUpstream, claude_upstream: ScriptedUpstream, tmp_path: Path
) -> None:
    with RunningGateway(live(chat_upstream, claude_upstream), data=tmp_path) as gateway:
        found = eventually(gateway, *chat_upstream.models, *claude_upstream.models)
        assert "acme/chat-large" in found
        status, body = gateway.get("/v1/models/acme/chat-large")
        assert status == 200
        assert msgspec.json.decode(body)["owned_by"] == "custom-openai"
        paged: list[str] = []
        path = "/v1/models?limit=2"
        while path:
            page = msgspec.json.decode(gateway.get(path, headers=ANTHROPIC)[1])
            paged += [row["id"] for row in page["data"]]
            assert {"type", "display_name", "created_at"} <= page["data"][0].keys()
            path = f"/v1/models?limit=2&after_id={page['last_id']}" if page["has_more"] else ""
        assert paged == found
        ask = {"model": "acme/chat-large", "messages": [{"role": "user", "content": "hi"}]}
        assert gateway.call("POST", "/v1/chat/completions", body=msgspec.json.encode(ask))[0] == 200
    offline = [
        {**account, "base_url": "http://127.0.0.1:9/v1"} for account in live(chat_upstream, claude_upstream)
    ]
    with RunningGateway(offline, data=tmp_path) as gateway:
        assert ids(gateway) == found, "the last good list is there at once, without a network"


def test_a_manual_list_wins_and_patterns_are_never_shown(
    chat_upstream: ScriptedUpstream, claude_upstream: ScriptedUpstream
) -> None:
    accounts = live(chat_upstream, claude_upstream)
    accounts[0]["models"] = ["mine", "gpt-*"]
    with RunningGateway(accounts) as gateway:
        found = eventually(gateway, *claude_upstream.models)
        assert "mine" in found
        assert not [name for name in found if "*" in name]
        assert "acme/chat-large" not in found
        status, body = gateway.get("/v1/models/nothing")
        assert (status, msgspec.json.decode(body)["error"]["code"]) == (404, "model_not_found")
