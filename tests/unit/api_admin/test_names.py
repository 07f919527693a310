"""Aliases, prices, tags and models as things of their own."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.testclient import TestClient

from flowrouter.config import Models
from flowrouter.settings.prices import ModelPrice
from tests.unit.api_admin.conftest import BEARER, Gateway
from tests.unit.api_admin.test_accounts import error
from tests.unit.api_admin.test_login import enter, with_users


def test_aliases(api: TestClient, account: dict[str, Any]) -> None:
    made = api.put("/api/aliases/smart", json={"models": ["gpt-x"]})
    assert made.status_code == 200, made.text
    assert made.json()["data"] == {
        "id": "smart",
        "models": ["gpt-x"],
        "source": "store",
        "read_only": False,
        "hidden": False,
        "warnings": [],
        "managed_by": "console",
        "managed_in": None,
        "managed_fields": [],
    }
    assert api.get("/api/plan", params={"model": "smart"}).json()["data"]["targets"][0]["model"] == "gpt-x"
    pool = api.put("/api/aliases/a/b", json={"models": ["gpt-x", "none"]})
    assert (pool.status_code, pool.json()["data"]["id"]) == (200, "a/b"), "names may have slashes"
    assert api.get("/api/aliases/a/b").json()["data"]["models"] == ["gpt-x", "none"]
    rows = api.get("/api/aliases").json()["data"]
    assert [(row["id"], row["source"]) for row in rows] == [
        ("a/b", "store"),
        ("fast", "config"),
        ("smart", "store"),
    ]
    assert api.delete("/api/aliases/smart").json()["data"] == {"id": "smart", "deleted": True}
    assert error(api.get("/api/aliases/smart"))[:2] == (404, "alias_not_found")
    assert error(api.delete("/api/aliases/smart"))[:2] == (404, "alias_not_found")
    assert api.get("/api/settings").json()["data"]["values"]["models"]["aliases"] == {
        "a/b": ["gpt-x", "none"]
    }


def test_aliases_of_the_file(gateway: Gateway, api: TestClient) -> None:
    for reply in (api.put("/api/aliases/fast", json={"models": ["x"]}), api.delete("/api/aliases/fast")):
        assert error(reply)[:2] == (409, "read_only")
    before = msgspec.structs.replace(gateway.config, models=Models())
    with gateway.client(BEARER, config=before) as earlier:
        assert earlier.put("/api/aliases/fast", json={"models": ["gpt-x"]}).status_code == 200
    rows = [row for row in api.get("/api/aliases").json()["data"] if row["id"] == "fast"]
    assert [(row["source"], row["hidden"]) for row in rows] == [("config", False), ("store", True)]
    assert api.get("/api/aliases/fast").json()["data"]["models"] == ["llama-x"], "the file's is in force"


def test_names_that_are_none(api: TestClient) -> None:
    for name in ("%20x", "x%20", "x" * 201, "a%1bb"):
        assert error(api.put(f"/api/aliases/{name}", json={"models": ["m"]}))[0] == 400, name
        assert error(api.put(f"/api/prices/{name}", json={"input": 1, "output": 1}))[0] == 400, name
    assert error(api.put("/api/aliases/none", json={"models": []}))[:2] == (400, "invalid_request")


def test_an_alias_that_leads_nowhere(api: TestClient) -> None:
    made = api.put("/api/aliases/lost", json={"models": ["nobody-has-it"]})
    assert made.json()["notices"] == ["no account answers 'lost' yet"]


def test_prices(gateway: Gateway, api: TestClient, account: dict[str, Any]) -> None:
    made = api.put("/api/prices/gpt-*", json={"input": 1.25, "output": 10, "cache_read": 0.125})
    assert made.status_code == 200, made.text
    shown = api.get("/api/models/gpt-x").json()["data"]["accounts"][0]["price"]
    assert (shown["source"], shown["input"], shown["output"]) == ("prices.gpt-*", "1.25", "10")
    assert (shown["cache_read"], shown["cache_write"]) == ("0.125", "1.25"), (
        "what has none costs what input does"
    )
    other = api.put("/api/prices/gpt-*", json={"input": 2, "output": 3})
    assert other.json()["data"]["cache_read"] is None, "it replaces the whole"
    assert api.get("/api/prices").json()["data"] == [other.json()["data"]]
    assert api.put("/api/prices/openrouter/*", json={"input": 0, "output": 0}).status_code == 200
    assert api.delete("/api/prices/openrouter/*").status_code == 200
    assert api.delete("/api/prices/gpt-*").status_code == 200
    assert error(api.get("/api/prices/gpt-*"))[:2] == (404, "price_not_found")
    assert api.get("/api/models/gpt-x").json()["data"]["accounts"][0]["price"] is None
    for bad in ({"input": -1, "output": 1}, {"input": 1}, {"input": 1, "output": 1, "outptu": 1}):
        assert error(api.put("/api/prices/m", json=bad))[0] == 400


def test_prices_of_the_file(gateway: Gateway) -> None:
    file = msgspec.structs.replace(gateway.config, prices={"mine": ModelPrice(input=1, output=2)})
    with gateway.client(BEARER, config=file) as api:
        (row,) = api.get("/api/prices").json()["data"]
        assert (row["id"], row["source"], row["read_only"]) == ("mine", "config", True)
        assert error(api.delete("/api/prices/mine"))[:2] == (409, "read_only")
        assert error(api.put("/api/prices/mine", json={"input": 1, "output": 1}))[:2] == (409, "read_only")


def test_tags(api: TestClient, account: dict[str, Any]) -> None:
    assert api.patch(f"/api/accounts/{account['id']}", json={"tags": ["eu", "fast lane"]}).status_code == 200
    assert api.post("/api/keys", json={"name": "laptop", "policy": {"tags": ["team-a"]}}).status_code == 201
    members = [{"model": "gpt-x", "when": {"tags": ["team-a"]}}]
    assert api.post("/api/combos", json={"name": "team", "members": members}).status_code == 201
    rule = {"name": "private", "pattern": "secret", "tag": "eu"}
    assert api.patch("/api/settings", json={"routing": {"intents": [rule]}}).status_code == 200
    rows = {row["id"]: row for row in api.get("/api/tags").json()["data"]}
    eu = {"id": "eu", "accounts": ["main"], "given": 0, "keys": [], "combos": [], "intents": ["private"]}
    assert rows["eu"] == eu
    assert (rows["team-a"]["keys"], rows["team-a"]["combos"]) == (["laptop"], ["team"])
    assert all(row["given"] == len(row["accounts"]) for row in rows.values() if row["id"].startswith("tier:"))


def test_tags_of_others(gateway: Gateway, api: TestClient, account: dict[str, Any]) -> None:
    api.patch(f"/api/accounts/{account['id']}", json={"tags": ["secret-project"]})
    bob = gateway.client(gateway.admin_key("bob"))
    assert "secret-project" not in bob.get("/api/tags").text
    assert error(bob.get("/api/models/gpt-x"))[0] == 404
    assert error(bob.get("/api/aliases"))[:2] == (403, "operator_only")
    assert error(bob.put("/api/prices/x", json={"input": 0, "output": 0}))[:2] == (403, "operator_only")


def test_hiding_a_model(api: TestClient, account: dict[str, Any]) -> None:
    api.put("/api/aliases/smart", json={"models": ["gpt-x"]})
    shown = api.get("/api/models/gpt-x").json()["data"]
    assert (shown["hidden"], shown["aliases"], shown["accounts"][0]["account"]) == (False, ["smart"], "main")
    assert api.patch("/api/models/gpt-x", json={"hidden": True}).json()["data"]["hidden_by"] == "gpt-x"
    assert "gpt-x" not in {row["id"] for row in api.get("/api/models").json()["data"]}
    assert api.get("/api/plan", params={"model": "gpt-x"}).json()["data"]["targets"] == []
    hidden = api.get("/api/models", params={"hidden": "true"}).json()["data"]
    assert [(row["id"], row["accounts"]) for row in hidden] == [("gpt-x", ["main"])]
    assert api.patch("/api/models/gpt-x", json={"hidden": False}).json()["data"]["hidden"] is False
    assert "gpt-x" in {row["id"] for row in api.get("/api/models").json()["data"]}
    assert api.patch("/api/settings", json={"routing": {"disabled_models": ["gpt-*"]}}).status_code == 200
    assert error(api.patch("/api/models/gpt-x", json={"hidden": False}))[:2] == (409, "read_only")
    assert error(api.get("/api/models/none"))[:2] == (404, "model_not_found")


def test_searching_models(api: TestClient, account: dict[str, Any]) -> None:
    for query, found in (
        ({"search": "GPT"}, ["gpt-x"]),
        ({"account": "main"}, ["gpt-x"]),
        ({"search": "zz"}, []),
    ):
        assert [row["id"] for row in api.get("/api/models", params=query).json()["data"]] == found


def test_operators_do_the_daily_work(gateway: Gateway) -> None:
    with_users(gateway)
    operator, viewer = enter(gateway, "operator"), enter(gateway, "viewer")
    assert operator.put("/api/aliases/a", json={"models": ["m"]}).status_code == 200
    assert error(viewer.put("/api/aliases/b", json={"models": ["m"]}))[:2] == (403, "role_needed")
    assert error(operator.put("/api/prices/m", json={"input": 0, "output": 0}))[:2] == (403, "role_needed")
    assert viewer.get("/api/prices").status_code == 200
