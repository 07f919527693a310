"""Logging in to a running gateway: by password, through a provider, from several browsers."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from flowrouter.api.admin import ADMIN_ROUTES
from flowrouter.api.admin.roles import is_change
from tests.support.commands import run as run_command
from tests.support.gateway import RunningGateway
from tests.support.oidc_provider import CLIENT_ID, CLIENT_SECRET, RunningProvider

PASSWORD = "blue horse stapler"
CALLBACK = "/api/login/oidc/callback"
NAVIGATION = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}


class Browser:
    """Keeps cookies and says where its pages are from, as browsers do."""

    def __init__(self, gateway: RunningGateway) -> None:
        self.gateway = gateway
        self.cookies: dict[str, str] = {}
        self.csrf: str | None = None

    def ask(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> tuple[int, Any, dict[str, str]]:
        """Return status, JSON and headers."""
        sent = {"content-type": "application/json"} if method != "GET" else {}
        if method != "GET":
            sent |= {"origin": self.gateway.url, "sec-fetch-site": "same-origin"}
        if self.cookies:
            sent["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        if self.csrf is not None:
            sent["x-csrf-token"] = self.csrf
        connection = http.client.HTTPConnection("127.0.0.1", self.gateway.port, timeout=60)
        try:
            content = None if method == "GET" else json.dumps(body or {}).encode()
            connection.request(method, path, body=content, headers={**sent, **(headers or {})})
            answer = connection.getresponse()
            text = answer.read()
            for name, value in answer.getheaders():
                if name.lower() == "set-cookie":
                    pair, _, rest = value.partition(";")
                    key, _, kept = pair.partition("=")
                    self.cookies[key] = kept
                    if "Max-Age=0" in rest:
                        del self.cookies[key]
            told = {name.lower(): value for name, value in answer.getheaders()}
            return answer.status, json.loads(text) if text else None, told
        finally:
            connection.close()

    def log_in(self, password: str = PASSWORD) -> int:
        status, said, _ = self.ask("POST", "/api/login", {"password": password})
        if status == 200:
            self.csrf = said["data"]["csrf_token"]
        return status


@pytest.fixture(scope="module")
def provider() -> Iterator[RunningProvider]:
    with RunningProvider() as provider:
        yield provider


@pytest.fixture(scope="module")
def gateway(provider: RunningProvider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    data = tmp_path_factory.mktemp("data")
    oidc = {
        "issuer": provider.issuer,
        "client_id": CLIENT_ID,
        "client_secret": "env:PROVIDER_SECRET",
        "emails": {"*@example.com": "operator"},
    }
    admin = {"login": "on", "oidc": oidc}
    settings = {"admin": admin}
    running = RunningGateway(settings=settings, data=data, environ={"PROVIDER_SECRET": CLIENT_SECRET})
    assert "may log in" in command(data, "admin", "password", text=PASSWORD + "\n")
    with running:
        yield running


def command(data: Path, *words: str, text: str = "", environ: dict[str, str] | None = None) -> str:
    """Run a command beside the gateway and return what it printed."""
    known = {"PROVIDER_SECRET": CLIENT_SECRET, **(environ or {})}
    done = run_command(*words, "--data", str(data), given=text, environ=known)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_change_refuses_without_login(gateway: RunningGateway) -> None:
    stranger = Browser(gateway)
    checked = 0
    for row in ADMIN_ROUTES:
        if row.public or not is_change(row.method, row.path):
            continue
        status, said, _ = stranger.ask(row.method, row.path.replace("{id}", "x"))
        assert (status, said["error"]["code"]) == (401, "unauthenticated"), row.path
        checked += 1
    assert checked > 15


def test_in_and_out(gateway: RunningGateway) -> None:
    browser = Browser(gateway)
    assert browser.ask("GET", "/api/login")[1]["data"]["password"] is True
    assert browser.log_in("wrong password") == 401
    assert browser.log_in() == 200
    assert browser.ask("POST", "/api/keys", {"name": "mine"})[0] == 201
    proof, browser.csrf = browser.csrf, None
    assert browser.ask("POST", "/api/keys", {"name": "forged"})[1]["error"]["code"] == "csrf_token_needed"
    browser.csrf = proof
    foreign = {"origin": "http://evil.example", "sec-fetch-site": "cross-site"}
    assert browser.ask("POST", "/api/keys", {"name": "forged"}, foreign)[0] == 403
    assert [row["name"] for row in browser.ask("GET", "/api/keys")[1]["data"]] == ["mine"]
    kept = dict(browser.cookies)
    assert browser.ask("POST", "/api/logout")[0] == 200
    assert browser.cookies == {}
    browser.cookies = kept
    assert browser.ask("GET", "/api/me")[0] == 401


def test_commands_beside_the_gateway(gateway: RunningGateway) -> None:
    browser = Browser(gateway)
    assert browser.log_in() == 200
    assert browser.ask("GET", "/api/me")[1]["data"]["role"] == "admin"
    command(gateway.data, "admin", "role", "admin", "viewer")
    assert browser.ask("GET", "/api/me")[1]["data"]["role"] == "viewer"
    assert browser.ask("POST", "/api/keys", {"name": "late"})[0] == 403
    assert "admin" in command(gateway.data, "admin", "sessions")
    command(gateway.data, "admin", "logout", "--all")
    assert browser.ask("GET", "/api/me")[0] == 401
    command(gateway.data, "admin", "role", "admin", "admin")
    book = json.loads(command(gateway.data, "audit", "--json"))
    actions = [entry["action"] for entry in book]
    assert {"create_user", "update_user", "end_all_session", "log_in"} <= set(actions)
    assert PASSWORD not in json.dumps(book)
    link = command(gateway.data, "login", environ={"FLOW_ROUTER_SERVER_PORT": str(gateway.port)}).strip()
    status, _ = gateway.get(link.removeprefix(gateway.url))
    assert status == 303, link


def test_guesses_are_held_back(gateway: RunningGateway) -> None:
    browser = Browser(gateway)
    statuses = [browser.log_in("wrong password") for _ in range(8)]
    assert 429 in statuses
    status, said, headers = browser.ask("POST", "/api/login", {"password": PASSWORD})
    assert (status, said["error"]["code"]) == (429, "too_many_logins")
    assert int(headers["retry-after"]) >= 1
    token = (gateway.data / "local.token").read_text().strip()
    assert gateway.get("/api/me", {"authorization": f"Bearer {token}"})[0] == 200


def test_through_a_provider(gateway: RunningGateway, provider: RunningProvider) -> None:
    browser = Browser(gateway)
    status, _, headers = browser.ask("GET", "/api/login/oidc/start")
    assert status == 303
    back = provider.authorize(headers["location"])
    elsewhere = Browser(gateway).ask("GET", f"{CALLBACK}?{urlencode(back)}", headers=NAVIGATION)
    assert (elsewhere[0], elsewhere[1]["error"]["code"]) == (400, "login_expired")
    status, said, headers = browser.ask("GET", f"{CALLBACK}?{urlencode(back)}", headers=NAVIGATION)
    assert (status, headers["refresh"]) == (200, "0; url=/"), said
    me = browser.ask("GET", "/api/me")[1]["data"]
    assert (me["name"], me["role"]) == ("ann@example.com", "operator")
    image = {**NAVIGATION, "sec-fetch-mode": "no-cors"}
    assert browser.ask("GET", f"{CALLBACK}?{urlencode(back)}", headers=image)[0] == 403
    assert browser.ask("GET", "/api/me", headers=NAVIGATION)[0] == 403, "only the way back is open"


@pytest.mark.parametrize(
    ("claims", "sign"),
    [
        ({"iss": "https://evil.example"}, "right"),
        ({"aud": "another"}, "right"),
        ({"nonce": "another"}, "right"),
        ({"exp": 1}, "right"),
        ({}, "none"),
        ({}, "hs256"),
        ({}, "stranger"),
    ],
    ids=["issuer", "audience", "nonce", "expired", "alg_none", "public_key_as_secret", "unknown_key"],
)
def test_attacks_through_a_provider(
    gateway: RunningGateway, provider: RunningProvider, claims: dict[str, Any], sign: str
) -> None:
    browser = Browser(gateway)
    back = provider.authorize(browser.ask("GET", "/api/login/oidc/start")[2]["location"])
    provider.claims, provider.sign = claims, sign
    try:
        status, said, _ = browser.ask("GET", f"{CALLBACK}?{urlencode(back)}", headers=NAVIGATION)
    finally:
        provider.claims, provider.sign = {}, "right"
    assert (status, said["error"]["code"]) == (403, "oidc_refused")
    assert browser.ask("GET", "/api/me")[0] == 401


def test_no_secret_is_in_the_log(gateway: RunningGateway) -> None:
    gateway.assert_no_complaints()
    for secret in (PASSWORD, CLIENT_SECRET):
        assert secret not in gateway.log
