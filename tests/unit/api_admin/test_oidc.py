"""Logging in through OpenID Connect, and everything that must not get in that way."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from starlette.testclient import TestClient

from flowrouter.api.admin.access import CSRF_HEADER
from flowrouter.api.admin.login.oidc_routes import ATTEMPT_SECONDS
from flowrouter.api.admin.login.oidc_routes import COOKIE as ATTEMPT_COOKIE
from flowrouter.api.admin.login.provider import AGAIN_SECONDS, KEPT_SECONDS
from flowrouter.errors import UpstreamError
from flowrouter.settings.admin import Oidc
from flowrouter.wire.http import HttpRequest
from tests.contracts.fakes import START
from tests.support.oidc_provider import CLIENT_ID, CLIENT_SECRET, OidcProvider
from tests.unit.api_admin.conftest import Gateway
from tests.unit.api_admin.test_accounts import error
from tests.unit.api_admin.test_login import with_login

CALLBACK = "/api/login/oidc/callback"


class Wire:
    """The network with one provider in it."""

    def __init__(self, provider: OidcProvider) -> None:
        self.provider = provider
        self.down = False

    async def send(self, request: HttpRequest) -> Any:
        if self.down:
            raise UpstreamError("nobody is there", kind="connect")
        path = request.url.removeprefix(self.provider.issuer)
        status, said = self.provider.answer(
            request.method, path, headers=dict(request.headers), body=request.body
        )
        return Answer(status, json.dumps(said).encode())

    async def close(self) -> None:
        pass


class Answer:
    def __init__(self, status: int, body: bytes) -> None:
        self.status = status
        self.headers: dict[str, str] = {}
        self._pieces = [body]

    async def read(self) -> bytes:
        return self._pieces.pop() if self._pieces else b""

    def close(self) -> None:
        pass


@pytest.fixture
def provider() -> OidcProvider:
    return OidcProvider(now=START)


@pytest.fixture
def wire(provider: OidcProvider) -> Wire:
    return Wire(provider)


@pytest.fixture
def house(gateway: Gateway, provider: OidcProvider, wire: Wire) -> Gateway:
    gateway.network = wire
    oidc = Oidc(
        issuer=provider.issuer,
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
        roles={"gateway-admins": "admin", "gateway-users": "viewer"},
        emails={"ann@example.com": "operator", "*@partner.example": "viewer"},
        label="Example",
    )
    with_login(gateway, oidc=oidc)
    gateway.deps = type(gateway.deps)(**{**vars(gateway.deps), "transport": wire})
    return gateway


def begin(client: TestClient) -> str:
    reply = client.get("/api/login/oidc/start")
    assert reply.status_code == 303, reply.text
    return str(reply.headers["location"])


def there_and_back(client: TestClient, provider: OidcProvider, **changes: str) -> Any:
    back = {**provider.authorize(begin(client)), **changes}
    return client.get(CALLBACK, params=back)


def refusal_of(reply: Any, status: int, code: str) -> str:
    assert error(reply)[:2] == (status, code), reply.text
    assert "flow_router_session" not in reply.headers.get("set-cookie", "")
    return str(reply.json()["error"]["message"])


def test_login(house: Gateway, provider: OidcProvider) -> None:
    client = house.client()
    ways = client.get("/api/login").json()["data"]
    assert ways["oidc"] == {"label": "Example", "start": "/api/login/oidc/start"}
    location = begin(client)
    asked = parse_qs(urlsplit(location).query)
    assert asked["redirect_uri"] == [f"http://127.0.0.1:2402{CALLBACK}"]
    assert {len(asked[name][0]) for name in ("state", "nonce", "code_challenge")} == {43}
    reply = client.get(CALLBACK, params=provider.authorize(location))
    assert reply.status_code == 200, reply.text
    assert reply.headers["refresh"] == "0; url=/"
    session, attempt = reply.headers.get_list("set-cookie")
    assert "SameSite=strict" in session
    assert attempt.startswith(f"{ATTEMPT_COOKIE}=; Max-Age=0")
    me = client.get("/api/me").json()["data"]
    assert (me["name"], me["role"], me["via"]) == ("ann@example.com", "operator", "oidc")
    client.headers[CSRF_HEADER] = me["csrf_token"]
    assert client.post("/api/keys", json={"name": "hers"}).status_code == 201
    book = house.client({"authorization": f"Bearer {house.deps.token}"}).get("/api/audit").json()["data"]
    assert [(row["actor"], row["action"]) for row in book] == [
        ("ann@example.com", "create_key"),
        ("ann@example.com", "finish_oidc"),
    ]
    assert CLIENT_SECRET not in json.dumps(book)


def test_the_address_browsers_use(house: Gateway, provider: OidcProvider) -> None:
    with_login(house, oidc=house.deps.config.admin.oidc, public_url="https://router.example.com")
    client = house.client({"host": "router.example.com"})
    client.base_url = "https://router.example.com"
    asked = parse_qs(urlsplit(begin(client)).query)
    assert asked["redirect_uri"] == [f"https://router.example.com{CALLBACK}"]
    assert there_and_back(client, provider).status_code == 200


@pytest.mark.parametrize(
    ("claims", "role"),
    [
        ({"groups": ["x", "gateway-admins"], "email": "eve@else.example"}, "admin"),
        ({"groups": "gateway-users", "email": "eve@else.example"}, "viewer"),
        ({"groups": ["gateway-users"]}, "operator"),
        ({"email": "Bob@Partner.Example"}, "viewer"),
        ({"email": "eve@else.example"}, None),
        ({"email": "ann@example.com", "email_verified": False}, None),
        ({"email": "ann@example.com", "email_verified": "true"}, None),
        ({"email": "eve@evil-partner.example"}, None),
        ({"groups": [["gateway-admins"]], "email": "eve@else.example"}, None),
        ({"groups": {"gateway-admins": True}, "email": "eve@else.example"}, None),
    ],
)
def test_roles(house: Gateway, provider: OidcProvider, claims: dict[str, Any], role: str | None) -> None:
    provider.claims = claims
    client = house.client()
    reply = there_and_back(client, provider)
    if role is None:
        refusal_of(reply, 403, "no_role")
        assert client.get("/api/me").status_code == 401
    else:
        assert client.get("/api/me").json()["data"]["role"] == role


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://evil.example"},
        {"iss": "https://login.example.com/"},
        {"aud": "another-client"},
        {"aud": ["another-client", "third"]},
        {"aud": [CLIENT_ID, "another-client"]},
        {"aud": [CLIENT_ID, "another-client"], "azp": "another-client"},
        {"azp": "another-client"},
        {"nonce": "of another login"},
        {"exp": int(START) - 61},
        {"iat": int(START) + 3600},
        {"nbf": int(START) + 3600},
        {"exp": "tomorrow"},
        {"sub": ""},
        {"sub": 7},
        {"at_hash": "not-that-of-the-token"},
    ],
    ids=json.dumps,
)
def test_claims_that_do_not_count(house: Gateway, provider: OidcProvider, claims: dict[str, Any]) -> None:
    provider.claims = claims
    refusal_of(there_and_back(house.client(), provider), 403, "oidc_refused")


@pytest.mark.parametrize("name", ["iss", "sub", "aud", "exp", "iat", "nonce"])
def test_claims_that_must_be_there(house: Gateway, provider: OidcProvider, name: str) -> None:
    provider.without = (name,)
    refusal_of(there_and_back(house.client(), provider), 403, "oidc_refused")


@pytest.mark.parametrize("sign", ["none", "hs256", "stranger"])
def test_signatures_that_do_not_count(house: Gateway, provider: OidcProvider, sign: str) -> None:
    provider.sign = sign
    refusal_of(there_and_back(house.client(), provider), 403, "oidc_refused")


def test_a_clock_a_little_off_is_forgiven(house: Gateway, provider: OidcProvider) -> None:
    provider.claims = {"iat": int(START) + 50, "exp": int(START) - 50}
    assert there_and_back(house.client(), provider).status_code == 200


def test_states_that_lead_nowhere(house: Gateway, provider: OidcProvider) -> None:
    mine, other = house.client(), house.client()
    begun = provider.authorize(begin(mine))
    for params in ({**begun, "state": "made-up"}, {**begun, "state": ""}):
        refusal_of(mine.get(CALLBACK, params=params), 400, "login_expired")
    refusal_of(other.get(CALLBACK, params=begun), 400, "login_expired")
    begin(other)
    refusal_of(other.get(CALLBACK, params=begun), 400, "login_expired")
    attempt = mine.cookies[ATTEMPT_COOKIE]
    assert mine.get(CALLBACK, params=begun).status_code == 200, "none of these spent it"
    again = {"cookie": f"{ATTEMPT_COOKIE}={attempt}"}
    refusal_of(house.client(again).get(CALLBACK, params=begun), 400, "login_expired")
    forged = {"cookie": f"{ATTEMPT_COOKIE}=x{attempt}"}
    refusal_of(house.client(forged).get(CALLBACK, params=begun), 400, "login_expired")


def test_a_login_that_takes_too_long(house: Gateway, provider: OidcProvider) -> None:
    client = house.client()
    begun = provider.authorize(begin(client))
    house.clock.advance(ATTEMPT_SECONDS)
    refusal_of(client.get(CALLBACK, params=begun), 400, "login_expired")


def test_answers_of_another_provider(house: Gateway, provider: OidcProvider) -> None:
    reply = there_and_back(house.client(), provider, iss="https://evil.example")
    assert "another provider" in refusal_of(reply, 403, "oidc_refused")
    assert "POST /token" not in provider.asked, "the code is not handed on"


def test_what_the_provider_refuses(house: Gateway, provider: OidcProvider) -> None:
    denied = there_and_back(house.client(), provider, error="access_denied", code="")
    assert "access_denied" in refusal_of(denied, 403, "oidc_refused")
    stolen = there_and_back(house.client(), provider, code="somebody-elses")
    refusal_of(stolen, 403, "oidc_refused")
    client = house.client()
    first, second = provider.authorize(begin(client)), provider.authorize(begin(house.client()))
    mixed = client.get(CALLBACK, params={**first, "code": second["code"]})
    assert "invalid_grant" in refusal_of(mixed, 403, "oidc_refused"), "PKCE ties a code to its browser"


def test_keys_are_kept_and_change(house: Gateway, provider: OidcProvider) -> None:
    client = house.client()
    for _ in range(3):
        assert there_and_back(client, provider).status_code == 200
    assert provider.asked.count("GET /keys") == 1
    assert provider.asked.count("GET /.well-known/openid-configuration") == 1
    house.clock.advance(AGAIN_SECONDS + 1)
    provider.now = house.clock.now()
    provider.rotate()
    assert there_and_back(client, provider).status_code == 200
    assert provider.asked.count("GET /keys") == 2
    for _ in range(5):
        provider.sign = "stranger"
        refusal_of(there_and_back(client, provider), 403, "oidc_refused")
    assert provider.asked.count("GET /keys") == 2, "unknown keys make us look again once a minute"
    provider.sign = "right"
    house.clock.advance(KEPT_SECONDS + 1)
    provider.now = house.clock.now()
    assert there_and_back(client, provider).status_code == 200
    assert provider.asked.count("GET /keys") == 3


@pytest.mark.parametrize(
    "published",
    [
        {"issuer": "https://evil.example"},
        {"token_endpoint": "http://login.example.com/token"},
        {"jwks_uri": 7},
    ],
)
def test_a_provider_that_is_not_what_it_should_be(
    house: Gateway, provider: OidcProvider, published: dict[str, Any]
) -> None:
    provider.published = published
    refusal_of(house.client().get("/api/login/oidc/start"), 502, "oidc_unreachable")


def test_a_provider_that_is_away(house: Gateway, provider: OidcProvider, wire: Wire) -> None:
    client = house.client()
    begun = provider.authorize(begin(client))
    wire.down = True
    refusal_of(client.get(CALLBACK, params=begun), 502, "oidc_unreachable")


def test_off_without_an_issuer(gateway: Gateway) -> None:
    with_login(gateway)
    refusal_of(gateway.client().get("/api/login/oidc/start"), 403, "login_off")
    refusal_of(gateway.client().get(CALLBACK), 403, "login_off")
