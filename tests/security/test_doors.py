"""SE8 and SE11: who may enter `/api` from anywhere, and what a browser can be tricked into."""

from __future__ import annotations

import json
import re
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flowrouter.api.admin import ADMIN_ROUTES
from flowrouter.api.admin.roles import is_change
from flowrouter.wire import sse
from tests.e2e.test_login import Browser, command
from tests.support.gateway import RunningGateway
from tests.upstreams import ScriptedUpstream

PASSWORD = "blue horse stapler"
GUARDED = [row for row in ADMIN_ROUTES if not row.public]
TRUST = (
    "x-forwarded-for", "x-real-ip", "forwarded", "x-client-ip", "true-client-ip", "cf-connecting-ip",
    "x-forwarded-host", "x-original-url", "x-rewrite-url", "x-forwarded-user", "remote-user",
)  # fmt: skip
"""Headers that some other gateway believed."""


@pytest.fixture(scope="module")
def abroad(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    """A gateway that others can reach, with an admin and a viewer."""
    data = tmp_path_factory.mktemp("abroad")
    server = {"host": "0.0.0.0", "allowed_hosts": ["router.example"]}
    gateway = RunningGateway(settings={"server": server}, data=data)
    command(data, "keys", "create", "first")
    command(data, "admin", "password", text=PASSWORD + "\n")
    command(data, "admin", "password", "eve", "--role", "viewer", text=PASSWORD + "\n")
    with gateway:
        yield gateway
        gateway.assert_no_complaints()


def call(gateway: RunningGateway, row: Any, headers: dict[str, str]) -> tuple[int, str]:
    body = b"{}" if row.method != "GET" else None
    sent = {"content-type": "application/json", **headers}
    status, answer = gateway.call(row.method, row.path.replace("{id}", "x"), body=body, headers=sent)
    return status, json.loads(answer)["error"]["code"]


def test_se8_every_route_asks_whoever_calls(abroad: RunningGateway) -> None:
    """From this machine too: an address gives no rights, and no header makes one."""
    claims = dict.fromkeys(TRUST, "127.0.0.1") | {"x-original-url": "/healthz", "x-forwarded-user": "admin"}
    for row in GUARDED:
        assert call(abroad, row, {}) == (401, "unauthenticated"), row.path
        assert call(abroad, row, claims) == (401, "unauthenticated"), row.path
    assert abroad.get("/metrics")[0] == 401
    assert abroad.get("/v1/models", dict.fromkeys(TRUST, "127.0.0.1"))[0] == 401


@pytest.mark.parametrize(
    "path",
    ["//api/keys", "/api//keys", "/./api/keys", "/v1/../api/keys", "/api/keys/", "/API/keys", "/api%2fkeys",
     "/api/keys%00", "/api/keys;x=1", "/api/keys?token=x", "/v1/..%2f..%2fapi/keys", "/healthz/../api/keys"],
)  # fmt: skip
def test_se8_no_spelling_of_a_path_is_let_in(abroad: RunningGateway, path: str) -> None:
    status, answer = abroad.get(path)
    assert status in (400, 401, 404), (status, answer)
    assert b'"data"' not in answer


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "router.example.evil", "0.0.0.0", "[::]"]
)
@pytest.mark.parametrize(
    "path", ["/", "/static/vendor/preact.js", "/metrics", "/api/login", "/healthz", "/v1/models"]
)
def test_se8_a_name_that_was_rebound_is_not_served(abroad: RunningGateway, host: str, path: str) -> None:
    assert abroad.get(path, {"host": f"{host}:{abroad.port}"})[0] == 421


@pytest.mark.parametrize(
    "path",
    ["/api/backups/..%2f..%2fsecret.key/file", "/api/backups/..%2flocal.token/file", "/api/presets/..%2f..%2fsecret",
     "/api/presets/%2fetc%2fpasswd", "/v1/receipts/..%2f..%2fsecret.key", "/api/accounts/..%2f..%2flocal.token",
     "/static/..%2f__init__.py", "/static/%2fetc%2fpasswd", "/static/..%5c..%5cconfig.py", "/static/vendor/..%00/x.js"],
)  # fmt: skip
def test_se8_no_id_is_a_path(abroad: RunningGateway, path: str) -> None:
    """Even somebody who may do everything reads no file by a name that climbs."""
    token = (abroad.data / "local.token").read_text().strip()
    status, answer = abroad.get(path, {"authorization": f"Bearer {token}"})
    assert status in (400, 401, 404), answer
    assert token.encode() not in answer
    assert (abroad.data / "secret.key").read_bytes().strip() not in answer


