"""`Idempotency-Key`: the first answer again, for the same caller and the same request only."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from starlette.testclient import TestClient

from flowrouter.api.admin import ADMIN_ROUTES
from flowrouter.api.admin.replays import KEPT_SECONDS, RUNNING_SECONDS, heeds
from flowrouter.errors import UpstreamError
from tests.unit.api_admin.conftest import Gateway
from tests.unit.api_admin.test_accounts import error
from tests.unit.api_admin.test_login import enter, with_users

KEY = {"idempotency-key": "5f0b0e0a-6d0c"}


def test_once_and_the_same_answer_again(gateway: Gateway, api: TestClient) -> None:
    first = api.post("/api/keys", json={"name": "laptop"}, headers=KEY)
    again = api.post("/api/keys", json={"name": "laptop"}, headers=KEY)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json(), "the token too, which is told nowhere else"
    assert (first.headers["etag"], first.headers["location"]) == (
        again.headers["etag"],
        again.headers["location"],
    )
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert len(api.get("/api/keys").json()["data"]) == 1
    made = [row for row in api.get("/api/audit").json()["data"] if row["action"] == "create_key"]
    assert len(made) == 1, "what changed nothing is not in the book"


async def test_answers_are_kept_sealed(gateway: Gateway, api: TestClient) -> None:
    token = api.post("/api/keys", json={"name": "laptop"}, headers=KEY).json()["data"]["token"]
    kept = await gateway.deps.state.scan("replay:")
    assert len(kept) == 1
    for name, value in kept.items():
        assert token not in name
        assert token.encode() not in value
        assert b"laptop" not in value


def test_another_request_under_the_key(api: TestClient) -> None:
    assert api.post("/api/keys", json={"name": "laptop"}, headers=KEY).status_code == 201
    other = api.post("/api/keys", json={"name": "phone"}, headers=KEY)
    assert error(other) == (422, "idempotency_key_reused", "idempotency-key")
    combo = {"name": "team", "members": [{"model": "m"}]}
    assert api.post("/api/combos", json=combo, headers=KEY).status_code == 201, "a key is of one path"


def test_of_another_caller(gateway: Gateway, api: TestClient) -> None:
    assert api.post("/api/keys", json={"name": "laptop"}, headers=KEY).status_code == 201
    bob, eve = (gateway.client(gateway.admin_key(owner)) for owner in ("bob", "eve"))
    of_bob = bob.post("/api/keys", json={"name": "laptop"}, headers=KEY)
    assert of_bob.status_code == 201
    assert of_bob.json()["data"]["owner_id"] == "bob"
    assert eve.post("/api/keys", json={"name": "phone"}, headers=KEY).status_code == 201
    assert "idempotency-replayed" not in of_bob.headers


def test_one_person_in_two_browsers(gateway: Gateway) -> None:
    with_users(gateway)
    first = enter(gateway).post("/api/keys", json={"name": "laptop"}, headers=KEY)
    again = enter(gateway).post("/api/keys", json={"name": "laptop"}, headers=KEY)
    assert first.json() == again.json()
    operator = enter(gateway, "operator").post("/api/keys", json={"name": "laptop"}, headers=KEY)
    assert error(operator)[:2] == (409, "conflict"), "another person made it anew, and the name is taken"


def test_a_failure_may_be_tried_again(gateway: Gateway, api: TestClient) -> None:
    bad = api.post("/api/accounts", json={"name": "work", "preset": "opnai"}, headers=KEY)
    assert bad.status_code == 400
    body = {"name": "work", "preset": "openai", "api_key": "sk-example-0123456789"}
    made = api.post("/api/accounts", json=body, headers=KEY)
    assert made.status_code == 201, made.text
    account = made.json()["data"]["id"]
    gateway.listing = UpstreamError("away", kind="connect")
    path = f"/api/accounts/{account}/models/refresh"
    assert api.post(path, json={}, headers=KEY).status_code == 502
    gateway.listing = ()
    assert api.post(path, json={}, headers=KEY).status_code == 200


def test_for_a_day(gateway: Gateway, api: TestClient) -> None:
    assert api.post("/api/keys", json={"name": "laptop"}, headers=KEY).status_code == 201
    gateway.clock.advance(KEPT_SECONDS - 1)
    assert api.post("/api/keys", json={"name": "laptop"}, headers=KEY).status_code == 201
    gateway.clock.advance(2)
    assert error(api.post("/api/keys", json={"name": "laptop"}, headers=KEY))[:2] == (409, "conflict")


def test_while_the_first_is_being_answered(
    gateway: Gateway, api: TestClient, account: dict[str, Any]
) -> None:
    begun, go_on = threading.Event(), threading.Event()
    asked = gateway.refresh

    async def slowly(account_id: str) -> Any:
        import asyncio

        begun.set()
        await asyncio.to_thread(go_on.wait, 30)
        return await asked(account_id)

    path, answers = f"/api/accounts/{account['id']}/models/refresh", []
    with gateway.client(dict(api.headers), refresh_models=slowly) as slow:
        first = threading.Thread(target=lambda: answers.append(slow.post(path, json={}, headers=KEY)))
        first.start()
        assert begun.wait(30)
        second = slow.post(path, json={}, headers=KEY)
        assert error(second)[:2] == (409, "in_progress")
        go_on.set()
        first.join(30)
        assert answers[0].status_code == 200
        again = slow.post(path, json={}, headers=KEY)
    assert again.json() == answers[0].json()
    assert gateway.asked == [account["id"]]


async def test_who_died_keeps_nobody_away_for_long(gateway: Gateway, api: TestClient) -> None:
    assert api.post("/api/keys", json={"name": "laptop"}, headers=KEY).status_code == 201
    (name,) = await gateway.deps.state.scan("replay:")
    await gateway.deps.state.put(name, b"of another key", ttl=RUNNING_SECONDS)
    reply = api.post("/api/keys", json={"name": "laptop"}, headers=KEY)
    assert error(reply)[:2] == (409, "conflict"), "what nobody can read is no answer; the call was made"


@pytest.mark.parametrize("key", ["", " ", "two words", "x" * 201], ids=["empty", "blank", "words", "long"])
def test_no_key(api: TestClient, key: str) -> None:
    reply = api.post("/api/keys", json={"name": "laptop"}, headers={"idempotency-key": key})
    assert error(reply) == (400, "invalid_request", "idempotency-key")


def test_every_route_that_makes_something_heeds_it(api: TestClient) -> None:
    described = api.get("/api/openapi.json").json()["paths"]
    making = [row for row in ADMIN_ROUTES if row.status == 201]
    assert len(making) > 4
    for row in making:
        assert heeds(row), row.path
        names = {each["name"] for each in described[row.path]["post"]["parameters"]}
        assert "idempotency-key" in names, row.path
        assert "422" in described[row.path]["post"]["responses"]
