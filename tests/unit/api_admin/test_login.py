"""Logging in: passwords, sessions, roles, forged requests; time is told by the tests."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from starlette.testclient import TestClient

from flowrouter.api.admin import ADMIN_ROUTES
from flowrouter.api.admin.access import CSRF_HEADER
from flowrouter.api.admin.login.passwords import hashed, matches, outdated
from flowrouter.api.admin.login.throttle import MEMORY_SECONDS
from flowrouter.api.admin.roles import CHANGES, QUESTIONS, ROLES, least_role
from flowrouter.api.admin.sessions import COOKIE
from flowrouter.settings.admin import Admin
from tests.unit.api_admin.conftest import BEARER, Gateway
from tests.unit.api_admin.test_accounts import error

PASSWORD = "blue horse stapler"
GUARDED = [row for row in ADMIN_ROUTES if not row.public]
WRITES = [row for row in GUARDED if row.method in CHANGES and (row.method, row.path) not in QUESTIONS]
"""Every change there is; a new route is among them by itself."""


@pytest.fixture
def open_house(gateway: Gateway) -> Gateway:
    return with_users(gateway)


def with_users(gateway: Gateway) -> Gateway:
    """Switch logging in on, with a user of each role, all with the same password."""
    with_login(gateway)
    known = hashed(PASSWORD)
    for role in ROLES:
        gateway.management.users.create(role, role=role, password_hash=known)
    return gateway


def with_login(gateway: Gateway, **admin: Any) -> None:
    config = msgspec.structs.replace(gateway.config, admin=Admin(**{"login": "on", **admin}))
    gateway.deps = type(gateway.deps)(**{**vars(gateway.deps), "config": config})


def enter(gateway: Gateway, name: str = "admin", password: str = PASSWORD) -> TestClient:
    """Return a browser that is logged in and sends the proof of its own page."""
    client = gateway.client()
    reply = client.post("/api/login", json={"name": name, "password": password})
    assert reply.status_code == 200, reply.text
    client.headers[CSRF_HEADER] = reply.json()["data"]["csrf_token"]
    return client


def call(client: TestClient, row: Any, **more: Any) -> Any:
    path = row.path.replace("{id}", "none")
    content = b"{}" if row.body is not None else None
    return client.request(row.method, path, content=content, **more)


# Passwords


def test_a_guess_costs_what_it_should(real_passwords: None) -> None:
    """RFC 9106, section 4: the second recommended option."""
    known = hashed(PASSWORD)
    assert known.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert matches(PASSWORD, known)
    assert not matches(PASSWORD + "s", known)
    assert not outdated(known)
    lighter = known.replace("m=65536", "m=8192")
    assert outdated(lighter)


# Off


def test_off_on_this_machine(gateway: Gateway, api: TestClient) -> None:
    ways = gateway.client().get("/api/login").json()["data"]
    assert (ways["on"], ways["password"], ways["oidc"]) == (False, False, None)
    assert "login" in ways["advice"]
    api.post("/api/users", json={"name": "ann", "password": PASSWORD})
    refused = gateway.client().post("/api/login", json={"name": "ann", "password": PASSWORD})
    assert error(refused)[:2] == (403, "login_off")


def test_needed_beyond_this_machine(gateway: Gateway) -> None:
    config = gateway.config
    server = msgspec.structs.replace(config.server, host="0.0.0.0")
    gateway.deps = type(gateway.deps)(
        **{**vars(gateway.deps), "config": msgspec.structs.replace(config, server=server)}
    )
    ways = gateway.client().get("/api/login").json()["data"]
    assert (ways["on"], ways["password"]) == (True, False)
    assert "flow-router admin password" in ways["advice"]
    reply = gateway.client().get("/api/status")
    assert reply.status_code == 401
    assert "flow-router admin password" in reply.json()["error"]["fix"]
    assert gateway.client(BEARER).get("/api/status").status_code == 200


# Every route


@pytest.mark.parametrize("row", GUARDED, ids=lambda row: f"{row.method} {row.path}")
def test_every_route_refuses_strangers(open_house: Gateway, row: Any) -> None:
    client = open_house.client()
    for cookies in ({}, {"cookie": f"{COOKIE}={'A' * 43}"}):
        assert call(client, row, headers=cookies).status_code == 401


def test_every_change_needs_the_pages_proof(open_house: Gateway) -> None:
    client, other = enter(open_house), enter(open_house)
    right, wrong = client.headers.pop(CSRF_HEADER), other.headers[CSRF_HEADER]
    assert wrong != right
    refused = ("csrf_token_needed", "foreign_page")
    for row in sorted(WRITES, key=lambda row: row.path == "/api/logout"):
        name = f"{row.method} {row.path}"
        assert error(call(client, row))[:2] == (403, refused[0]), name
        assert error(call(client, row, headers={CSRF_HEADER: wrong}))[:2] == (403, refused[0]), name
        foreign = {CSRF_HEADER: right, "origin": "https://evil.example"}
        assert error(call(client, row, headers=foreign))[:2] == (403, refused[1]), name
        own = {CSRF_HEADER: right, "origin": "http://127.0.0.1:2402"}
        assert error_code(call(client, row, headers=own)) not in refused, name


@pytest.mark.parametrize("role", ROLES)
def test_every_route_has_a_least_role(open_house: Gateway, role: Any) -> None:
    client = enter(open_house, role)
    for row in sorted(GUARDED, key=lambda row: row.path == "/api/logout"):
        reply = call(client, row)
        refused = reply.status_code == 403 and error_code(reply) == "role_needed"
        needed = least_role(row.method, row.path)
        assert refused == (ROLES.index(role) < ROLES.index(needed)), (row.method, row.path, reply.text)
        assert reply.status_code != 401, (row.method, row.path)


def error_code(reply: Any) -> str | None:
    return reply.json().get("error", {}).get("code") if reply.content and reply.status_code >= 400 else None


def test_the_table_of_roles() -> None:
    assert least_role("GET", "/api/accounts") == "viewer"
    assert least_role("POST", "/api/plan") == "viewer"
    assert least_role("POST", "/api/accounts/{id}/test") == "operator"
    assert least_role("DELETE", "/api/keys/{id}") == "operator"
    assert least_role("PATCH", "/api/settings") == "admin"
    assert least_role("POST", "/api/handover") == "admin"
    assert least_role("GET", "/api/users") == "admin"
    assert least_role("GET", "/api/audit") == "admin"
    assert least_role("POST", "/api/something/new") == "admin", "closed until somebody opens it"


def test_nobody_hands_on_more_than_he_has(open_house: Gateway) -> None:
    operator = enter(open_house, "operator")
    refused = operator.post("/api/keys", json={"name": "mine", "scopes": ["admin"]})
    assert error(refused)[:2] == (403, "role_needed")
    assert operator.post("/api/keys", json={"name": "mine"}).status_code == 201
    assert enter(open_house).post("/api/keys", json={"name": "his", "scopes": ["admin"]}).status_code == 201


# Passwords


def test_login(open_house: Gateway) -> None:
    client = open_house.client()
    reply = client.post("/api/login", json={"name": "Viewer", "password": PASSWORD})
    assert reply.status_code == 200
    cookie = reply.headers["set-cookie"]
    assert cookie.startswith(f"{COOKIE}=")
    for wanted in ("HttpOnly", "SameSite=strict", "Path=/", f"Max-Age={168 * 3600}"):
        assert wanted in cookie
    assert "Secure" not in cookie
    me = client.get("/api/me").json()["data"]
    assert (me["name"], me["role"], me["via"]) == ("viewer", "viewer", "password")
    assert me["csrf_token"] == reply.json()["data"]["csrf_token"]
    assert client.cookies[COOKIE] not in reply.text
    everything = (
        open_house.store.path.read_bytes()
        + open_house.store.path.with_name(open_house.store.path.name + "-wal").read_bytes()
    )
    assert PASSWORD.encode() not in everything
    assert b"argon2id" not in everything, "the hash is sealed"
    assert client.cookies[COOKIE].encode() not in everything


@pytest.mark.parametrize("scheme", ["https", "proxy"])
def test_cookies_where_tls_is_spoken(open_house: Gateway, scheme: str) -> None:
    client = open_house.client()
    if scheme == "https":
        client.base_url = "https://127.0.0.1:2402"
    else:
        with_login(open_house, public_url="https://router.example.com")
        client = open_house.client({"host": "router.example.com"})
    reply = client.post("/api/login", json={"password": PASSWORD})
    assert reply.headers["set-cookie"].startswith(f"__Host-{COOKIE}=")
    assert "Secure" in reply.headers["set-cookie"]
    plain = {"cookie": f"{COOKIE}={reply.headers['set-cookie'].partition('=')[2].partition(';')[0]}"}
    assert client.get("/api/me", headers=plain).status_code == 401, "only the name that TLS protects counts"


def test_forwarded_headers_make_nothing_secure(open_house: Gateway) -> None:
    reply = open_house.client({"x-forwarded-proto": "https"}).post("/api/login", json={"password": PASSWORD})
    assert "Secure" not in reply.headers["set-cookie"]


@pytest.mark.parametrize(
    "body", [{"password": "wrong"}, {"name": "nobody", "password": PASSWORD}, {"name": "", "password": "x"}]
)
def test_wrong_logins(open_house: Gateway, body: dict[str, str]) -> None:
    reply = open_house.client().post("/api/login", json=body)
    assert reply.status_code in (400, 401)
    assert "set-cookie" not in reply.headers


def test_known_and_unknown_names_are_told_the_same(open_house: Gateway) -> None:
    client = open_house.client()
    known = client.post("/api/login", json={"name": "admin", "password": "wrong"}).json()["error"]
    unknown = client.post("/api/login", json={"name": "nobody", "password": "wrong"}).json()["error"]
    assert known == unknown


@pytest.mark.parametrize("password", ["short", "aaaaaaaaaaaaaaaa", "x" * 2000])
def test_bad_passwords_are_not_taken(open_house: Gateway, api: TestClient, password: str) -> None:
    reply = open_house.client(BEARER).post("/api/users", json={"name": "bob", "password": password})
    assert reply.status_code == 400
    assert password not in reply.text


def test_guessing_is_held_back(open_house: Gateway) -> None:
    client, clock = open_house.client(), open_house.clock
    wrong, right = {"password": "wrong"}, {"password": PASSWORD}
    free = open_house.deps.config.admin.free_attempts
    statuses = [client.post("/api/login", json=wrong).status_code for _ in range(free + 1)]
    assert statuses == [401] * (free + 1)
    for wait in (2, 4, 8):
        held = client.post("/api/login", json=right)
        assert error(held)[:2] == (429, "too_many_logins"), "not even the right one is looked at"
        assert 1 <= int(held.headers["retry-after"]) <= wait
        clock.advance(wait)
        assert client.post("/api/login", json=wrong).status_code == 401
    for header in ("x-forwarded-for", "forwarded", "x-real-ip"):
        elsewhere = client.post("/api/login", json=right, headers={header: "203.0.113.9"})
        assert elsewhere.status_code == 429, header
    clock.advance(MEMORY_SECONDS)
    assert client.post("/api/login", json=right).status_code == 200


def test_a_right_password_begins_anew(open_house: Gateway) -> None:
    client = open_house.client()
    for _ in range(3):
        for _ in range(4):
            assert client.post("/api/login", json={"password": "wrong"}).status_code == 401
        assert client.post("/api/login", json={"password": PASSWORD}).status_code == 200


# Sessions


def test_no_session_is_handed_to_the_next(open_house: Gateway) -> None:
    planted = open_house.client()
    planted.post("/api/login", json={"name": "viewer", "password": PASSWORD})
    token = planted.cookies[COOKIE]
    victim = open_house.client({"cookie": f"{COOKIE}={token}"})
    fresh = victim.post("/api/login", json={"name": "admin", "password": PASSWORD})
    assert fresh.status_code == 200
    assert token not in fresh.headers["set-cookie"]
    assert planted.get("/api/me").status_code == 401, "the session that was sent is over"
    made_up = open_house.client({"cookie": f"{COOKIE}={'x' * 43}"})
    assert "x" * 43 not in made_up.post("/api/login", json={"password": PASSWORD}).headers["set-cookie"]


def test_sessions_end(open_house: Gateway) -> None:
    with_login(open_house, idle_minutes=30, session_hours=2)
    client, clock = enter(open_house), open_house.clock
    for _ in range(4):
        clock.advance(29 * 60)
        assert client.get("/api/me").status_code == 200
    clock.advance(5 * 60)
    assert client.get("/api/me").status_code == 401, "two hours are over, however busy"
    idle = enter(open_house)
    clock.advance(31 * 60)
    assert idle.get("/api/me").status_code == 401


def test_logout(open_house: Gateway) -> None:
    first, second, other = enter(open_house), enter(open_house), enter(open_house, "viewer")
    cookie = {"cookie": f"{COOKIE}={first.cookies[COOKIE]}"}
    reply = first.post("/api/logout", json={})
    assert (reply.json()["data"], "Max-Age=0" in reply.headers["set-cookie"]) == ({"ended": 1}, True)
    assert open_house.client().get("/api/me", headers=cookie).status_code == 401
    third = enter(open_house)
    assert third.post("/api/logout", json={"everywhere": True}).json()["data"] == {"ended": 2}
    assert second.get("/api/me").status_code == 401
    assert other.get("/api/me").status_code == 200


def test_the_list_of_sessions(open_house: Gateway) -> None:
    admin, viewer = enter(open_house), enter(open_house, "viewer")
    rows = admin.get("/api/sessions").json()["data"]
    assert {row["name"] for row in rows} == {"admin", "viewer"}
    assert [row["name"] for row in rows if row["current"]] == ["admin"]
    assert "token_hash" not in str(rows)
    assert [row["name"] for row in viewer.get("/api/sessions").json()["data"]] == ["viewer"]
    (his,) = [row["id"] for row in rows if row["name"] == "admin"]
    (hers,) = [row["id"] for row in rows if row["name"] == "viewer"]
    assert viewer.delete(f"/api/sessions/{his}").status_code == 404, "another one's does not exist"
    assert admin.delete(f"/api/sessions/{hers}").status_code == 200
    assert viewer.get("/api/me").status_code == 401


def test_changes_of_a_user_hold_at_once(open_house: Gateway) -> None:
    admin, viewer = enter(open_house), enter(open_house, "viewer")
    ids = {row["name"]: row["id"] for row in admin.get("/api/users").json()["data"]}
    assert admin.patch(f"/api/users/{ids['viewer']}", json={"role": "operator"}).status_code == 200
    assert viewer.get("/api/me").json()["data"]["role"] == "operator"
    for change in ({"enabled": False}, {"enabled": True, "password": "another long phrase"}):
        assert admin.patch(f"/api/users/{ids['viewer']}", json=change).status_code == 200
        assert viewer.get("/api/me").status_code == 401
    again = enter(open_house, "viewer", "another long phrase")
    assert admin.delete(f"/api/users/{ids['viewer']}").json()["data"]["name"] == "viewer"
    assert again.get("/api/me").status_code == 401


def test_ones_own_password(open_house: Gateway) -> None:
    first, other = enter(open_house, "viewer"), enter(open_house, "viewer")
    wrong = first.post("/api/me/password", json={"present": "wrong", "next": "another long phrase"})
    assert wrong.status_code == 401
    right = first.post("/api/me/password", json={"present": PASSWORD, "next": "another long phrase"})
    assert right.status_code == 200, right.text
    assert first.get("/api/me").status_code == 200
    assert other.get("/api/me").status_code == 401
    enter(open_house, "viewer", "another long phrase")
    by_token = open_house.client(BEARER).post("/api/me/password", json={"present": "x", "next": "y"})
    assert error(by_token)[:2] == (409, "no_password")


def test_owners_keys_see_no_people(open_house: Gateway) -> None:
    bob = open_house.client(open_house.admin_key("bob"))
    for method, path in [("GET", "/api/users"), ("GET", "/api/sessions"), ("GET", "/api/audit")]:
        assert error(bob.request(method, path))[:2] == (403, "operator_only")
    made = bob.post("/api/users", json={"name": "eve", "password": PASSWORD, "role": "admin"})
    assert error(made)[:2] == (403, "operator_only")


@pytest.mark.parametrize(
    "patch",
    [{"enabled": True}, {"expires_at_ms": None}, {"name": "mine"}, {"policy": None}, {"scopes": None}],
    ids=lambda patch: next(iter(patch)),
)
def test_se4_an_operator_does_not_bring_back_a_key_that_may_do_more(
    open_house: Gateway, patch: dict[str, Any]
) -> None:
    """Who held an admin key's token before it was switched off would be admin again."""
    api, client = enter(open_house, "admin"), enter(open_house, "operator")
    made = api.post("/api/keys", json={"name": "boss", "scopes": ["admin"], "enabled": False}).json()["data"]
    path = f"/api/keys/{made['id']}"
    refused = client.patch(path, json=patch)
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "role_needed"), refused.text
    assert client.patch(path, json={"enabled": False}).status_code == 200, "switching off is their work"
    assert api.patch(path, json=patch).status_code == 200
