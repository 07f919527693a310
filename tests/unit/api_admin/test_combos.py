"""`/api/combos`, and what routing learns of accounts and settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from flowrouter.config import AccountConfig, Config, Models
from flowrouter.errors import StorageError
from flowrouter.routing import build_plan
from flowrouter.settings.routing import ComboConfig, ComboMember, Routing
from tests.unit.api_admin.conftest import BEARER, CANARY, FILE_CANARY, Gateway
from tests.unit.api_admin.test_accounts import error

TEAM = {
    "name": "Team",
    "members": [{"model": "gpt-x", "weight": 2}, {"model": "llama-x"}],
    "strategy": "weighted",
}


@pytest.fixture
def config(tmp_path: Path) -> Config:
    filed = ComboConfig(members=(ComboMember(model="llama-x"),))
    return Config(
        file=str(tmp_path / "config.toml"),
        data=str(tmp_path),
        accounts=(AccountConfig(name="filed", preset="groq", api_key=FILE_CANARY, models=("llama-x",)),),
        models=Models(aliases={"fast": "llama-x"}),
        routing=Routing(combos={"Written": filed}, attempts=4),
    )


def targets(gateway: Gateway, model: str) -> list[str]:
    plan = build_plan(gateway.configuration.world.facts, model, dialect="openai_chat")
    return [f"{target.account}/{target.model}" for target in plan.targets]


def test_made_asked_for_and_removed(gateway: Gateway, api: TestClient, account: dict[str, Any]) -> None:
    made = api.post("/api/combos", json=TEAM)
    assert made.status_code == 201, made.text
    row = made.json()["data"]
    assert (row["name"], row["strategy"], row["source"], row["version"]) == ("Team", "weighted", "store", 1)
    assert row["members"][0]["weight"] == 2
    assert row["warnings"] == []
    assert targets(gateway, "team") == ["main/gpt-x", "filed/llama-x"], "in force when the call returns"
    for path in (made.headers["location"], "/api/combos/Team", "/api/combos/team"):
        assert api.get(path).json()["data"] == row
    ids = {entry["id"]: entry for entry in api.get("/api/models").json()["data"]}
    assert ids["Team"]["owned_by"] == "combo"
    assert api.get("/api/plan", params={"model": "team"}).json()["data"]["step"] == "combo Team"
    assert api.delete(f"/api/combos/{row['id']}").json()["data"] == {"id": row["id"], "deleted": True}
    assert targets(gateway, "team") == []
    assert error(api.get(f"/api/combos/{row['id']}")) == (404, "combo_not_found", None)


def test_a_patch_merges_and_lists_are_replaced(api: TestClient, account: dict[str, Any]) -> None:
    made = api.post("/api/combos", json={**TEAM, "attempts": 3, "wait": 1.5}).json()["data"]
    path = f"/api/combos/{made['id']}"
    changed = api.patch(path, json={"name": "team", "attempts": None, "strategy": None}).json()["data"]
    assert (changed["name"], changed["attempts"], changed["wait"]) == ("team", None, 1.5)
    assert changed["strategy"] == "priority"
    assert changed["members"] == made["members"]
    changed = api.patch(path, json={"members": [{"model": "llama-x", "when": {"max_tokens": 5}}]}).json()[
        "data"
    ]
    assert [(member["model"], member["when"]["max_tokens"]) for member in changed["members"]] == [
        ("llama-x", 5)
    ]
    assert changed["version"] == 3


def test_nobody_overwrites_what_they_have_not_seen(api: TestClient) -> None:
    made = api.post("/api/combos", json=TEAM)
    path, seen = made.headers["location"], made.headers["etag"]
    assert api.get(path).headers["etag"] == seen
    assert api.patch(path, json={"attempts": 2}, headers={"if-match": seen}).status_code == 200
    late = api.patch(path, json={"attempts": 3}, headers={"if-match": seen})
    assert error(late) == (412, "precondition_failed", None)
    assert error(api.delete(path, headers={"if-match": '"x"'})) == (412, "precondition_failed", None)
    assert api.delete(path, headers={"if-match": '"2"'}).status_code == 200


def test_combos_of_the_file_are_shown_and_stay(api: TestClient) -> None:
    (row,) = api.get("/api/combos").json()["data"]
    assert (row["id"], row["source"], row["read_only"]) == ("config:Written", "config", True)
    assert error(api.patch("/api/combos/written", json={"attempts": 1})) == (409, "read_only", None)
    assert error(api.delete("/api/combos/config:Written")) == (409, "read_only", None)
    assert error(api.post("/api/combos", json={**TEAM, "name": "WRITTEN"})) == (409, "read_only", None)


def test_one_of_the_file_hides_a_stored_one_and_says_so(gateway: Gateway, api: TestClient) -> None:
    gateway.management.combos.create(
        "written", ComboConfig(members=(ComboMember(model="gone"),)), owner_id="local"
    )
    gateway.configuration.snapshot = gateway.source.load()
    gateway.configuration.use_lists({})
    assert targets(gateway, "written") == ["filed/llama-x"]
    rows = api.get("/api/combos").json()["data"]
    assert sorted((row["source"], row["hidden"]) for row in rows) == [("config", False), ("store", True)]
    stored = next(row for row in rows if row["hidden"])
    assert api.delete(f"/api/combos/{stored['id']}").status_code == 200


def test_warnings_but_no_refusal(api: TestClient, account: dict[str, Any]) -> None:
    reply = api.post(
        "/api/combos", json={"name": "GPT-X", "members": [{"model": "nobody/x"}, {"model": "gpt-x"}]}
    )
    assert reply.status_code == 201
    warnings = reply.json()["data"]["warnings"]
    assert reply.json()["notices"] == warnings
    assert any("hides the model 'gpt-x' of main" in warning for warning in warnings)
    assert any("'nobody/x'" in warning for warning in warnings)
    looped = api.post("/api/combos", json={"name": "a", "members": [{"model": "a"}]}).json()["data"]
    assert any("leads back" in warning for warning in looped["warnings"])
    assert any(
        "lead back to themselves: a → a" in problem
        for problem in api.get("/api/status").json()["data"]["problems"]
    )


@pytest.mark.parametrize(
    "body, param",
    [
        ({}, "members"),
        ({"name": "x", "members": []}, "members"),
        ({"name": "x", "members": [{"model": ""}]}, "members[0].model"),
        ({"name": "x", "members": [{"model": "m", "weight": 0}]}, "members[0].weight"),
        ({"name": "x", "members": [{"model": "m", "when": {"hours": "9-5"}}]}, "members[0].when.hours"),
        ({"name": "x", "members": [{"model": "m"}], "strategy": "best"}, "strategy"),
        ({"name": "x", "members": [{"model": "m"}], "attempts": 0}, "attempts"),
        ({"name": " x", "members": [{"model": "m"}]}, "name"),
        ({"name": "", "members": [{"model": "m"}]}, "name"),
        ({"name": "x", "members": [{"model": "m"}], "stratgy": "random"}, "stratgy"),
    ],
)
def test_what_is_no_combo_is_refused_by_its_field(api: TestClient, body: dict[str, Any], param: str) -> None:
    reply = api.post("/api/combos", json=body)
    status, _, named = error(reply)
    assert (status, named) == (400, param)
    assert len(api.get("/api/combos").json()["data"]) == 1


@pytest.mark.parametrize(
    "patch, param",
    [
        ({"members": []}, "members"),
        ({"attempts": 0}, "attempts"),
        ({"attempts": 10**13}, "attempts"),
        ({"first_token": 0}, "first_token"),
        ({"wait": -1}, "wait"),
        ({"name": ""}, "name"),
    ],
)
def test_a_bad_patch_changes_nothing(
    gateway: Gateway, api: TestClient, patch: dict[str, Any], param: str
) -> None:
    made = api.post("/api/combos", json=TEAM)
    path, row = made.headers["location"], made.json()["data"]
    assert error(api.patch(path, json=patch))[::2] == (400, param)
    assert api.get(path).json()["data"] == row
    kept = gateway.management.combos.get(row["id"])
    assert (kept.version, kept.name, kept.config.attempts) == (1, "Team", None), (
        "as it is read from the store"
    )


def test_names_are_unique_whatever_the_case(api: TestClient) -> None:
    api.post("/api/combos", json=TEAM)
    assert error(api.post("/api/combos", json={**TEAM, "name": "tEAM"})) == (409, "conflict", None)


def test_owners_see_their_own(gateway: Gateway, api: TestClient) -> None:
    mine = api.post("/api/combos", json=TEAM).json()["data"]
    with gateway.client(gateway.admin_key("tenant")) as theirs:
        assert theirs.get("/api/combos").json()["data"] == []
        assert error(theirs.get(f"/api/combos/{mine['id']}"))[0] == 404
        assert error(theirs.patch(f"/api/combos/{mine['id']}", json={"attempts": 1}))[0] == 404
        assert error(theirs.delete("/api/combos/Team"))[0] == 404
        own = theirs.post("/api/combos", json=TEAM)
        assert (own.status_code, own.json()["data"]["owner_id"]) == (201, "tenant")
        assert own.json()["data"]["warnings"], "the accounts are not theirs"
    assert len(api.get("/api/combos").json()["data"]) == 3


def test_a_change_that_cannot_be_published_is_told(gateway: Gateway, api: TestClient) -> None:
    gateway.reload_error = StorageError("gone")
    reply = api.post("/api/combos", json=TEAM)
    assert reply.status_code == 201
    assert any("takes effect" in notice for notice in reply.json()["notices"])


# What else routing learns through these routes


def test_accounts_have_tags_and_a_weight(gateway: Gateway, api: TestClient, account: dict[str, Any]) -> None:
    assert (account["tags"], account["weight"]) == ([], 1)
    path = f"/api/accounts/{account['id']}"
    changed = api.patch(path, json={"tags": ["tier:strong", "eu"], "weight": 4}).json()["data"]
    assert (changed["tags"], changed["weight"]) == (["tier:strong", "eu"], 4)
    facts = {held.name: held for held in gateway.configuration.world.facts.accounts}
    assert (facts["main"].tags, facts["main"].weight) == (("tier:strong", "eu"), 4)
    assert facts["main"].hosts["openai_chat"] == "api.openai.com:443"
    back = api.patch(path, json={"tags": None, "weight": None}).json()["data"]
    assert (back["tags"], back["weight"]) == ([], 1)
    assert error(api.patch(path, json={"weight": 0}))[::2] == (400, "weight")
    assert error(api.patch(path, json={"tags": [" a"]}))[::2] == (400, "tags")
    body = {"name": "o", "preset": "openai", "api_key": CANARY, "tags": ["x"], "weight": 2}
    assert api.post("/api/accounts", json=body).json()["data"]["tags"] == ["x"]


def test_routing_settings_lie_over_the_files_member_by_member(gateway: Gateway, api: TestClient) -> None:
    patch = {"routing": {"rotation": "round_robin", "hedging": {"enabled": True}, "default_model": "llama-x"}}
    shown = api.patch("/api/settings", json=patch).json()["data"]
    assert shown["values"] == patch
    force = shown["in_force"]["routing"]
    assert (force["rotation"], force["attempts"], force["default_model"]) == ("round_robin", 4, "llama-x")
    assert (force["hedging"]["enabled"], force["hedging"]["quantile"]) == (True, 0.95)
    assert gateway.configuration.world.routing.rotation == "round_robin"
    assert targets(gateway, "who-knows") == ["filed/llama-x"]
    back = api.patch("/api/settings", json={"routing": {"rotation": None}}).json()["data"]["in_force"]
    assert back["routing"]["rotation"] == "fill_first"


def test_aliases_may_be_pools(gateway: Gateway, api: TestClient, account: dict[str, Any]) -> None:
    api.patch("/api/settings", json={"models": {"aliases": {"big": ["gpt-x", "llama-x"]}}})
    assert targets(gateway, "big") == ["main/gpt-x", "filed/llama-x"]
    entry = next(each for each in api.get("/api/models").json()["data"] if each["id"] == "big")
    assert entry["display_name"] == "big → gpt-x, llama-x"


@pytest.mark.parametrize(
    "patch, param",
    [
        ({"routing": {"combos": {"x": {"members": [{"model": "m"}]}}}}, "routing.combos"),
        ({"routing": {"rotation": "often"}}, "routing.rotation"),
        ({"routing": {"attempts": 0}}, "routing.attempts"),
        ({"routing": {"mapping": [{"model": "a"}]}}, "routing.mapping[0].to"),
        ({"routing": {"rottation": "weighted"}}, "routing.rottation"),
        ({"models": {"aliases": {"x": []}}}, "models.aliases"),
    ],
)
def test_bad_routing_settings_are_not_kept(api: TestClient, patch: dict[str, Any], param: str) -> None:
    reply = api.patch("/api/settings", json=patch)
    status, _, named = error(reply)
    assert status == 400
    assert (named or "").startswith(param), named
    assert api.get("/api/settings").json()["data"]["version"] == 0


def test_switched_off_models_are_not_listed(api: TestClient) -> None:
    assert "llama-x" in [entry["id"] for entry in api.get("/api/models").json()["data"]]
    api.patch("/api/settings", json={"routing": {"disabled_models": ["llama*"]}})
    listed = [entry["id"] for entry in api.get("/api/models").json()["data"]]
    assert not {"llama-x", "fast", "Written"} & set(listed)


__all__ = ["BEARER"]