def test_se11_a_change_needs_what_only_our_own_pages_have(abroad: RunningGateway) -> None:
    browser = Browser(abroad)
    assert browser.log_in(PASSWORD) == 200
    proof = browser.csrf
    changes = [row for row in GUARDED if is_change(row.method, row.path) and row.path != "/api/logout"]
    for forged in (None, "", "x", (proof or "")[:-1], (proof or "") + "0"):
        browser.csrf = forged
        for row in changes if forged is None else changes[:3]:
            status, said, _ = browser.ask(row.method, row.path.replace("{id}", "x"))
            assert (status, said["error"]["code"]) == (403, "csrf_token_needed"), row.path
    browser.csrf = proof
    for origin in ("http://evil.example", "null", f"http://localhost:{abroad.port}", "http://router.example"):
        status, said, _ = browser.ask("POST", "/api/keys", {"name": "forged"}, {"origin": origin})
        assert status == 403, said
    assert browser.ask("POST", "/api/keys", {"name": "mine"})[0] == 201
    cookie = {"cookie": f"flow_router_session={browser.cookies['flow_router_session']}"}
    assert abroad.call("POST", "/v1/chat/completions", body=b"{}", headers=cookie)[0] == 401, (
        "no key for models"
    )


def test_se11_a_session_is_its_cookie_and_nothing_kept_opens_one(abroad: RunningGateway) -> None:
    import hashlib

    browser = Browser(abroad)
    assert browser.log_in(PASSWORD) == 200
    cookie = browser.cookies["flow_router_session"]
    kept = hashlib.sha256(cookie.encode()).hexdigest()
    for value in (kept, kept[:43], cookie[:-1], cookie[::-1], ""):
        assert abroad.get("/api/me", {"cookie": f"flow_router_session={value}"})[0] == 401
    for credential in (cookie, kept):
        assert abroad.get("/api/me", {"authorization": f"Bearer {credential}"})[0] == 401
    assert browser.ask("GET", "/api/me")[0] == 200
    planted = Browser(abroad)
    planted.cookies["flow_router_session"] = cookie
    assert planted.log_in(PASSWORD) == 200
    assert planted.cookies["flow_router_session"] != cookie, (
        "a login never takes over a session that was sent"
    )
    assert browser.ask("GET", "/api/me")[0] == 401


def test_se11_roles_hold_on_every_route(abroad: RunningGateway) -> None:
    eve = Browser(abroad)
    status, said, _ = eve.ask("POST", "/api/login", {"name": "eve", "password": PASSWORD})
    assert status == 200
    eve.csrf = said["data"]["csrf_token"]
    own = {"/api/logout", "/api/me/password", "/api/sessions/{id}"}
    for row in GUARDED:
        if is_change(row.method, row.path) and row.path not in own:
            status, said, _ = eve.ask(row.method, row.path.replace("{id}", "x"))
            assert (status, said["error"]["code"]) == (403, "role_needed"), row.path
    closed = (
        "/api/users",
        "/api/audit",
        "/api/export",
        "/api/backups",
        "/api/requests/x/bodies",
        "/api/logs",
    )
    for path in closed:
        assert eve.ask("GET", path)[0] == 403, path


def test_se11_changes_and_refused_ones_are_in_the_book(abroad: RunningGateway) -> None:
    browser = Browser(abroad)
    assert browser.log_in(PASSWORD) == 200
    assert browser.ask("POST", "/api/keys", {"name": "written down"})[0] == 201
    book = browser.ask("GET", "/api/audit?limit=200")[1]["data"]
    made = next(entry for entry in book if (entry["after"] or {}).get("name") == "written down")
    assert (made["actor"], made["via"], made["action"]) == ("admin", "password", "create_key")
    assert "flr_" not in json.dumps(made["after"]).replace(made["after"]["shown"], "")
    assert {"log_in"} <= {entry["action"] for entry in book}
    assert {403} <= {entry["status"] for entry in book}, "what was refused for its role or its proof is there"
    assert not [row for row in ADMIN_ROUTES if "audit" in row.path and row.method != "GET"]


