"""`/api/try` of a started gateway: the data plane's own answers, for a person without a gateway key."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.test_login import PASSWORD, Browser
from tests.e2e.test_usage_recorded import CLIENTS, asked
from tests.security.test_doors import command
from tests.support.gateway import RunningGateway
from tests.upstreams import ScriptedUpstream

TALK = {"messages": [{"role": "user", "content": "Hello"}]}
PRICES = {"*": {"input": 1_000, "output": 10_000}}


class House:
    """A gateway that others can reach and that asks for keys, with a person of each role, and a vendor."""

    def __init__(self, gateway: RunningGateway, vendor: ScriptedUpstream, key: str) -> None:
        self.gateway, self.vendor, self.key = gateway, vendor, key
        self.token = (gateway.data / "local.token").read_text().strip()
        self.bearer = {"authorization": f"Bearer {self.token}", "content-type": "application/json"}

    def open(
        self, path: str, body: Any, headers: dict[str, str] | None = None
    ) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        """Return the connection, and the answer whose body is still to be read."""
        connection = http.client.HTTPConnection("127.0.0.1", self.gateway.port, timeout=30)
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        connection.request("POST", path, body=content, headers={**self.bearer, **(headers or {})})
        return connection, connection.getresponse()

    def ask(
        self, path: str, body: Any, headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        connection, answer = self.open(path, body, headers)
        told = {name.lower(): value for name, value in answer.getheaders()}
        read = answer.read()
        connection.close()
        return answer.status, told, read

    def row(self, request_id: str) -> dict[str, Any]:
        deadline = time.monotonic() + 20
        while True:
            status, answer = self.gateway.get(f"/api/requests/{request_id}", self.bearer)
            if status == 200:
                return json.loads(answer)["data"]
            assert time.monotonic() < deadline, answer
            time.sleep(0.02)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    data = tmp_path_factory.mktemp("data")
    with ScriptedUpstream("openai_chat", keys=["vendor-key"]) as vendor:
        account = {
            "name": "chat", "preset": "custom-openai", "base_url": vendor.openai_url, "api_key": "vendor-key",
            "models": ["*"],
        }  # fmt: skip
        settings = {"server": {"host": "0.0.0.0"}, "prices": PRICES}
        gateway = RunningGateway([account], settings=settings, data=data)
        key = command(data, "keys", "create", "narrow", "--scopes", "admin", "--models", "small-*", "--json")
        command(data, "admin", "password", text=PASSWORD + "\n")
        command(data, "admin", "password", "olga", "--role", "operator", text=PASSWORD + "\n")
        command(data, "admin", "password", "eve", "--role", "viewer", text=PASSWORD + "\n")
        with gateway:
            yield House(gateway, vendor, json.loads(key)["key"])
            gateway.assert_no_complaints()


@pytest.fixture(autouse=True)
def fresh(house: House) -> None:
    house.vendor.reset()


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
@pytest.mark.parametrize("dialect", CLIENTS, ids=str)
def test_the_answer_is_the_data_planes(house: House, dialect: str, stream: bool) -> None:
    _, body = asked(dialect, "m")
    path = f"/api/try/{dialect}"
    if dialect == "gemini":
        path += f"?model=m&stream={str(stream).lower()}"
    else:
        body["stream"] = stream
    status, headers, answer = house.ask(path, body)
    assert status == 200, answer
    assert b"Hello" in answer
    kind = "text/event-stream" if stream else "application/json"
    assert headers["content-type"].startswith(kind)
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-flowrouter-overhead-ms"]
    row = house.row(headers["x-request-id"])
    assert (row["client"], row["key_id"], row["owner_id"]) == ("dashboard", None, "local")
    assert (row["client_dialect"], row["stream"], row["outcome"]) == (dialect, stream, "ok")
    assert row["receipt"]["request_id"] == headers["x-request-id"]
    assert row["charge_pusd"] > 0


def test_the_browsers_own_headers_stay_here(house: House) -> None:
    own = {
        "cookie": "flow_router_session=canary-of-the-cookie",
        "x-csrf-token": "canary-of-the-proof",
        "referer": "http://canary.of.the.page/",
        "accept-language": "canary",
        "x-session-id": "thread-7",
        "anthropic-beta": "something-2026-01-01",
    }
    status, headers, answer = house.ask("/api/try/openai_chat", {"model": "m", **TALK}, own)
    assert status == 200, answer
    house.vendor.assert_never_received(house.token, "canary", "narrow")
    assert house.row(headers["x-request-id"])["session_id"] == "thread-7"


@pytest.mark.parametrize(
    ("dialect", "body", "status", "form"),
    [
        ("openai_chat", b"{", 400, {"error"}),
        ("openai_chat", TALK, 400, {"error"}),
        ("anthropic", {"model": "m"}, 400, {"type", "error", "request_id"}),
        ("anthropic", {"model": "fault-401", "max_tokens": 9, **TALK}, 502, {"type", "error", "request_id"}),
        ("gemini?model=m", {"contents": "no"}, 400, {"error"}),
    ],
    ids=["no JSON", "no model", "no messages", "refused by the provider", "gemini"],
)  # fmt: skip
def test_errors_are_in_the_dialects_form(
    house: House, dialect: str, body: Any, status: int, form: set[str]
) -> None:
    found, headers, answer = house.ask(f"/api/try/{dialect}", body)
    assert found == status, answer
    said = json.loads(answer)
    assert set(said) == form
    assert "fix" not in said["error"], "the form of /api is another"
    assert house.row(headers["x-request-id"])["status"] == status
    house.gateway.resume("chat")


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/api/try/gemini", 400, "missing_field"),
        ("/api/try/openai_chat?model=m", 400, "invalid_request"),
        ("/api/try/anthropic?stream=true", 400, "invalid_request"),
        ("/api/try/klingon", 404, "dialect_not_found"),
        ("/api/try/openai_chat?x=1", 400, "unknown_field"),
    ],
)
def test_what_cannot_be_asked_is_refused_as_by_the_api(
    house: House, path: str, status: int, code: str
) -> None:
    found, _, answer = house.ask(path, {})
    assert (found, json.loads(answer)["error"]["code"]) == (status, code)


def test_pieces_come_as_they_are_made(house: House) -> None:
    connection, answer = house.open(
        "/api/try/openai_chat", {"model": "long-400+gap-20", "stream": True, **TALK}
    )
    first = answer.read1()
    assert first
    (call,) = house.vendor.calls
    assert call.outcome == "pending", "the provider is still at it"
    connection.close()
    house.vendor.wait_for(lambda: call.outcome != "pending")


@pytest.mark.parametrize("model", ["long-2000+gap-20", "fault-hang-headers"], ids=["in the middle", "before"])
def test_who_goes_away_ends_the_call(house: House, model: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", house.gateway.port, timeout=30)
    body = json.dumps({"model": model, "stream": True, **TALK})
    connection.request("POST", "/api/try/openai_chat", body=body, headers=house.bearer)
    house.vendor.wait_for(lambda: len(house.vendor.calls) == 1)
    if model.startswith("long"):
        assert connection.getresponse().read1()
    connection.close()
    house.vendor.wait_for(lambda: len(house.vendor.disconnects) == 1)
    (call,) = house.vendor.calls
    assert call.outcome == "peer_gone"
    deadline = time.monotonic() + 20
    while (row := json.loads(house.gateway.get("/api/requests?limit=1", house.bearer)[1])["data"][0])[
        "requested_model"
    ] != model:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert (row["outcome"], row["client"]) == ("cancelled", "dashboard")


def test_a_body_may_be_as_large_as_the_data_planes(house: House) -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": "word " * 500_000}]}
    assert house.ask("/api/try/openai_chat", body)[0] == 200


def test_operators_may_and_viewers_may_not(house: House) -> None:
    for name, expected in (("olga", 200), ("eve", 403)):
        browser = Browser(house.gateway)
        _, said, _ = browser.ask("POST", "/api/login", {"name": name, "password": PASSWORD})
        body = {"model": "m", **TALK}
        status, told, _ = browser.ask("POST", "/api/try/openai_chat", body)
        assert (status, told["error"]["code"]) == (
            403,
            "csrf_token_needed" if expected == 200 else "role_needed",
        )
        browser.csrf = said["data"]["csrf_token"]
        assert browser.ask("POST", "/api/try/openai_chat", body)[0] == expected
    book = json.loads(house.gateway.get("/api/audit?action=try_request&actor=olga", house.bearer)[1])["data"]
    tried = next(entry for entry in book if entry["status"] == 200)
    assert house.row(tried["target"])["client"] == "dashboard"


def test_who_comes_with_a_key_has_what_the_key_has(house: House) -> None:
    key = {"authorization": f"Bearer {house.key}"}
    status, headers, _ = house.ask("/api/try/openai_chat", {"model": "small-1", **TALK}, key)
    assert status == 200
    assert house.row(headers["x-request-id"])["key_id"] is not None
    status, _, answer = house.ask("/api/try/openai_chat", {"model": "large-1", **TALK}, key)
    assert status in (403, 404), answer


def test_budgets_of_the_gateway_bind(tmp_path: Path) -> None:
    with ScriptedUpstream("openai_chat", keys=["vendor-key"]) as vendor:
        account = {
            "name": "chat", "preset": "custom-openai", "base_url": vendor.openai_url, "api_key": "vendor-key",
            "models": ["*"],
        }  # fmt: skip
        settings = {"prices": PRICES, "budgets": {"all": {"amount": 0.000001, "period": "day"}}}
        with RunningGateway([account], settings=settings, data=tmp_path) as gateway:
            house = House(gateway, vendor, "")
            status, _, answer = house.ask("/api/try/openai_chat", {"model": "m", **TALK})
            assert status == 402, answer
            assert not vendor.calls
