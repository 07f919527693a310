"""What a provider says in headers stays between it and the gateway; nobody writes headers into replies."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.gateway import RunningGateway
from tests.upstreams import Reply, ScriptedUpstream

OURS = {
    "date", "content-type", "content-length", "transfer-encoding", "connection", "cache-control",
    "x-accel-buffering", "x-request-id", "request-id", "retry-after", "x-should-retry",
}  # fmt: skip
"""The headers a reply may have, besides our own `x-flowrouter-*` and those of the key's own limits."""

LEAKS = (
    ("set-cookie", "canary=1"),
    ("server", "canary"),
    ("x-powered-by", "canary"),
    ("via", "1.1 canary"),
    ("keep-alive", "timeout=canary"),
    ("proxy-authenticate", "Basic canary"),
    ("www-authenticate", "Bearer canary"),
    ("alt-svc", "canary"),
    ("strict-transport-security", "canary"),
    ("openai-organization", "org-canary"),
    ("anthropic-organization-id", "canary"),
    ("x-ratelimit-remaining-requests", "canary"),
    ("location", "http://canary.example"),
    ("trailer", "canary"),
    ("access-control-allow-origin", "*"),
    ("x-request-id", "req-canary"),
)


@pytest.fixture(scope="module")
def upstream() -> Iterator[ScriptedUpstream]:
    with ScriptedUpstream(dialect="openai_chat", keys=["k"]) as running:
        yield running


@pytest.fixture(scope="module")
def gateway(upstream: ScriptedUpstream) -> Iterator[RunningGateway]:
    account = {
        "name": "chat", "preset": "custom-openai", "base_url": upstream.openai_url, "api_key": "k", "models": ["*"],
    }  # fmt: skip
    with RunningGateway([account], settings={"timeouts": {"wait": 0.1}}) as running:
        yield running


def headers_of(
    gateway: RunningGateway, body: dict[str, Any], **sent: str
) -> tuple[int, list[tuple[str, str]]]:
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=30)
    try:
        connection.request(
            "POST", "/v1/chat/completions", json.dumps(body), {"content-type": "application/json", **sent}
        )
        answer = connection.getresponse()
        answer.read()
        return answer.status, [(name.lower(), value) for name, value in answer.getheaders()]
    finally:
        connection.close()


def assert_ours(headers: list[tuple[str, str]]) -> None:
    strange = [name for name, _ in headers if name not in OURS and not name.startswith("x-flowrouter-")]
    assert not strange
    assert "canary" not in str(headers)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_se9_a_providers_headers_never_reach_the_caller(
    gateway: RunningGateway, upstream: ScriptedUpstream, *, stream: bool
) -> None:
    talk = [{"role": "user", "content": "hi"}]
    answer = {
        "id": "c", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "ok"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    }  # fmt: skip
    upstream.always(Reply.json(answer, headers=LEAKS))
    try:
        status, headers = headers_of(gateway, {"model": "chat/m", "messages": talk, "stream": stream})
    finally:
        upstream.forget()
    assert status == 200
    assert_ours(headers)


@pytest.mark.parametrize("status", [302, 400, 401, 429, 500])
def test_se9_nor_do_those_of_its_errors(
    gateway: RunningGateway, upstream: ScriptedUpstream, status: int
) -> None:
    upstream.always(Reply.json({"error": {"message": "no", "type": "x"}}, status=status, headers=LEAKS))
    try:
        talk = [{"role": "user", "content": "hi"}]
        _, headers = headers_of(gateway, {"model": f"chat/m-{status}", "messages": talk})
    finally:
        upstream.forget()
        token = (gateway.data / "local.token").read_text().strip()
        bearer = {"authorization": f"Bearer {token}"}
        gateway.call("POST", "/api/accounts/config:chat/resume", body=b"{}", headers=bearer)
    assert_ours(headers)


@pytest.mark.parametrize(
    "name", ["chat/m\r\nx-injected: canary", "chat/m\nset-cookie: canary", "chat/m\x00", "chat/ümlaut\u2028"]
)
def test_names_cannot_write_headers(gateway: RunningGateway, upstream: ScriptedUpstream, name: str) -> None:
    talk = [{"role": "user", "content": "hi"}]
    for model in (name, name.replace("chat/", "nobody/")):
        status, headers = headers_of(gateway, {"model": model, "messages": talk, "stream": True})
        assert status < 500
        names = [header for header, _ in headers]
        assert "x-injected" not in names
        assert "set-cookie" not in names
    assert all("x-injected" not in str(received.headers).lower().split("'") for received in upstream.requests)


def test_a_callers_request_id_is_not_repeated(gateway: RunningGateway) -> None:
    talk = [{"role": "user", "content": "hi"}]
    sent = {"x-request-id": "req-canary", "request-id": "req-canary"}
    status, headers = headers_of(gateway, {"model": "chat/m", "messages": talk}, **sent)
    assert status in (200, 502, 503, 429)
    assert "canary" not in str(headers)


@pytest.mark.parametrize("value", ["a\r\nx-injected: b", "a\nb", "a\x00b", "ü"])
def test_an_accounts_headers_hold_no_line_breaks(gateway: RunningGateway, value: str) -> None:
    token = (gateway.data / "local.token").read_text().strip()
    for part in ({"headers": {"x-own": value}}, {"headers": {f"x-{value}": "a"}}, {"api_key": value}):
        made = {"name": "n", "preset": "custom-openai", "base_url": "http://127.0.0.1:9/v1", **part}
        status, body = gateway.call(
            "POST",
            "/api/accounts",
            body=json.dumps(made).encode(),
            headers={"authorization": f"Bearer {token}"},
        )
        assert status == 400, body


def test_nothing_of_this_is_a_defect(gateway: RunningGateway) -> None:
    gateway.assert_no_complaints()
