"""What stands on every answer, and in every log line of an exchange."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from flowrouter.api.routes import ROUTES, Route
from tests.e2e.test_budgets import api, command
from tests.support.gateway import RunningGateway
from tests.upstreams import ScriptedUpstream

MODEL = "gpt-5.5"
OVERHEAD = "x-flowrouter-overhead-ms"


@pytest.fixture(scope="module")
def vendor() -> Iterator[ScriptedUpstream]:
    with ScriptedUpstream("openai_chat", keys=["key"]) as vendor:
        yield vendor


def account(vendor: ScriptedUpstream, name: str = "chat", **more: Any) -> dict[str, Any]:
    return {
        "name": name, "preset": "openai", "base_url": vendor.openai_url, "api_key": "key",
        "models": [MODEL, "*"], "dialects": ["openai_chat"], **more,
    }  # fmt: skip


@pytest.fixture(scope="module")
def gateway(vendor: ScriptedUpstream) -> Iterator[RunningGateway]:
    settings = {"server": {"allowed_origins": ["https://app.example.com"]}}
    with RunningGateway([account(vendor)], settings=settings) as gateway:
        yield gateway


def head_of(
    gateway: RunningGateway,
    method: str,
    path: str,
    *,
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
) -> tuple[int, dict[str, str]]:
    """Return status and headers of one answer, in lower case."""
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=60)
    try:
        sent = {"content-type": "application/json"} if body is not None else {}
        connection.request(method, path, body=body, headers={**sent, **(headers or {})})
        answer = connection.getresponse()
        answer.read()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}
    finally:
        connection.close()


def asked(*, stream: bool = False, model: str = MODEL) -> bytes:
    body = {"model": model, "stream": stream, "messages": [{"role": "user", "content": "hello"}]}
    return json.dumps(body).encode()


def each_route() -> list[object]:
    return [pytest.param(row, id=f"{row.method} {row.path}") for row in ROUTES]


@pytest.mark.parametrize("row", each_route())
def test_overhead_on_every_route(gateway: RunningGateway, row: Route) -> None:
    """Whatever comes of a call without a sensible body or id, an error as well as a list."""
    path = row.path.replace("{model}", MODEL)
    for name in ("{id}", "{request_id}"):
        path = path.replace(name, "resp_unknown")
    _, headers = head_of(gateway, row.method, path, body=b"{}" if row.method == "POST" else None)
    assert float(headers[OVERHEAD]) >= 0
    assert headers["x-request-id"].startswith("req_")


@pytest.mark.parametrize(
    ("method", "path", "body", "headers", "status"),
    [
        ("POST", "/v1/chat/completions", asked(), {}, 200),
        ("POST", "/v1/chat/completions", asked(stream=True), {}, 200),
        ("POST", "/v1/chat/completions", asked(model=""), {}, 400),
        ("POST", "/v1/chat/completions", b"no json", {}, 400),
        ("POST", "/v1/chat/completions", asked(), {"authorization": "Bearer flr_" + "0" * 72}, None),
        ("POST", "/v1/chat/completions", asked(), {"content-type": "text/plain"}, 415),
        ("POST", "/v1/messages/count_tokens", asked(), {}, 200),
        ("GET", "/v1/models", None, {}, 200),
        ("GET", f"/v1/models/{MODEL}", None, {}, 200),
        ("GET", "/v1/nowhere", None, {}, 404),
        ("DELETE", "/v1/models", None, {}, 405),
        ("GET", "/v1/models", None, {"host": "evil.example.com"}, 421),
        ("GET", "/v1/models", None, {"origin": "https://evil.example.com"}, 403),
        ("GET", "/healthz", None, {}, 200),
        ("GET", "/readyz", None, {}, 200),
    ],
    ids=[
        "answer", "stream", "refused", "no json", "wrong key", "no media type", "count", "list", "model", "no route",
        "wrong method", "foreign host", "foreign page", "alive", "ready",
    ],
)  # fmt: skip
def test_overhead_on_answers_and_refusals(
    gateway: RunningGateway,
    method: str,
    path: str,
    body: bytes | None,
    headers: dict[str, str],
    status: int | None,
) -> None:
    got, told = head_of(gateway, method, path, body=body, headers=headers)
    assert status is None or got == status
    assert 0 <= float(told[OVERHEAD]) < 60_000


def test_a_receipt_and_its_time(gateway: RunningGateway) -> None:
    _, head = head_of(gateway, "POST", "/v1/chat/completions", body=asked())
    deadline = time.monotonic() + 20
    while (found := head_of(gateway, "GET", f"/v1/receipts/{head['x-request-id']}"))[0] != 200:
        assert time.monotonic() < deadline
    assert OVERHEAD in found[1]


def test_a_receipt_outlasts_a_restart_word_for_word(vendor: ScriptedUpstream) -> None:
    """Kept in memory first and in the store later, at every door."""
    with RunningGateway([account(vendor)]) as gateway:
        _, head = head_of(gateway, "POST", "/v1/chat/completions", body=asked())
        request_id = head["x-request-id"]
        path, deadline = f"/v1/receipts/{request_id}", time.monotonic() + 20
        while (found := gateway.get(path))[0] != 200:
            assert time.monotonic() < deadline
        assert gateway.stop() == 0
        gateway.start()
        assert gateway.get(path) == found
        receipt = json.loads(found[1])
        assert (receipt["request_id"], receipt["outcome"]) == (request_id, "ok")
        assert receipt["attempts"][0]["model"] == receipt["route"]["order"][0].partition("/")[2] == MODEL
        assert command(gateway, "explain", "--request", request_id) == receipt
        assert api(gateway, f"/api/requests/{request_id}")["receipt"] == receipt


def test_every_line_of_an_exchange_names_its_request(vendor: ScriptedUpstream) -> None:
    accounts = [account(vendor, "first", api_key="revoked"), account(vendor, "second", priority=2)]
    settings = {"logs": {"level": "debug", "format": "json", "access": True}}
    with RunningGateway(accounts, settings=settings) as gateway:
        ids = [
            head_of(gateway, "POST", "/v1/chat/completions", body=asked())[1]["x-request-id"]
            for _ in range(2)
        ]
        gateway.stop()
        lines = [json.loads(line) for line in gateway.log.splitlines() if line.startswith("{")]
    (pause,) = (line for line in lines if line["message"] == "pause")
    assert (pause["account"], pause["request_id"]) == ("first", ids[0])
    accesses = [line["request_id"] for line in lines if line["message"] == "exchange"]
    assert accesses == ids
    assert {line.get("request_id") for line in lines} <= {None, *ids}
    strays = [line for line in lines if line["logger"] in ("gateway", "access") and "request_id" not in line]
    assert [line for line in strays if line["message"] != "no model list"] == []
