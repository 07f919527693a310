"""Who may use `/api`, and how a browser gets in."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from flowrouter.api.admin import ADMIN_ROUTES
from flowrouter.api.admin.handover import CODE_SECONDS
from flowrouter.api.admin.sessions import COOKIE, SESSION_SECONDS
from flowrouter.api.dashboard import POLICY, STATIC
from tests.unit.api_admin.conftest import BEARER, TOKEN, Gateway

PATHS = [(route.method, route.path.replace("{id}", "x")) for route in ADMIN_ROUTES if not route.public]


@pytest.mark.parametrize(("method", "path"), [*PATHS, ("GET", "/api/nowhere"), ("GET", "/api")])
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": "Bearer wrong"},
        {"authorization": f"Bearer {TOKEN[:-1]}"},
        {"authorization": f"Bearer flr_{'0' * 72}"},
        {"x-api-key": "é"},
        {"cookie": f"{COOKIE}={TOKEN}"},
        {"cookie": f"{COOKIE}=9999999999.aa.bb"},
        {"cookie": f"{COOKIE}={'A' * 43}"},
    ],
)
def test_every_route_needs_a_credential(
    closed: TestClient, method: str, path: str, headers: dict[str, str]
) -> None:
    encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
    reply = closed.request(method, path, headers=encoded)
    assert reply.status_code == 401
    assert "set-cookie" not in reply.headers, "the next call would bring it"
    error = reply.json()["error"]
    assert error["code"] == "unauthenticated"
    assert "local.token" in error["fix"]
    assert reply.headers["www-authenticate"].startswith("Bearer")
    assert reply.json()["request_id"] == reply.headers["x-request-id"]


@pytest.mark.parametrize(
    "headers", [BEARER, {"x-api-key": TOKEN}, {"authorization": "Bearer dummy", "x-api-key": TOKEN}]
)
def test_local_token_opens(gateway: Gateway, headers: dict[str, str]) -> None:
    assert gateway.client().get("/api/status", headers=headers).status_code == 200


def test_key_needs_the_scope(gateway: Gateway) -> None:
    plain = gateway.admin_key("ann", scopes=())
    reply = gateway.client().get("/api/accounts", headers=plain)
    assert (reply.status_code, reply.json()["error"]["code"]) == (403, "missing_scope")
    assert gateway.client().get("/api/accounts", headers=gateway.admin_key("bob")).status_code == 200


def test_a_revoked_key_is_out_at_once(gateway: Gateway, api: TestClient) -> None:
    headers = gateway.admin_key("local")
    (key,) = api.get("/api/keys").json()["data"]
    assert api.delete(f"/api/keys/{key['id']}").status_code == 200
    assert gateway.client().get("/api/accounts", headers=headers).status_code == 401


def test_a_wrong_credential_is_not_saved_by_a_cookie(gateway: Gateway) -> None:
    client = signed_in(gateway)
    assert client.get("/api/status").status_code == 200
    assert client.get("/api/status", headers={"authorization": "Bearer wrong"}).status_code == 401


def test_owners_see_their_own(gateway: Gateway, api: TestClient, account: dict[str, str]) -> None:
    bob = gateway.client(gateway.admin_key("bob"))
    body = {"name": "main", "preset": "openai", "api_key": "sk-of-bob-0123456789", "models": ["bob-x"]}
    mine = bob.post("/api/accounts", json=body).json()["data"]
    assert mine["owner_id"] == "bob"
    assert [row["id"] for row in bob.get("/api/accounts").json()["data"]] == [mine["id"]]
    for method, path in [("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/test"), ("GET", "/models")]:
        reply = bob.request(method, f"/api/accounts/{account['id']}{path}", json={})
        assert reply.status_code == 404, (method, path)
    filed = bob.patch("/api/accounts/config:filed", json={"enabled": False})
    assert filed.status_code == 404, "not 409: it does not exist for this owner"
    assert {row["owner_id"] for row in bob.get("/api/keys").json()["data"]} == {"bob"}
    assert [row["id"] for row in bob.get("/api/models").json()["data"]] == ["bob-x"]
    plan = bob.get("/api/plan", params={"model": "gpt-x"}).json()["data"]
    assert plan["targets"] == []
    assert "main" in {row["name"] for row in api.get("/api/accounts").json()["data"]}
    assert {row["owner_id"] for row in api.get("/api/accounts").json()["data"]} == {"local", "bob"}


def test_an_owner_cannot_reach_past_himself(gateway: Gateway) -> None:
    bob = gateway.client(gateway.admin_key("bob"))
    for method, path in [("POST", "/api/handover"), ("GET", "/api/settings"), ("PATCH", "/api/settings")]:
        reply = bob.request(method, path, json={})
        assert (reply.status_code, reply.json()["error"]["code"]) == (403, "operator_only"), path
    local = gateway.client(gateway.admin_key("local"))
    assert local.get("/api/settings").status_code == 200
    assert local.post("/api/handover", json={}).status_code == 403


def signed_in(gateway: Gateway) -> TestClient:
    client = gateway.client()
    assert client.get("/", params={"token": gateway.deps.handover.handover_code()}).status_code == 303
    return client


def test_handover(gateway: Gateway) -> None:
    code = gateway.deps.handover.handover_code()
    client = gateway.client()
    reply = client.get("/", params={"token": code})
    assert (reply.status_code, reply.headers["location"]) == (303, "/")
    assert reply.headers["referrer-policy"] == "no-referrer"
    cookie = reply.headers["set-cookie"]
    assert cookie.startswith(f"{COOKIE}=")
    for wanted in ("HttpOnly", "SameSite=strict", "Path=/", f"Max-Age={SESSION_SECONDS}"):
        assert wanted in cookie
    assert "Secure" not in cookie
    assert TOKEN not in cookie
    assert code not in cookie
    assert client.get("/api/status").status_code == 200
    again = client.get("/", params={"token": code})
    assert (again.status_code, again.headers["location"]) == (303, "/"), "the same browser may repeat it"
    other = gateway.client().get("/", params={"token": code})
    assert other.status_code == 401, "the code is spent"
    assert "set-cookie" not in other.headers
    assert "/api/handover" in other.text


@pytest.mark.parametrize("code", ["", "wrong", TOKEN, "é" * 48])
def test_a_wrong_code_opens_nothing(gateway: Gateway, code: str) -> None:
    good = gateway.deps.handover.handover_code()
    reply = gateway.client().get("/", params={"token": code})
    assert reply.status_code == 401
    assert "flow-router serve" in reply.text
    assert gateway.client().get("/", params={"token": good}).status_code == 303


def test_looking_ahead_spends_no_code(gateway: Gateway) -> None:
    code = gateway.deps.handover.handover_code()
    ahead = gateway.client().get("/", params={"token": code}, headers={"sec-purpose": "prefetch;prerender"})
    assert ahead.status_code == 503
    assert gateway.client().head("/", params={"token": code}).status_code == 503
    assert gateway.client().get("/", params={"token": code}).status_code == 303


def test_one_more_browser(gateway: Gateway, api: TestClient) -> None:
    made = api.post("/api/handover", json={})
    assert made.status_code == 201
    url = made.json()["data"]["url"]
    assert url.startswith("http://127.0.0.1:2402/?token=")
    assert gateway.client().get(url).status_code == 303
    late = api.post("/api/handover", json={}).json()["data"]["url"]
    gateway.clock.advance(CODE_SECONDS)
    assert gateway.client().get(late).status_code == 401


def test_unused_codes_lapse(gateway: Gateway) -> None:
    first = gateway.deps.handover.handover_code()
    last = [gateway.deps.handover.handover_code() for _ in range(16)][-1]
    assert gateway.client().get("/", params={"token": first}).status_code == 401
    assert gateway.client().get("/", params={"token": last}).status_code == 303


def test_sessions_end_and_die_with_the_token(gateway: Gateway) -> None:
    client = signed_in(gateway)
    cookies = {"cookie": f"{COOKIE}={client.cookies[COOKIE]}"}
    assert gateway.client().get("/api/status", headers=cookies).status_code == 200, "a restart is survived"
    rotated = gateway.client(token="f" * 64)
    assert rotated.get("/api/status", headers=cookies).status_code == 401
    tampered = {"cookie": f"{COOKIE}=9{client.cookies[COOKIE]}"}
    assert gateway.client().get("/api/status", headers=tampered).status_code == 401
    gateway.clock.advance(SESSION_SECONDS)
    assert gateway.client().get("/api/status", headers=cookies).status_code == 401


def test_page_is_the_same_for_everybody(gateway: Gateway, account: dict[str, str]) -> None:
    """It is the dashboard's own file, which says nothing of what the gateway has."""
    stranger = gateway.client().get("/")
    assert stranger.status_code == 200
    assert stranger.text == (STATIC / "index.html").read_text("utf-8")
    assert signed_in(gateway).get("/").content == stranger.content
    assert stranger.headers["content-security-policy"] == POLICY
    assert stranger.headers["cache-control"] == "no-cache"


def test_a_wrong_link_shows_text_as_text(gateway: Gateway) -> None:
    reply = gateway.client().get("/", params={"token": "x"}, headers={"host": "<script>alert(1)</script>"})
    assert reply.status_code == 401
    assert "<script>" not in reply.text
    assert "default-src 'none'" in reply.headers["content-security-policy"]
    assert reply.headers["cache-control"] == "no-store"


def test_other_paths(gateway: Gateway) -> None:
    reply = gateway.client().get("/favicon.ico")
    assert (reply.status_code, reply.json()["error"]["code"]) == (404, "unknown_url")
