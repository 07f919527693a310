"""Pauses through a started program: over a restart, ended from outside, and the rows that decide."""

from __future__ import annotations

import json
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


def accounts(first: ScriptedUpstream, second: ScriptedUpstream) -> list[dict[str, Any]]:
    return [
        {"name": name, "preset": "custom-openai", "base_url": upstream.openai_url, "api_key": "k", "models": ["m"],
         "priority": rank}
        for rank, (name, upstream) in enumerate((("first", first), ("second", second)), start=1)
    ]  # fmt: skip


def ask(gateway: RunningGateway) -> int:
    return gateway.call("POST", "/v1/chat/completions", body=ASK)[0]


def api(gateway: RunningGateway, method: str, path: str) -> Any:
    token = (gateway.data / "local.token").read_text().strip()
    body = b"{}" if method == "POST" else None
    status, answer = gateway.call(method, path, body=body, headers={
        "authorization": f"Bearer {token}", "content-type": "application/json",
    })  # fmt: skip
    assert status == 200, answer
    return json.loads(answer)["data"]


def cli(gateway: RunningGateway, *arguments: str) -> str:
    file = gateway.data / "config.toml"
    done = run_command(*arguments, "--data", str(gateway.data), "--config", str(file))
    assert done.returncode == 0, done.stderr
    return done.stdout


def first_is_asked_within(gateway: RunningGateway, first: ScriptedUpstream, seconds: float) -> bool:
    before, deadline = len(first.calls), time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert ask(gateway) == 200
        if len(first.calls) > before:
            return True
        time.sleep(0.2)
    return False


def account_id(gateway: RunningGateway, name: str) -> str:
    return next(row["id"] for row in api(gateway, "GET", "/api/accounts") if row["name"] == name)


def test_an_empty_account_is_not_asked_again_after_a_restart_until_it_is_tested(
    tmp_path: Path, pair: tuple[ScriptedUpstream, ScriptedUpstream]
) -> None:
    first, second = pair
    first.script(["fault-402"])
    with RunningGateway(accounts(first, second), data=tmp_path) as gateway:
        assert ask(gateway) == 200
        assert ask(gateway) == 200
        assert (len(first.calls), len(second.calls)) == (1, 2)
    with RunningGateway(accounts(first, second), data=tmp_path) as gateway:
        assert ask(gateway) == 200
        assert (len(first.calls), len(second.calls)) == (1, 3)
        cli(gateway, "providers", "test", "first", "--model", "m")
        assert first_is_asked_within(gateway, first, 15.0)
        gateway.assert_no_complaints()


def test_another_key_in_the_file_starts_afresh(
    tmp_path: Path, pair: tuple[ScriptedUpstream, ScriptedUpstream]
) -> None:
    first, second = pair
    wrong = accounts(first, second)
    wrong[0]["api_key"] = "not-the-key"
    with RunningGateway(wrong, data=tmp_path) as gateway:
        assert ask(gateway) == 200
    before = len(first.calls)
    with RunningGateway(wrong, data=tmp_path) as gateway:
        assert ask(gateway) == 200
        assert len(first.calls) == before
    with RunningGateway(accounts(first, second), data=tmp_path) as gateway:
        assert ask(gateway) == 200
        assert len(first.calls) == before + 1


def test_resuming_by_the_api_and_the_command(pair: tuple[ScriptedUpstream, ScriptedUpstream]) -> None:
    first, second = pair
    first.script(["fault-402", None, "fault-402"])
    with RunningGateway(accounts(first, second)) as gateway:
        assert ask(gateway) == 200
        resumed = api(gateway, "POST", f"/api/accounts/{account_id(gateway, 'first')}/resume")
        assert resumed["ended"] == 1
        assert ask(gateway) == 200
        assert len(first.calls) == 2
        assert ask(gateway) == 200
        assert "may be asked again" in cli(gateway, "providers", "resume", "first")
        assert first_is_asked_within(gateway, first, 15.0)


def test_rows_of_the_configuration_decide_and_are_shown(
    pair: tuple[ScriptedUpstream, ScriptedUpstream],
) -> None:
    first, second = pair
    first.script(["fault-501"])
    rule = {"status": [501], "failure": "billing", "reason": "this host says so when the wallet is empty"}
    with RunningGateway(accounts(first, second), settings={"routing": {"rules": [rule]}}) as gateway:
        assert ask(gateway) == 200
        assert ask(gateway) == 200
        assert (len(first.calls), len(second.calls)) == (1, 2)
        rows = api(gateway, "GET", "/api/rules")
        assert (rows[0]["failure"], rows[0]["origin"], rows[1]["origin"]) == ("billing", "config", "shipped")
        assert "the wallet is empty" in cli(gateway, "rules")
        (state,) = [row for row in api(gateway, "GET", "/api/health/targets") if row["account"] == "first"]
        assert (state["state"], "wallet" in state["reason"]) == ("paused", True)


def test_when_all_pause_nobody_is_asked_and_the_time_is_told(
    pair: tuple[ScriptedUpstream, ScriptedUpstream],
) -> None:
    first, second = pair
    first.script(["fault-402"])
    second.script(["fault-429-retry-after@60"])
    with RunningGateway(accounts(first, second)) as gateway:
        ask(gateway)
        status, body = gateway.call("POST", "/v1/chat/completions", body=ASK)
        assert (len(first.calls), len(second.calls)) == (1, 1)
        told = json.loads(body)["error"]
        assert (status, told["code"]) == (503, "targets_paused")
        assert "all 2 targets of 'm' pause; the first is free in" in told["message"]


def test_rows_can_be_added_while_it_runs(pair: tuple[ScriptedUpstream, ScriptedUpstream]) -> None:
    first, second = pair
    first.script(["fault-500", "fault-500"])
    with RunningGateway(accounts(first, second)) as gateway:
        token = (gateway.data / "local.token").read_text().strip()
        rule = {"kind": ["server_error"], "failure": "billing", "reason": "as told by the reseller"}
        status, body = gateway.call(
            "PATCH",
            "/api/settings",
            body=json.dumps({"routing": {"rules": [rule]}}).encode(),
            headers={"authorization": f"Bearer {token}"},
        )
        assert status == 200, body
        assert api(gateway, "GET", "/api/rules")[0]["reason"] == "as told by the reseller"
        assert ask(gateway) == 200
        assert (len(first.calls), len(second.calls)) == (1, 1), (
            "no second try on the spot: it is no moment's failure"
        )
