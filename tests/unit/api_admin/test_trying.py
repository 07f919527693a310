"""`/api/try`, up to where the data plane takes over: who asks, what is passed on, what is written down."""

from __future__ import annotations

import json
from typing import Any

import pytest

from flowrouter.api.trying import Asked
from flowrouter.errors import StorageError
from flowrouter.httpkit.bodies import Receive
from flowrouter.httpkit.caller import LOCAL
from flowrouter.httpkit.replies import STREAM_HEADERS, Send, send_head
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


def test_a_test_that_fails_behind_its_first_step_has_a_result(
    gateway: Gateway, account: dict[str, Any]
) -> None:
    gateway.finding = StorageError("the store is away")
    path = f"/api/accounts/{account['id']}/test"
    reply = gateway.client({**BEARER, "accept": "text/event-stream"}).post(path, json={})
    told = json.loads(reply.text.rpartition("event: result\ndata: ")[2])
    assert (told["ok"], told["error"]) == (False, "the test failed in the gateway; the log has the reason")
    (entry,) = gateway.client(BEARER).get("/api/audit?action=try_account").json()["data"]
    assert (entry["status"], entry["target"]) == (200, account["id"])


def test_an_answer_that_breaks_off_is_in_the_book(gateway: Gateway) -> None:
    async def broken(_asked: Asked, _receive: Receive, send: Send) -> str:
        await send_head(send, 200, STREAM_HEADERS["sse"])
        raise OSError("the way is cut")

    with pytest.raises(OSError, match="the way is cut"):
        gateway.client(BEARER, converse=broken).post(PATH, json={})
    assert [entry["status"] for entry in book(gateway)] == [200]


def test_a_key_with_two_credentials_asks_as_the_one_that_was_let_in(gateway: Gateway) -> None:
    headers = {**gateway.admin_key("bob"), "x-api-key": gateway.admin_key("eve")["authorization"][7:]}
    assert gateway.client(headers).post(PATH, json={}).status_code == 200
    ((asked, _),) = gateway.conversations
    assert asked.caller.owner_id == "bob"
