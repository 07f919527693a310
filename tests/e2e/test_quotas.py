"""Accounts' quotas through a started program: learned, told, kept over restarts and crashes, and asked for."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.commands import run as run_command
from tests.support.gateway import RunningGateway
from tests.upstreams import ScriptedUpstream

ASK = json.dumps({"model": "m", "messages": [{"role": "user", "content": "hi"}]}).encode()


@pytest.fixture
def pair() -> Iterator[tuple[ScriptedUpstream, ScriptedUpstream]]:
    with (
        ScriptedUpstream(dialect="openai_chat", keys=["k"]) as first,
        ScriptedUpstream(dialect="openai_chat", keys=["k"]) as second,
    ):
        yield first, second


def accounts(first: ScriptedUpstream, second: ScriptedUpstream, **more: Any) -> list[dict[str, Any]]:
    rows = [
        {"name": name, "preset": "custom-openai", "base_url": upstream.openai_url, "api_key": "k", "models": ["m"],
         "priority": rank}
        for rank, (name, upstream) in enumerate((("first", first), ("second", second)), start=1)
    ]  # fmt: skip
    return [{**rows[0], **more}, rows[1]]


def ask(gateway: RunningGateway) -> int:
    return gateway.call("POST", "/v1/chat/completions", body=ASK)[0]


def api(gateway: RunningGateway, method: str, path: str) -> Any:
    token = (gateway.data / "local.token").read_text().strip()
    body = b"{}" if method == "POST" else None
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    status, answer = gateway.call(method, path, body=body, headers=headers)
    assert status == 200, answer
    return json.loads(answer)["data"]


def cli(gateway: RunningGateway, *arguments: str) -> str:
    file = gateway.data / "config.toml"
    done = run_command(*arguments, "--data", str(gateway.data), "--config", str(file))
    assert done.returncode == 0, done.stderr
    return done.stdout


def eventually(found: Any, wanted: Any) -> None:
    deadline = time.monotonic() + 20
    while (last := found()) != wanted:
        assert time.monotonic() < deadline, last
        time.sleep(0.2)


def named(quota: Any, *stems: str) -> list[Any]:
    return sorted(
        (row for row in quota["windows"] if row["name"].startswith(stems)), key=lambda row: row["name"] < "p"
    )


def used(gateway: RunningGateway, account_id: str) -> list[float]:
    """Return what was counted by the gateway itself."""
    return [row["used"] for row in named(api(gateway, "GET", f"/api/accounts/{account_id}/quota"), "own/")]


def used_up(seconds: int) -> tuple[tuple[str, str], ...]:
    return (
        ("x-codex-primary-used-percent", "100"),
        ("x-codex-primary-window-minutes", "300"),
        ("x-codex-primary-reset-after-seconds", str(seconds)),
    )


def test_a_used_up_window_is_told_everywhere_and_outlasts_a_restart(
    pair: tuple[ScriptedUpstream, ScriptedUpstream], tmp_path: Path
) -> None:
    first, second = pair
    first.said = used_up(7200)
    gateway = RunningGateway(accounts(first, second), data=tmp_path, settings={"metrics": {"public": True}})
    with gateway:
        assert [ask(gateway), ask(gateway)] == [200, 200]
        assert [len(first.calls), len(second.calls)] == [1, 1]
        quota = api(gateway, "GET", "/api/accounts/config:first/quota")
        (window,) = named(quota, "plan/primary")
        assert (quota["state"], window["name"], window["span"]) == ("used_up", "plan/primary", "5h")
        assert (window["used"], window["remaining"], window["source"]) == (100.0, 0.0, "header")
        assert 7000_000 < window["resets_at_ms"] - time.time() * 1000 <= 7200_000
        assert [row["account"] for row in api(gateway, "GET", "/api/quotas")] == ["first", "second"]
        listed = {row["name"]: row["quota_state"] for row in api(gateway, "GET", "/api/accounts")}
        assert (listed["first"]["state"], listed["second"]["state"]) == ("used_up", "ok")
        shown = cli(gateway, "quota")
        assert "plan/primary" in shown
        assert "used up" in shown
        assert re.search(r"1h 5\dm|\b2h\b", shown)
        plan = api(gateway, "GET", "/api/plan?model=m")
        assert [target["account"] for target in plan["targets"]] == ["second", "first"]
        assert "quota: the 5h's limit is used up" in plan["targets"][1]["pause"]
        assert 'flowrouter_quota_remaining_ratio{account="first"' in gateway.get("/metrics")[1].decode()
        gateway.stop()
        with gateway:
            assert ask(gateway) == 200
            assert [len(first.calls), len(second.calls)] == [1, 2]
            first.said = ()
            cli(gateway, "providers", "resume", "first")
            eventually(lambda: api(gateway, "GET", "/api/accounts/config:first/quota")["state"], "unknown")
            assert ask(gateway) == 200
            assert [len(first.calls), len(second.calls)] == [2, 2]


def test_our_own_count_survives_a_kill(
    pair: tuple[ScriptedUpstream, ScriptedUpstream], tmp_path: Path
) -> None:
    first, second = pair
    limits = [{"window": "month", "requests": 8, "tokens": 1_000_000}]
    gateway = RunningGateway(accounts(first, second, quota=limits, reserve="25%"), data=tmp_path)
    with gateway:
        for _ in range(4):
            assert ask(gateway) == 200
        time.sleep(1.5)  # the request log and the count are written within a second
        before = used(gateway, "config:first")
        assert (before[0], len(before)) == (4, 2)
        gateway.kill()
    with gateway:
        eventually(lambda: used(gateway, "config:first"), before)
        for _ in range(4):
            assert ask(gateway) == 200
    assert [len(first.calls), len(second.calls)] == [6, 2], "two of eight are kept back"


def test_what_a_new_limit_finds_in_the_books(pair: tuple[ScriptedUpstream, ScriptedUpstream]) -> None:
    first, second = pair
    gateway = RunningGateway([accounts(first, second)[1]])
    with gateway:
        cli(
            gateway, "providers", "add", "mine", "--preset", "custom-openai", "--base-url", first.openai_url,
            "--api-key", "k", "--models", "m",
        )  # fmt: skip
        eventually(lambda: "mine" in [row["name"] for row in api(gateway, "GET", "/api/accounts")], True)
        for _ in range(3):
            assert ask(gateway) == 200
        time.sleep(1.0)
        cli(
            gateway,
            "providers",
            "add",
            "mine",
            "--replace",
            "--quota",
            "4requests/month",
            "--quota",
            "9usd/month",
        )
        mine = next(row["id"] for row in api(gateway, "GET", "/api/accounts") if row["name"] == "mine")
        eventually(
            lambda: [row["used"] for row in api(gateway, "GET", f"/api/accounts/{mine}/quota")["windows"]][
                :1
            ],
            [3],
        )
        assert [ask(gateway), ask(gateway)] == [200, 200]
    assert [len(first.calls), len(second.calls)] == [4, 1]


def test_providers_that_tell_are_asked_and_not_too_often() -> None:
    with ScriptedUpstream(dialect="openai_chat", keys=["k"]) as upstream:
        rows = [
            {"name": "router", "preset": "openrouter", "base_url": upstream.openai_url, "api_key": "k", "models": ["m"]},
            {"name": "deep", "preset": "deepseek", "base_url": upstream.openai_url, "api_key": "k", "models": ["m"], "reserve": "200cny"},
            {"name": "plain", "preset": "custom-openai", "base_url": upstream.openai_url, "api_key": "k", "models": ["m"], "priority": 9},
        ]  # fmt: skip
        gateway = RunningGateway(rows)
        with gateway:
            assert not [call for call in upstream.requests if call.path.endswith(("key", "balance"))], (
                "nobody unasked"
            )
            told = api(gateway, "POST", "/api/accounts/config:router/quota/refresh")
            assert (told["result"], told["quota"]["windows"][0]["name"]) == ("fetched", "key")
            assert (told["quota"]["windows"][0]["remaining"], told["quota"]["windows"][0]["span"]) == (
                7.5,
                "month",
            )
            again = api(gateway, "POST", "/api/accounts/config:router/quota/refresh")
            assert again["result"] == "recent"
            assert len([call for call in upstream.requests if call.path == "/v1/key"]) == 1
            shown = cli(gateway, "quota", "--refresh")
            assert "$7.50 of $10.00" in shown
            assert "110.00" in shown
            states = {row["account"]: row["state"] for row in api(gateway, "GET", "/api/quotas")}
            assert states == {"router": "ok", "deep": "reserve", "plain": "unknown"}
            plan = api(gateway, "GET", "/api/plan?model=m")
            assert [target["account"] for target in plan["targets"]] == ["router", "plain", "deep"]
            assert "kept back" in plan["targets"][2]["pause"]
            none = api(gateway, "POST", "/api/accounts/config:plain/quota/refresh")
            assert none["result"] == "unsupported"


def test_a_refusal_to_tell_is_told_and_not_repeated() -> None:
    with ScriptedUpstream(dialect="openai_chat", keys=["k"]) as upstream:
        upstream.dialects[0].quota.refuses = 503  # type: ignore[attr-defined]
        row = {
            "name": "deep",
            "preset": "deepseek",
            "base_url": upstream.openai_url,
            "api_key": "k",
            "models": ["m"],
        }
        with RunningGateway([row]) as gateway:
            told = api(gateway, "POST", "/api/accounts/config:deep/quota/refresh")
            assert (told["result"], told["message"]) == (
                "failed",
                "the provider answered 503 when asked for its quota",
            )
            assert told["next_at_ms"] - time.time() * 1000 > 200_000, "longer than a minute: it refused"
            assert api(gateway, "POST", "/api/accounts/config:deep/quota/refresh")["result"] == "waiting"
            assert api(gateway, "GET", "/api/quotas")[0]["error"] == told["message"]
            assert len([call for call in upstream.requests if call.path == "/user/balance"]) == 1


def test_the_store_tells_without_a_gateway(
    pair: tuple[ScriptedUpstream, ScriptedUpstream], tmp_path: Path
) -> None:
    first, second = pair
    first.said = used_up(7200)
    limits = [{"window": "day", "requests": 5}]
    gateway = RunningGateway(accounts(first, second, quota=limits), data=tmp_path)
    with gateway:
        assert ask(gateway) == 200
    rows = json.loads(cli(gateway, "quota", "first", "--json"))
    assert [(row["account"], row["state"]) for row in rows] == [("first", "used_up")]
    assert [window["used"] for window in named(rows[0], "plan", "own")] == [100.0, 1.0]
