"""`/api/try`, up to where the data plane takes over: who asks, what is passed on, what is written down."""

from __future__ import annotations

import json
from typing import Any

import pytest

from flowrouter.httpkit.caller import LOCAL
from tests.unit.api_admin.conftest import BEARER, CANARY, Gateway
from tests.unit.api_admin.test_accounts import error

PATH = "/api/try/openai_chat"


def book(gateway: Gateway) -> list[dict[str, Any]]:
    return gateway.client(BEARER).get("/api/audit?action=try_request").json()["data"]


def test_it_is_the_operators_own_request(gateway: Gateway) -> None:
    reply = gateway.client(BEARER).post(PATH, json={"model": "m"})
    assert (reply.json(), reply.headers["x-request-id"]) == ({"said": "hello"}, "req_of_the_exchange")
    assert reply.headers["cache-control"] == "no-store"
    ((asked, body),) = gateway.conversations
    assert (asked.caller.owner_id, asked.caller.key_id) == ("local", None)
    assert asked.caller.policy == LOCAL.policy
    assert json.loads(body) == {"model": "m"}


def test_a_key_asks_as_itself(gateway: Gateway) -> None:
    client = gateway.client(gateway.admin_key("bob"))
    assert client.post(PATH, json={}).status_code == 200
    ((asked, _),) = gateway.conversations
    (key,) = gateway.configuration.world.ring
    assert (asked.caller.owner_id, asked.caller.key_id) == ("bob", key.id)
    assert asked.caller.policy == key.policy


def test_gemini_says_in_the_address_what_it_wants(gateway: Gateway) -> None:
    client = gateway.client(BEARER)
    assert client.post("/api/try/gemini?model=a/b:c&stream=true", json={}).status_code == 200
    ((asked, _),) = gateway.conversations
    assert (asked.dialect, asked.model, asked.stream) == ("gemini", "a/b:c", True)


@pytest.mark.parametrize(("status", "written"), [(200, 1), (402, 0), (500, 1)])
def test_what_became_of_it_is_in_the_book(gateway: Gateway, status: int, written: int) -> None:
    gateway.conversing = status
    assert gateway.client(BEARER).post(PATH, json={}).status_code == status
    found = book(gateway)
    assert len(found) == written
    assert [(each["status"], each["target"]) for each in found] == [(status, "req_of_the_exchange")] * written


def test_nothing_is_answered_from_memory(gateway: Gateway) -> None:
    client = gateway.client({**BEARER, "idempotency-key": "one"})
    for _ in range(2):
        assert client.post(PATH, json={}).status_code == 200
    assert len(gateway.conversations) == 2


def test_a_gateway_without_a_data_plane(gateway: Gateway) -> None:
    reply = gateway.client(BEARER, converse=None).post(PATH, json={})
    assert error(reply)[:2] == (409, "no_data_plane")


def test_steps_of_a_test_hold_no_secret(gateway: Gateway, account: dict[str, Any]) -> None:
    path = f"/api/accounts/{account['id']}/test"
    reply = gateway.client({**BEARER, "accept": "text/event-stream"}).post(path, json={})
    assert reply.headers["content-type"].startswith("text/event-stream")
    assert [line for line in reply.text.splitlines() if line.startswith("event")] == [
        "event: step",
        "event: step",
        "event: result",
    ]
    assert "the host said" in reply.text
    assert CANARY not in reply.text
    (entry,) = gateway.client(BEARER).get("/api/audit?action=try_account").json()["data"]
    assert (entry["status"], entry["target"]) == (200, account["id"])
