"""The audit log: who changed what, and nothing that should be secret."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from flowrouter import logs
from flowrouter.api.admin.access import CSRF_HEADER
from flowrouter.api.admin.changes import LARGEST, bounded, differences, plain
from flowrouter.errors import StorageError
from tests.unit.api_admin.conftest import BEARER, Gateway
from tests.unit.api_admin.test_accounts import error
from tests.unit.api_admin.test_login import PASSWORD, enter, with_users


@pytest.fixture
def open_house(gateway: Gateway) -> Gateway:
    return with_users(gateway)


@pytest.fixture
def book(open_house: Gateway) -> Iterator[TestClient]:
    with open_house.client(BEARER) as api:
        yield api


def entries(book: TestClient, **which: str) -> list[dict[str, Any]]:
    reply = book.get("/api/audit", params=which)
    assert reply.status_code == 200, reply.text
    return reply.json()["data"]


def test_changes_are_written_down(open_house: Gateway, book: TestClient) -> None:
    operator = enter(open_house, "operator")
    secret = "sk-audit-canary-0123456789"
    body = {"name": "main", "preset": "openai", "api_key": secret, "headers": {"x-team": "canary-team"}}
    account = operator.post("/api/accounts", json=body).json()["data"]["id"]
    operator.patch(f"/api/accounts/{account}", json={"priority": 7})
    operator.delete(f"/api/accounts/{account}")
    gone, changed, made = entries(book, actor="operator")[:3]
    assert [row["action"] for row in (made, changed, gone)] == [
        "create_account",
        "change_account",
        "delete_account",
    ]
    assert {row["target"] for row in (made, changed, gone)} == {account}
    assert (changed["before"], changed["after"]) == ({"priority": 1}, {"priority": 7})
    assert made["before"] is None
    assert gone["before"]["name"] == "main"
    assert (made["via"], made["role"], made["address"]) == ("password", "operator", "testclient")
    assert made["request_id"].startswith("req_")
    text = book.get("/api/audit").text
    assert secret not in text
    assert "canary-team" not in text
    assert PASSWORD not in text


def test_secrets_told_once_are_not_in_the_book(open_house: Gateway, book: TestClient) -> None:
    token = book.post("/api/keys", json={"name": "k"}).json()["data"]["token"]
    link = book.post("/api/handover", json={}).json()["data"]["url"]
    csrf = enter(open_house).headers[CSRF_HEADER]
    text = book.get("/api/audit").text
    for secret in (token, link.partition("token=")[2], csrf):
        assert secret not in text
    assert entries(book, action="create_key")[0]["after"]["token"] == "***"


def test_refusals_are_written_down(open_house: Gateway, book: TestClient) -> None:
    open_house.client().post("/api/login", json={"password": "wrong"})
    viewer = enter(open_house, "viewer")
    viewer.patch("/api/settings", json={"reply_model": "asked"})
    (refused,) = entries(book, action="change_settings")
    assert (refused["actor"], refused["status"]) == ("viewer", 403)
    wrong = entries(book, action="log_in")[-1]
    assert (wrong["actor"], wrong["status"], wrong["via"]) == ("nobody", 401, "none")
    assert wrong["target"].startswith("usr_")
    before = len(entries(book))
    for path in ("/api/accounts", "/api/keys"):
        open_house.client().post(path, json={})
    assert len(entries(book)) == before, "strangers do not fill the book"


def test_pages_of_the_book(open_house: Gateway, book: TestClient) -> None:
    for number in range(5):
        open_house.clock.advance(1)
        book.post("/api/keys", json={"name": f"k{number}"})
    first = book.get("/api/audit", params={"limit": 2, "action": "create_key"}).json()
    assert [row["after"]["name"] for row in first["data"]] == ["k4", "k3"]
    assert first["has_more"]
    following = {"limit": 2, "action": "create_key", "cursor": first["next_cursor"]}
    assert [row["after"]["name"] for row in book.get("/api/audit", params=following).json()["data"]] == [
        "k2",
        "k1",
    ]
    since = str(first["data"][1]["ts_ms"])
    assert len(entries(book, action="create_key", since=since)) == 2
    assert error(book.get("/api/audit?cursor=x"))[0] == 400


def test_a_missing_entry_is_told_in_the_log(
    open_house: Gateway, book: TestClient, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(_entry: Any) -> None:
        raise StorageError("the disk is full")

    open_house.management.audit.record = full  # type: ignore[method-assign]
    assert book.post("/api/keys", json={"name": "k"}).status_code == 201
    logs.flush()
    line = next(line for line in capsys.readouterr().err.splitlines() if "missing in the audit log" in line)
    assert '"action":"create_key"' in line


def test_what_differs() -> None:
    before = {"a": 1, "b": {"c": 1, "d": [1]}, "gone": 1}
    after = {"a": 1, "b": {"c": 2, "d": [1]}, "new": 2}
    assert differences(before, after) == ({"b": {"c": 1}, "gone": 1}, {"b": {"c": 2}, "new": 2})
    assert differences(None, after) == (None, after)
    assert differences(before, before) == ({}, {})


@pytest.mark.parametrize(
    "name",
    ["api_key", "apiKey", "token", "csrf_token", "password", "client_secret", "refresh_token", "token_hash"],
)
def test_secrets_are_hidden_wherever_they_stand(name: str) -> None:
    canary = "canary-8b1f"
    shown = plain({"a": [{name: canary, "headers": {"x": canary}}], "b": {name: {"deep": [canary]}}})
    assert canary not in str(shown)


def test_what_only_sounds_like_a_secret_is_shown() -> None:
    value = {
        "tokens": 5,
        "has_key": True,
        "key_tail": "6789",
        "token_url": "https://x.example",
        "max_tokens": 9,
    }
    assert plain(value) == value


def test_huge_values_are_told_by_their_size() -> None:
    assert bounded({"a": "x" * LARGEST}) == {"too_large_bytes": LARGEST + 8}
    assert bounded({"a": 1}) == {"a": 1}
