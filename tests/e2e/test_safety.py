"""What no honest local client sends reaches nothing; what a caller holds reaches no provider."""

from __future__ import annotations

import http.client
import os
import stat
import subprocess
import sys

import msgspec
import pytest

from flowrouter.api import ROUTES
from tests.e2e.conftest import Stand, accounts
from tests.support.gateway import RunningGateway
from tests.upstreams import ScriptedUpstream

ASK = msgspec.json.encode({"model": "chat/gpt-4.1", "messages": [{"role": "user", "content": "hi"}]})
PATHS = [
    *[(route.method, route.path.replace("{id}", "x").replace("{request_id}", "x")) for route in ROUTES],
    ("GET", "/api/accounts"),
    ("POST", "/api/accounts"),
    ("GET", "/"),
    ("GET", "/static/vendor/preact.js"),
    ("GET", "/nowhere"),
]


@pytest.mark.parametrize(("method", "path"), PATHS)
@pytest.mark.parametrize(
    "attack",
    [
        {"host": "evil.example"},
        {"host": "127.0.0.1.evil.example"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
    ],
)
def test_foreign_hosts_and_pages_reach_nothing(
    stand: Stand, method: str, path: str, attack: dict[str, str]
) -> None:
    before = len(stand.chat.calls) + len(stand.claude.calls)
    body = ASK if method == "POST" else None
    status, _ = stand.gateway.call(method, path, body=body, headers=attack)
    assert status in (403, 421)
    assert len(stand.chat.calls) + len(stand.claude.calls) == before


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""]
)
@pytest.mark.parametrize(
    "path", ["/v1/chat/completions", "/v1/messages", "/v1/messages/count_tokens", "/api/keys"]
)
def test_posts_that_a_foreign_page_could_send_reach_nothing(stand: Stand, path: str, kind: str) -> None:
    before = len(stand.chat.calls) + len(stand.claude.calls)
    status, _ = stand.gateway.call("POST", path, body=ASK, headers={"content-type": kind})
    assert status == 415
    assert len(stand.chat.calls) + len(stand.claude.calls) == before


def test_a_websocket_upgrade_from_a_page_is_refused(stand: Stand) -> None:
    headers = {
        "upgrade": "websocket",
        "connection": "upgrade",
        "sec-websocket-key": "x3JJHMbDL1EzLkh9GBhXDw==",
        "sec-websocket-version": "13",
        "origin": "https://evil.example",
    }
    status, _ = stand.gateway.get("/v1/models", headers=headers)
    assert status == 403


@pytest.mark.parametrize(
    "path", ["/api/accounts", "/api/keys", "/api/requests", "/api/settings", "/api/usage"]
)
def test_management_needs_a_credential_even_on_loopback(stand: Stand, path: str) -> None:
    assert stand.gateway.get(path)[0] == 401
    assert stand.gateway.get(path, headers={"authorization": "Bearer wrong"})[0] == 401
    token = (stand.gateway.data / "local.token").read_text().strip()
    assert stand.gateway.get(path, headers={"authorization": f"Bearer {token}"})[0] == 200


def test_the_callers_credentials_and_identity_reach_no_provider(stand: Stand) -> None:
    canaries = {
        "authorization": "Bearer canary-one",
        "x-api-key": "canary-two",
        "x-goog-api-key": "canary-three",
        "cookie": "session=canary-four",
        "x-forwarded-for": "canary-five",
        "x-stainless-lang": "canary-six",
        "user-agent": "canary-seven",
        "originator": "canary-eight",
        "x-app": "canary-nine",
    }
    for model in ("chat/gpt-4.1", "claude/claude-haiku-4-5"):
        for path, extra in (("/v1/chat/completions", {}), ("/v1/messages", {"max_tokens": 50})):
            ask = {"model": model, "messages": [{"role": "user", "content": "hi"}], **extra}
            status, body = stand.gateway.call("POST", path, body=msgspec.json.encode(ask), headers=canaries)
            assert status == 200, body
    for upstream in (stand.chat, stand.claude):
        upstream.assert_never_received("canary")


def test_secrets_on_disk_are_sealed_and_private(stand: Stand) -> None:
    for name in ("local.token", "secret.key"):
        path = stand.gateway.data / name
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, name


