"""`GET /api/health/targets` and `POST /api/plan`: how everybody does, and who would answer a request."""

from __future__ import annotations

from typing import Any

from starlette.testclient import TestClient

from flowrouter.gateway.target_states import TargetState
from tests.unit.api_admin.conftest import Gateway
from tests.unit.api_admin.test_accounts import error

ASK = {"model": "gpt-x", "max_tokens": 50, "messages": [{"role": "user", "content": "word " * 100}]}


def state(account_id: str, **members: Any) -> TargetState:
    given = {"account": "main", "preset": "openai", "model": "gpt-x", "state": "ok", **members}
    return TargetState(account_id=account_id, **given)


def test_targets_are_listed_by_account_and_model(
    gateway: Gateway, api: TestClient, account: dict[str, Any]
) -> None:
    gateway.targets = [
        state(account["id"], model="z"),
        state(account["id"], model="a", state="paused", reason="rate limit", level=2),
        state("gone", model="b"),
    ]
    rows = api.get("/api/health/targets").json()["data"]
    assert [(row["model"], row["state"], row["level"]) for row in rows] == [
        ("a", "paused", 2),
        ("z", "ok", 0),
    ]
    first = api.get("/api/health/targets", params={"limit": 1}).json()
    rest = api.get("/api/health/targets", params={"limit": 1, "cursor": first["next_cursor"]}).json()
    assert [row["model"] for row in (*first["data"], *rest["data"])] == ["a", "z"]


def test_other_owners_see_their_own_only(gateway: Gateway, api: TestClient, account: dict[str, Any]) -> None:
    gateway.targets = [state(account["id"])]
    other = gateway.admin_key("somebody-else")
    assert api.get("/api/health/targets", headers=other).json()["data"] == []


def test_a_request_is_measured(api: TestClient, account: dict[str, Any]) -> None:
    plan = api.post("/api/plan", json={"body": ASK}).json()["data"]
    (target,) = plan["targets"]
    assert (target["account"], target["reason"]) == ("main", "lists gpt-x")
    assert 100 < plan["input_tokens"] < 200
    assert plan["output_tokens"] == 50
    plain = api.post("/api/plan", json={"model": "gpt-x"}).json()["data"]
    assert (plain["step"], plain["input_tokens"]) == ("exact name", None)


def test_the_question_wins_over_the_body_and_bad_ones_are_told(
    api: TestClient, account: dict[str, Any]
) -> None:
    asked = {"body": ASK, "model": "nobody-has-this"}
    assert api.post("/api/plan", json=asked).json()["data"]["targets"] == []
    assert error(api.post("/api/plan", json={"body": {}}))[2] == "model"
    assert error(api.post("/api/plan", json={"body": {"model": 3}}))[2] == "model"
    assert error(api.post("/api/plan", json={"body": ASK, "dialect": "openai_completions"}))[2] == "dialect"