def test_se11_a_guesser_with_an_account_of_his_own_is_held_back(tmp_path: Path) -> None:
    gateway = RunningGateway(settings={"admin": {"login": "on"}}, data=tmp_path)
    command(tmp_path, "admin", "password", text=PASSWORD + "\n")
    command(tmp_path, "admin", "password", "eve", "--role", "viewer", text=PASSWORD + "\n")
    with gateway:
        eve, statuses = Browser(gateway), []
        for _ in range(4):
            for _ in range(3):
                body = {"name": "admin", "password": "a wrong guess"}
                statuses.append(eve.ask("POST", "/api/login", body)[0])
            eve.ask("POST", "/api/login", {"name": "eve", "password": PASSWORD})
        assert statuses.count(401) <= 6, statuses
        assert 429 in statuses


def test_se11_an_event_has_an_end() -> None:
    """A provider whose line never ends fills no memory."""
    parser, piece = sse.SseParser(), b"x" * (1024 * 1024)

    def feed_on() -> None:
        for _ in range(sse.MAX_FRAME // len(piece) + 2):
            parser.feed(piece)

    with pytest.raises(sse.SseError):
        feed_on()


def test_se11_the_idempotency_key_of_a_change_is_its_senders(abroad: RunningGateway) -> None:
    browser, other = Browser(abroad), Browser(abroad)
    assert browser.log_in(PASSWORD) == 200
    token = (abroad.data / "local.token").read_text().strip()
    same = {"idempotency-key": "one-and-the-same"}
    first = browser.ask("POST", "/api/keys", {"name": "once"}, same)
    again = browser.ask("POST", "/api/keys", {"name": "once"}, same)
    assert first[0] == again[0] == 201
    assert first[1]["data"]["id"] == again[1]["data"]["id"]
    for headers in ({"authorization": f"Bearer {token}"}, {}):
        status, said, _ = other.ask("POST", "/api/keys", {"name": "once"}, {**same, **headers})
        assert status != 201 or said["data"]["id"] != first[1]["data"]["id"]
        assert first[1]["data"]["token"] not in json.dumps(said)


def test_files_with_secrets_are_their_owners_from_their_first_byte(tmp_path: Path) -> None:
    """With the laxest umask, and where others may already read one, the gateway says so and does not start."""
    program = "import os, sys; os.umask(0); from flowrouter.cli.main import main; sys.argv[0] = 'flow-router'; sys.exit(main())"

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", program, *words, "--data", str(tmp_path / "data")]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)

    assert run("keys", "create", "one").returncode == 0
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700
    for path in (tmp_path / "data").rglob("*"):
        if path.is_file():
            assert not stat.S_IMODE(path.stat().st_mode) & 0o077, path
    for name in ("local.token", "secret.key"):
        path = tmp_path / "data" / name
        path.chmod(0o644)
        refused = run("keys", "list")
        assert refused.returncode != 0
        assert f"chmod 600 {path}" in refused.stderr
        path.chmod(0o600)
    assert run("keys", "list").returncode == 0


def test_what_is_checked_is_what_is_sent(chat_upstream: ScriptedUpstream, tmp_path: Path) -> None:
    """A member that stands twice is read by some as the first and by others as the last one."""
    account = {
        "name": "chat", "preset": "custom-openai", "base_url": chat_upstream.openai_url, "api_key": "chat-key",
        "models": ["*"],
    }  # fmt: skip
    gateway = RunningGateway([account], data=tmp_path)
    made = command(tmp_path, "keys", "create", "scoped", "--models", "cheap", "--json")
    (token,) = re.findall(r"flr_[0-9a-f]{72}", made)
    talk = '"messages": [{"role": "user", "content": "hi"}]'
    with gateway:
        for body in (
            f'{{"model": "dear", {talk}, "model": "cheap"}}',
            f'{{"mod\\u0065l": "dear", {talk}, "model": "cheap"}}',
        ):
            status, answer = gateway.call(
                "POST", "/v1/chat/completions", body=body.encode(), headers={"x-api-key": token}
            )
            assert status == 200, answer
            assert b"dear" not in chat_upstream.last.body
        swapped = f'{{"model": "cheap", {talk}, "model": "dear"}}'.encode()
        assert (
            gateway.call("POST", "/v1/chat/completions", body=swapped, headers={"x-api-key": token})[0] == 403
        )
        unreadable = f'{{"x": 1e999, "model": "dear", {talk}, "model": "cheap"}}'.encode()
        asked = len(chat_upstream.requests)
        for path in ("/v1/chat/completions", "/v1/messages/count_tokens"):
            status, answer = gateway.call("POST", path, body=unreadable, headers={"x-api-key": token})
            assert (status, len(chat_upstream.requests)) == (400, asked), answer
