"""`POST /api/plan` with a combo that is not saved, and the rows of `GET /api/models`."""

from __future__ import annotations

from typing import Any

from starlette.testclient import TestClient

from tests.unit.api_admin.conftest import Gateway
from tests.unit.api_admin.test_accounts import error

ASK = {"messages": [{"role": "user", "content": "word " * 100}]}
DRAFT: dict[str, Any] = {"name": "team", "members": [{"model": "main/gpt-x"}, {"model": "nobody-has-it"}]}


def planned(api: TestClient, **question: Any) -> dict[str, Any]:
    reply = api.post("/api/plan", json=question)
    assert reply.status_code == 200, reply.text
    return reply.json()["data"]


def test_a_combo_is_tried_before_it_is_saved(api: TestClient, account: dict[str, Any]) -> None:
    plan = planned(api, combo=DRAFT, body=ASK)
    assert (plan["asked"], plan["step"]) == ("team", "combo team")
    assert [target["model"] for target in plan["targets"]] == ["gpt-x"]
    (out,) = (note for note in plan["notes"] if not note["taken"])
    assert (out["model"], out["reason"]) == ("nobody-has-it", "combo team: no account answers it")
    assert planned(api, combo=DRAFT)["input_tokens"] is None, "no body, no size"
    assert api.get("/api/combos").json()["data"] == [], "nothing is kept"
    assert planned(api, model="team")["targets"] == []


def test_a_draft_stands_in_for_the_one_of_its_name(api: TestClient, account: dict[str, Any]) -> None:
    assert api.post("/api/combos", json={"name": "Team", "members": [{"model": "none"}]}).status_code == 201
    around = {"name": "around", "members": [{"model": "team"}]}
    assert api.post("/api/combos", json=around).status_code == 201
    assert planned(api, model="around")["targets"] == []
    assert len(planned(api, combo=DRAFT, model="around")["targets"]) == 1
    assert len(planned(api, combo=DRAFT, body={**ASK, "model": "around"})["targets"]) == 1
    gemini = {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}
    assert planned(api, combo=DRAFT, body=gemini, dialect="gemini")["asked"] == "team"


def test_conditions_of_a_draft_are_held_against_the_request(api: TestClient, account: dict[str, Any]) -> None:
    members = [{"model": "main/gpt-x", "when": {"tags": ["ci"], "user_agent": "claude-cli/*"}}]
    draft = {"name": "team", "members": members}
    agent = {"user-agent": "claude-cli/1"}
    assert planned(api, combo=draft, body=ASK, headers=agent)["notes"][0]["reason"].endswith("tagged 'ci'")
    assert len(planned(api, combo=draft, body=ASK, headers=agent, tags=["ci"])["targets"]) == 1


def test_a_draft_is_checked_as_a_combo_is(api: TestClient) -> None:
    assert error(api.post("/api/plan", json={"combo": {"name": "x", "members": []}}))[2] == "combo.members"
    assert (
        error(api.post("/api/plan", json={"combo": {"name": "", "members": [{"model": "a"}]}}))[2] == "model"
    )


def test_a_draft_of_another_owner_is_his_own(gateway: Gateway, account: dict[str, Any]) -> None:
    bob = gateway.client(gateway.admin_key("bob"))
    assert planned(bob, combo=DRAFT)["targets"] == [], "he has no accounts, and sees none of the operator's"


def test_rows_tell_what_models_can_do_and_cost(api: TestClient, account: dict[str, Any]) -> None:
    names = ["gpt-5.4", "own-model"]
    assert api.patch(f"/api/accounts/{account['id']}", json={"models": names}).status_code == 200
    assert api.put("/api/prices/own-model", json={"input": 1, "output": 2}).status_code == 200
    assert api.put("/api/aliases/smart", json={"models": ["gpt-5.4"]}).status_code == 200
    assert api.post("/api/combos", json={"name": "t", "members": [{"model": "gpt-5.4"}]}).status_code == 201
    rows = {row["id"]: row for row in api.get("/api/models").json()["data"]}
    known = rows["gpt-5.4"]
    assert (known["kind"], known["images"], known["tools"], known["reasoning"]) == ("model", True, True, True)
    assert known["context_window"] > 100_000
    assert "high" in known["efforts"]
    assert (known["price"]["source"], known["aliases"], known["combos"]) == ("openai", ["smart"], ["t"])
    assert rows["own-model"]["price"]["source"] == "prices.own-model"
    assert (rows["own-model"]["images"], rows["own-model"]["tools"]) == (None, None), "nobody has told"
    (at,) = api.get("/api/models/gpt-5.4").json()["data"]["accounts"]
    assert at["facts"], "known, and where from"
    assert all(fact["source"] and fact["date"].startswith("20") for fact in at["facts"])
    assert api.get("/api/models/own-model").json()["data"]["accounts"][0]["facts"] == []
    assert (rows["smart"]["kind"], rows["smart"]["price"]) == ("alias", None)
    assert rows["t"]["kind"] == "combo"
    assert api.patch("/api/models/gpt-5.4", json={"hidden": True}).status_code == 200
    (hidden,) = api.get("/api/models", params={"hidden": "true"}).json()["data"]
    assert (hidden["id"], hidden["hidden"], hidden["images"]) == ("gpt-5.4", True, True)
