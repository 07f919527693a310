"""`/api/keys/{id}`: keys are shown, changed as seen, switched off and on."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.unit.api_admin.conftest import Gateway
from tests.unit.api_admin.test_accounts import error

POLICY = {"models": ["claude-*"], "limits": {"requests_per_minute": 60, "concurrent": 4}, "tags": ["night"]}


@pytest.fixture
def key(api: TestClient) -> dict[str, Any]:
    return api.post("/api/keys", json={"name": "laptop", "policy": POLICY}).json()["data"]


def test_a_policy_is_merged_member_by_member(api: TestClient, key: dict[str, Any]) -> None:
    patch = {"policy": {"limits": {"requests_per_minute": None, "tokens_per_day": 5}, "accounts": ["work"]}}
    changed = api.patch(f"/api/keys/{key['id']}", json=patch)
    assert changed.status_code == 200, changed.text
    assert changed.json()["data"]["policy"] == {
        "models": ["claude-*"],
        "accounts": ["work"],
        "limits": {"tokens_per_day": 5, "concurrent": 4},
        "tags": ["night"],
    }
    bare = api.patch(
        f"/api/keys/{key['id']}", json={"policy": {"models": None, "limits": None, "tags": None}}
    )
    assert bare.json()["data"]["policy"] == {"accounts": ["work"]}
    none = api.patch(f"/api/keys/{key['id']}", json={"policy": None})
    assert none.json()["data"]["policy"] == {}


def test_a_change_is_in_force_when_it_is_answered(
    gateway: Gateway, api: TestClient, key: dict[str, Any]
) -> None:
    def found() -> Any:
        now_ms = int(gateway.clock.now() * 1000)
        return gateway.configuration.world.ring.find(key["token"], now_ms=now_ms)

    assert found().policy.models == ("claude-*",)
    off = api.patch(f"/api/keys/{key['id']}", json={"enabled": False}).json()["data"]
    assert (off["state"], found()) == ("disabled", None)
    assert len(gateway.configuration.world.ring) == 1
    on = api.patch(f"/api/keys/{key['id']}", json={"enabled": None, "name": " pad "}).json()["data"]
    assert (on["state"], on["name"], found().name) == ("live", "pad", "pad")


def test_a_key_is_changed_as_seen(api: TestClient, key: dict[str, Any]) -> None:
    path = f"/api/keys/{key['id']}"
    tag = api.get(path).headers["etag"]
    assert api.patch(path, json={"name": "a"}, headers={"if-match": tag}).status_code == 200
    assert error(api.patch(path, json={"name": "b"}, headers={"if-match": tag})) == (
        412,
        "precondition_failed",
        None,
    )
    assert error(api.patch(path, json={"name": "b"}, headers={"if-match": "x"})) == (
        412,
        "precondition_failed",
        None,
    )
    assert api.patch(path, json={"name": "b"}, headers={"if-match": "*"}).headers["etag"] == '"3"'


@pytest.mark.parametrize(
    ("patch", "status", "code", "param"),
    [
        ({"name": " "}, 400, "invalid_request", "name"),
        ({"expires_at_ms": 5}, 400, "invalid_request", "expires_at_ms"),
        ({"policy": {"limits": {"concurrent": 0}}}, 400, "invalid_request", "policy.limits.concurrent"),
        ({"policy": {"modles": []}}, 400, "unknown_field", "policy.modles"),
        ({"policy": {"dialects": ["klingon"]}}, 400, "invalid_request", "policy.dialects[0]"),
        ({"policy": {"models": [""]}}, 400, "invalid_request", "policy.models[0]"),
        ({"owner": "bob"}, 400, "unknown_field", "owner"),
        ({"token": "flr_x"}, 400, "unknown_field", "token"),
    ],
)
def test_a_bad_change_is_refused(
    api: TestClient, key: dict[str, Any], patch: dict[str, Any], status: int, code: str, param: str
) -> None:
    path = f"/api/keys/{key['id']}"
    before = api.get(path).json()
    assert error(api.patch(path, json=patch)) == (status, code, param)
    assert api.get(path).json() == before


def test_a_revoked_key_stays_what_it_is(api: TestClient, key: dict[str, Any]) -> None:
    api.delete(f"/api/keys/{key['id']}")
    assert error(api.patch(f"/api/keys/{key['id']}", json={"enabled": True}))[:2] == (409, "conflict")
    assert error(api.get("/api/keys/key_none"))[:2] == (404, "not_found")


def test_only_the_operator_names_an_owner(gateway: Gateway, api: TestClient) -> None:
    made = api.post("/api/keys", json={"name": "a", "owner": "ann", "scopes": ["admin"]}).json()["data"]
    assert made["owner_id"] == "ann"
    with gateway.client({"authorization": f"Bearer {made['token']}"}) as hers:
        assert error(hers.post("/api/keys", json={"name": "b", "owner": "bob"}))[:2] == (403, "operator_only")
        own = hers.post("/api/keys", json={"name": "b"}).json()["data"]
        assert own["owner_id"] == "ann"
        other = api.post("/api/keys", json={"name": "c"}).json()["data"]
        assert hers.patch(f"/api/keys/{other['id']}", json={"enabled": False}).status_code == 404
