"""ETags: on everything that can be changed, heeded by every change of it, and asked for where the owner wants."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from starlette.testclient import TestClient

from flowrouter.api.admin import ADMIN_ROUTES
from flowrouter.api.admin.call import AdminRoute
from flowrouter.settings.admin import Admin
from tests.unit.api_admin.conftest import BEARER, Gateway
from tests.unit.api_admin.test_accounts import error

ROWS = {(row.method, row.path): row for row in ADMIN_ROUTES}
CHANGES = [row for row in ADMIN_ROUTES if row.method in ("PUT", "PATCH", "DELETE") and row.tagged]
"""Every change of a thing that is shown under the same path: a new one is among them by itself."""

BODIES = {
    "/api/accounts/{id}": {"priority": 7},
    "/api/aliases/{id}": {"models": ["gpt-x", "gpt-y"]},
    "/api/combos/{id}": {"attempts": 3},
    "/api/keys/{id}": {"name": "other"},
    "/api/models/{id}": {"hidden": True},
    "/api/prices/{id}": {"input": 3, "output": 4},
    "/api/settings": {"reply_model": "asked"},
    "/api/users/{id}": {"role": "operator"},
}


@pytest.fixture
def things(api: TestClient, account: dict[str, Any]) -> dict[str, str]:
    """Return the path of one thing of each kind."""

    def made(path: str, body: dict[str, Any]) -> str:
        reply = api.post(path, json=body)
        assert reply.status_code == 201, reply.text
        assert reply.headers["location"] == f"{path}/{reply.json()['data']['id']}"
        return reply.headers["location"]

    assert api.put("/api/aliases/smart", json={"models": ["gpt-x"]}).status_code == 200
    assert api.put("/api/prices/gpt-x", json={"input": 1, "output": 2}).status_code == 200
    return {
        "/api/accounts/{id}": f"/api/accounts/{account['id']}",
        "/api/aliases/{id}": "/api/aliases/smart",
        "/api/combos/{id}": made("/api/combos", {"name": "team", "members": [{"model": "gpt-x"}]}),
        "/api/keys/{id}": made("/api/keys", {"name": "laptop"}),
        "/api/models/{id}": "/api/models/gpt-x",
        "/api/prices/{id}": "/api/prices/gpt-x",
        "/api/settings": "/api/settings",
        "/api/users/{id}": made("/api/users", {"name": "ann", "password": "blue horse stapler"}),
    }


def test_what_can_be_changed_has_an_etag() -> None:
    for row in ADMIN_ROUTES:
        shown = ROWS.get(("GET", row.path))
        if row.method in ("PUT", "PATCH") and shown is not None:
            assert row.tagged, f"{row.method} {row.path} heeds no If-Match"
            assert shown.tagged, f"GET {row.path} tells no ETag"
    assert {row.path for row in CHANGES} >= set(BODIES)


@pytest.mark.parametrize("row", CHANGES, ids=lambda row: f"{row.method} {row.path}")
def test_only_what_the_caller_has_seen(api: TestClient, things: dict[str, str], row: AdminRoute) -> None:
    path, body = things[row.path], BODIES[row.path] if row.body is not None else None
    seen = api.get(path)
    tag = seen.headers["etag"]
    assert api.get(path, headers={"if-none-match": tag}).status_code == 304
    assert api.get(path, headers={"if-none-match": f'"x", W/{tag}'}).status_code == 304
    for wrong in ('"0"', "garbage", f"W/{tag}", ""):
        refused = api.request(row.method, path, json=body, headers={"if-match": wrong})
        assert error(refused)[:2] == (412, "precondition_failed"), wrong
    assert api.get(path).json() == seen.json(), "nothing was changed"
    changed = api.request(row.method, path, json=body, headers={"if-match": tag})
    assert changed.status_code == 200, changed.text
    if row.method == "DELETE":
        return
    assert changed.headers["etag"] == api.get(path).headers["etag"] != tag
    assert api.get(path, headers={"if-none-match": tag}).status_code == 200
    late = api.request(row.method, path, json=body, headers={"if-match": tag})
    assert error(late)[:2] == (412, "precondition_failed")
    assert api.request(row.method, path, json=body, headers={"if-match": "*"}).status_code == 200


def test_a_secret_changes_the_etag_too(api: TestClient, things: dict[str, str]) -> None:
    path = things["/api/accounts/{id}"]
    tag = api.get(path).headers["etag"]
    same_tail = "sk-of-another-account-8390"
    assert api.patch(path, json={"api_key": same_tail}).status_code == 200
    assert api.get(path).json()["data"]["key_tail"] == "8390"
    assert api.get(path).headers["etag"] != tag


def test_making_without_replacing(api: TestClient) -> None:
    only_new = {"if-none-match": "*"}
    assert api.put("/api/aliases/new", json={"models": ["gpt-x"]}, headers=only_new).status_code == 200
    again = api.put("/api/aliases/new", json={"models": ["gpt-y"]}, headers=only_new)
    assert error(again)[:2] == (412, "precondition_failed")
    nowhere = api.put("/api/aliases/none", json={"models": ["gpt-y"]}, headers={"if-match": "*"})
    assert error(nowhere)[:2] == (412, "precondition_failed")
    assert [row["models"] for row in api.get("/api/aliases").json()["data"] if row["id"] == "new"] == [
        ["gpt-x"]
    ]


def test_where_the_owner_asks_for_it(gateway: Gateway, api: TestClient, things: dict[str, str]) -> None:
    strict = msgspec.structs.replace(gateway.config, admin=Admin(require_if_match=True))
    with gateway.client(BEARER, config=strict) as careful:
        for row in CHANGES:
            path, body = things[row.path], BODIES[row.path] if row.body is not None else None
            before = careful.get(path)
            refused = careful.request(row.method, path, json=body)
            assert error(refused)[:2] == (428, "precondition_required"), row.path
            assert careful.get(path).json() == before.json()
        path = things["/api/combos/{id}"]
        tag = careful.get(path).headers["etag"]
        assert careful.patch(path, json={"attempts": 2}, headers={"if-match": tag}).status_code == 200
        assert careful.post("/api/keys", json={"name": "phone"}).status_code == 201
