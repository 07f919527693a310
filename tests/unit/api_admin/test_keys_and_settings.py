"""`/api/keys`, `/api/settings` and `/api/status`."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from starlette.testclient import TestClient

from flowrouter import __version__
from flowrouter.errors import StorageError
from flowrouter.gateway.runtime_settings import in_force
from tests.unit.api_admin.conftest import Gateway
from tests.unit.api_admin.test_accounts import error


def test_a_key_is_told_once(gateway: Gateway, api: TestClient) -> None:
    made = api.post("/api/keys", json={"name": " laptop "})
    assert made.status_code == 201
    key = made.json()["data"]
    token = key.pop("token")
    assert key["name"] == "laptop"
    assert key["state"] == "live"
    now_ms = int(gateway.clock.now() * 1000)
    assert gateway.configuration.world.ring.find(token, now_ms=now_ms) is not None, "it works already"
    listed = api.get("/api/keys")
    assert listed.json()["data"] == [key]
    assert token not in listed.text
    assert "token_hash" not in listed.text


def test_the_first_and_the_last_key_change_the_door(gateway: Gateway, api: TestClient) -> None:
    first = api.post("/api/keys", json={"name": "a"}).json()
    assert any("every call" in notice for notice in first["notices"])
    second = api.post("/api/keys", json={"name": "b"}).json()
    assert "notices" not in second
    gone = api.delete(f"/api/keys/{first['data']['id']}").json()
    assert (gone["data"]["state"], "notices" in gone) == ("revoked", False)
    last = api.delete(f"/api/keys/{second['data']['id']}").json()
    assert any("need none again" in notice for notice in last["notices"])
    assert not len(gateway.configuration.world.ring)
    assert error(api.delete("/api/keys/key_none")) == (404, "not_found", None)


def test_keys_newest_first_in_pages(gateway: Gateway, api: TestClient) -> None:
    for number in range(5):
        api.post("/api/keys", json={"name": f"k{number}"})
        gateway.clock.advance(1)
    page = api.get("/api/keys", params={"limit": 2}).json()
    rest = api.get("/api/keys", params={"cursor": page["next_cursor"]}).json()
    names = [row["name"] for row in page["data"] + rest["data"]]
    assert names == ["k4", "k3", "k2", "k1", "k0"]


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        ({}, "missing_field", "name"),
        ({"name": ""}, "invalid_request", "name"),
        ({"name": "  "}, "invalid_request", "name"),
        ({"name": "k", "scopes": ["amdin"]}, "invalid_request", "scopes[0]"),
        ({"name": "k", "expires_at_ms": 5}, "invalid_request", "expires_at_ms"),
        ({"name": "k", "owner_id": "bob"}, "unknown_field", "owner_id"),
    ],
)
def test_a_bad_key_is_refused(api: TestClient, body: dict[str, Any], code: str, param: str) -> None:
    assert error(api.post("/api/keys", json=body)) == (400, code, param)
    assert api.get("/api/keys").json()["data"] == []


def test_keys_expire(gateway: Gateway, api: TestClient) -> None:
    ends = int(gateway.clock.now() * 1000) + 1000
    api.post("/api/keys", json={"name": "k", "expires_at_ms": ends})
    gateway.clock.advance(1)
    assert api.get("/api/keys").json()["data"][0]["state"] == "expired"


def test_settings_merge(gateway: Gateway, api: TestClient) -> None:
    first = api.get("/api/settings")
    assert first.headers["etag"] == '"0"'
    data = first.json()["data"]
    assert (data["values"], data["version"]) == ({}, 0)
    force = data["in_force"]
    assert (force["reply_model"], force["models"]["aliases"]) == ("answered", {"fast": "llama-x"})
    assert (force["discovery"], force["routing"]["rotation"]) == ({"dismissed": []}, "fill_first")
    patch = {"reply_model": "asked", "models": {"aliases": {"smart": "main/gpt-x"}}}
    changed = api.patch("/api/settings", json=patch)
    assert changed.headers["etag"] == '"1"'
    assert changed.json()["data"]["values"] == patch
    assert changed.json()["data"]["in_force"]["models"]["aliases"] == {
        "fast": "llama-x",
        "smart": "main/gpt-x",
    }
    world = gateway.configuration.world
    assert (world.reply_model, world.facts.aliases["smart"]) == ("asked", "main/gpt-x"), "in force already"
    back = api.patch("/api/settings", json={"reply_model": None, "models": {"aliases": {"smart": None}}})
    assert back.json()["data"]["values"] == {"models": {"aliases": {}}}
    assert back.json()["data"]["in_force"]["reply_model"] == "answered"


@pytest.mark.parametrize(
    ("patch", "code", "param"),
    [
        ({"reply_modle": "asked"}, "unknown_field", "reply_modle"),
        ({"reply_model": "ask"}, "invalid_request", "reply_model"),
        ({"models": {"alias": {}}}, "unknown_field", "models.alias"),
        ({"models": {"aliases": {"a": ""}}}, "invalid_request", "models.aliases"),
        ({"models": {"aliases": {" ": "a"}}}, "invalid_request", "models.aliases"),
        ({"models": []}, "invalid_request", "models"),
    ],
)
def test_bad_settings_are_not_kept(api: TestClient, patch: dict[str, Any], code: str, param: str) -> None:
    reply = api.patch("/api/settings", json=patch)
    assert error(reply) == (400, code, param)
    assert api.get("/api/settings").json()["data"]["version"] == 0


def test_the_closest_name_is_offered(api: TestClient) -> None:
    assert "`reply_model`" in api.patch("/api/settings", json={"reply_modle": 1}).json()["error"]["fix"]
    assert "`asked`" in api.patch("/api/settings", json={"reply_model": "askd"}).json()["error"]["fix"]
    assert "`aliases`" in api.patch("/api/settings", json={"models": {"alias": {}}}).json()["error"]["fix"]


def test_settings_are_changed_as_seen(api: TestClient) -> None:
    seen = api.get("/api/settings").headers["etag"]
    assert (
        api.patch("/api/settings", json={"reply_model": "asked"}, headers={"if-match": seen}).status_code
        == 200
    )
    late = api.patch("/api/settings", json={"reply_model": "answered"}, headers={"if-match": seen})
    assert error(late) == (412, "precondition_failed", None)
    for wrong in ('W/"1"', "1", '"x"', '"99999999999999999999"'):
        reply = api.patch("/api/settings", json={}, headers={"if-match": wrong})
        assert error(reply) == (412, "precondition_failed", None), wrong
    assert api.patch("/api/settings", json={}, headers={"if-match": "*"}).status_code == 200


def test_settings_not_sent_twice(api: TestClient) -> None:
    tag = api.get("/api/settings").headers["etag"]
    same = api.get("/api/settings", headers={"if-none-match": f'"7", {tag}'})
    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", tag)


def test_aliases_of_the_file_stay(gateway: Gateway, api: TestClient) -> None:
    reply = api.patch("/api/settings", json={"models": {"aliases": {"fast": "x"}}})
    assert error(reply) == (409, "read_only", "models.aliases.fast")
    assert str(gateway.config.file) in reply.json()["error"]["message"]


def test_what_another_version_stored_is_told(gateway: Gateway) -> None:
    with pytest.raises(msgspec.ValidationError, match="telepathy"):
        in_force({"telepathy": True}, gateway.config)


def test_status(gateway: Gateway, api: TestClient, account: dict[str, Any]) -> None:
    gateway.clock.advance(12.5)
    status = api.get("/api/status").json()["data"]
    assert (status["version"], status["uptime_s"]) == (__version__, 12.5)
    assert status["base_urls"] == {
        "openai": "http://127.0.0.1:2402/v1",
        "anthropic": "http://127.0.0.1:2402",
    }
    assert (status["accounts"], status["usable_accounts"], status["keys"]) == (2, 2, 0)
    assert status["key_needed"] is False
    assert status["store"]["ok"] is True
    assert status["store"]["log"]["lost"] == 0
    assert status["snapshot"]["version"] == gateway.configuration.snapshot.version
    assert status["problems"] == []


def test_a_store_that_fails(gateway: Gateway) -> None:
    def fail() -> Any:
        raise StorageError("disk on fire at /var/lib/x.db")

    key = gateway.admin_key("bob")
    headers = {"authorization": f"Bearer {gateway.deps.token}"}
    with gateway.client(headers, management=fail) as api:
        status = api.get("/api/status").json()["data"]
        assert (status["store"]["ok"], "disk on fire" in status["store"]["error"]) == (False, True)
        assert api.get("/api/accounts").status_code == 200, "what is in memory is shown all the same"
        reply = api.get("/api/keys")
        assert error(reply) == (503, "store_unavailable", None)
        assert reply.headers["retry-after"] == "1"
        assert "disk" not in api.get("/api/status", headers=key).text


def test_problems_of_accounts_are_told(gateway: Gateway, api: TestClient, account: dict[str, Any]) -> None:
    import sqlite3

    with sqlite3.connect(gateway.store.path) as connection:
        connection.execute("UPDATE accounts SET api_key_sealed = x'00'")
    connection.close()
    api.patch("/api/settings", json={})  # any change publishes anew
    status = api.get("/api/status").json()["data"]
    assert status["usable_accounts"] == 1
    assert [problem for problem in status["problems"] if "main" in problem]
    shown = api.get(f"/api/accounts/{account['id']}").json()["data"]
    assert "again" in shown["problem"]
    assert error(api.post(f"/api/accounts/{account['id']}/test", json={})) == (409, "account_unusable", None)
    moved = api.patch(f"/api/accounts/{account['id']}", json={"base_url": "https://elsewhere.test/v1"})
    assert error(moved) == (400, "secret_needed", "api_key")
    healed = api.patch(
        f"/api/accounts/{account['id']}", json={"api_key": "sk-entered-again-12", "enabled": True}
    )
    assert (healed.json()["data"]["problem"], healed.json()["data"]["enabled"]) == (None, True)


def test_a_policy_is_kept_with_its_key(gateway: Gateway, api: TestClient) -> None:
    policy = {"unsupported": "refuse", "responses_store": True, "completion": "error"}
    made = api.post("/api/keys", json={"name": "strict", "policy": policy}).json()["data"]
    assert made["policy"] == policy
    key = next(iter(gateway.configuration.world.ring))
    kept = key.policy
    assert (kept.unsupported, kept.responses_store, kept.completion) == ("refuse", True, "error")
    for odd in ({"unsupported": "never"}, {"completion": "sometimes"}):
        assert api.post("/api/keys", json={"name": "odd", "policy": odd}).status_code == 400