def test_stored_keys_never_lie_in_the_clear(stand: Stand) -> None:
    token = (stand.gateway.data / "local.token").read_text().strip()
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    made = {
        "name": "vault-test",
        "preset": "custom-openai",
        "base_url": "http://127.0.0.1:9/v1",
        "api_key": "sk-canary-in-store",
    }
    status, body = stand.gateway.call(
        "POST", "/api/accounts", body=msgspec.json.encode(made), headers=headers
    )
    assert status == 201, body
    assert b"sk-canary-in-store" not in body
    assert b"sk-canary-in-store" not in stand.gateway.get("/api/accounts", headers=headers)[1]
    for path in stand.gateway.data.rglob("*"):
        if path.is_file():
            assert b"sk-canary-in-store" not in path.read_bytes(), path


def test_a_bind_beyond_loopback_is_refused_until_a_key_exists(tmp_path: object) -> None:
    command = [sys.executable, "-m", "flowrouter.cli.main"]
    data = ["--data", str(tmp_path)]
    refused = subprocess.run(
        [*command, "serve", *data, "--host", "0.0.0.0", "--port", "0"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert refused.returncode != 0
    assert "keys create" in refused.stderr


def test_keys_protect_once_they_exist(
    chat_upstream: ScriptedUpstream, claude_upstream: ScriptedUpstream
) -> None:
    with RunningGateway(accounts(chat_upstream, claude_upstream)) as gateway:
        assert gateway.call("POST", "/v1/chat/completions", body=ASK)[0] == 200
        token = _make_key(gateway)
        _eventually(lambda: gateway.call("POST", "/v1/chat/completions", body=ASK)[0] == 401)
        status, body = gateway.call("POST", "/v1/messages", body=ASK)
        assert status == 401
        assert msgspec.json.decode(body)["error"]["type"] == "authentication_error"
        for headers in (
            {"authorization": f"Bearer {token}"},
            {"x-api-key": token},
            {"x-api-key": "dummy", "authorization": f"Bearer {token}"},
        ):
            assert gateway.call("POST", "/v1/chat/completions", body=ASK, headers=headers)[0] == 200
        for upstream in (chat_upstream, claude_upstream):
            upstream.assert_never_received(token)
        subprocess.run(
            [sys.executable, "-m", "flowrouter.cli.main", "keys", "revoke", "laptop", "--data", str(gateway.data)],
            capture_output=True, text=True, timeout=60, check=True, input="y\n",
        )  # fmt: skip
        _eventually(
            lambda: (
                gateway.call("POST", "/v1/chat/completions", body=ASK, headers={"x-api-key": token})[0] == 401
            )
        )


def _make_key(gateway: RunningGateway) -> str:
    made = subprocess.run(
        [sys.executable, "-m", "flowrouter.cli.main", "keys", "create", "laptop", "--data", str(gateway.data), "--json"],
        capture_output=True, text=True, timeout=60, check=True, env={**os.environ, "NO_COLOR": "1"},
    )  # fmt: skip
    said = _strings(msgspec.json.decode(made.stdout))
    return next(value for value in said if value.startswith("flr_") and len(value) > 60)


def _strings(value: object) -> list[str]:
    match value:
        case str():
            return [value]
        case dict():
            return [text for item in value.values() for text in _strings(item)]
        case list():
            return [text for item in value for text in _strings(item)]
        case _:
            return []


def _eventually(holds: object) -> None:
    import time

    deadline = time.monotonic() + 10
    while not holds():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_cors_is_for_configured_origins_only(
    chat_upstream: ScriptedUpstream, claude_upstream: ScriptedUpstream
) -> None:
    settings = {"server": {"allowed_origins": ["https://app.example"]}}
    with RunningGateway(accounts(chat_upstream, claude_upstream), settings=settings) as gateway:
        preflight = {"origin": "https://app.example", "access-control-request-method": "POST"}
        assert gateway.call("OPTIONS", "/v1/chat/completions", headers=preflight)[0] == 403, (
            "no key exists yet"
        )
        _make_key(gateway)
        _eventually(lambda: gateway.call("OPTIONS", "/v1/chat/completions", headers=preflight)[0] == 204)
        connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=30)
        connection.request(
            "OPTIONS",
            "/v1/chat/completions",
            headers={"origin": "https://app.example", "access-control-request-method": "POST"},
        )
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 204
        assert answer.headers["access-control-allow-origin"] == "https://app.example"
        connection.request(
            "OPTIONS",
            "/v1/chat/completions",
            headers={"origin": "https://evil.example", "access-control-request-method": "POST"},
        )
        other = connection.getresponse()
        other.read()
        assert other.status == 403
        assert other.headers["access-control-allow-origin"] is None
        connection.close()
