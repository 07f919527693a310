"""`/api/accounts` and what hangs on it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from starlette.testclient import TestClient

from flowrouter.accounts.account import Account
from flowrouter.api.admin import AccountTest
from flowrouter.api.admin.accounts import AccountPatch
from flowrouter.errors import ConfigError, StorageError, UpstreamError
from flowrouter.gateway.ports import AccountChange, AccountDraft
from flowrouter.gateway.runtime_settings import RuntimeSettings
from flowrouter.httpkit.keys import LOCAL_OWNER
from flowrouter.providers.listing import ListedModel
from tests.unit.api_admin.conftest import CANARY, FILE_CANARY, HEADER_CANARY, Gateway


def error(reply: Any) -> tuple[int, str, str | None]:
    body = reply.json()
    assert set(body) == {"error", "request_id"}, body
    return reply.status_code, body["error"]["code"], body["error"].get("param")


def test_made_and_shown(gateway: Gateway, api: TestClient, account: dict[str, Any]) -> None:
    assert account["has_key"]
    assert account["key_tail"] == CANARY[-4:]
    assert account["header_names"] == ["x-team"]
    assert (account["read_only"], account["source"], account["known_models"]) == (False, "store", 1)
    world = gateway.configuration.world
    assert account["id"] in world.accounts, "in force when the call returns"
    assert api.get(f"/api/accounts/{account['id']}").json()["data"] == account
    stored = gateway.management.accounts.get(account["id"])
    assert stored.api_key is not None
    assert stored.api_key.reveal() == CANARY


def test_location_of_the_new(api: TestClient) -> None:
    made = api.post("/api/accounts", json={"name": "o", "preset": "ollama-local"})
    assert api.get(made.headers["location"]).json() == made.json()
    assert made.json()["data"]["preset"] == "ollama", "an alias is stored as the id it means"


def test_no_answer_holds_a_secret(gateway: Gateway, api: TestClient, account: dict[str, Any]) -> None:
    gateway.finding = AccountTest(ok=False, error=f"Incorrect API key: {CANARY}", advice=HEADER_CANARY)
    path = f"/api/accounts/{account['id']}"
    replies = [
        api.get("/api/accounts"),
        api.get(path),
        api.patch(path, json={"priority": 2}),
        api.patch(path, json={"api_key": CANARY, "headers": {"x-other": HEADER_CANARY}}),
        api.patch(path, json={"api_key": CANARY, "preset": "nowhere"}),
        api.post("/api/accounts", json={"name": "main", "preset": "openai", "api_key": CANARY}),
        api.post("/api/accounts", json={"name": "a", "preset": "openai", "api_key": CANARY, "x": 1}),
        api.post("/api/accounts", json={"name": "a", "preset": "openai", "api_key": [CANARY]}),
        api.post("/api/accounts", json={"name": "a", "preset": "openai", "api_key": f"{CANARY}\n{CANARY}"}),
        api.post("/api/accounts", content=f'{{"api_key": "{CANARY}", ', headers={"content-type": "application/json"}),
        api.post(f"{path}/test", json={}),
        api.get(f"{path}/models"),
        api.get("/api/status"),
        api.get("/api/plan", params={"model": "gpt-x"}),
        api.get("/api/openapi.json"),
        api.delete(path),
    ]  # fmt: skip
    gateway.listing = UpstreamError(f"said {FILE_CANARY}", kind="status")
    replies.append(api.post("/api/accounts/config:filed/models/refresh", json={}))
    for reply in replies:
        for canary in (CANARY, HEADER_CANARY, FILE_CANARY):
            assert canary not in reply.text, reply.request.url
            assert canary not in str(reply.headers)


@pytest.mark.parametrize(
    ("changes", "param", "said"),
    [
        ({"name": "with blank"}, "name", "account name"),
        ({"name": "n" * 101}, "name", "longer"),
        ({"preset": "opnai"}, "preset", "`openai`"),
        ({"preset": "local"}, "preset", "local pull"),
        ({"preset": "custom-openai"}, "base_url", "base URL"),
        ({"base_url": "ftp://x"}, "base_url", "http"),
        ({"base_url": "https://user:pw@x.test/v1"}, "base_url", "credentials"),
        ({"dialects": ["gemini"]}, "dialects", "openai_chat"),
        ({"dialects": ["openai_caht"]}, "dialects[0]", "`openai_chat`"),
        ({"api_key": None}, "api_key", "API key"),
        ({"api_key": "  "}, "api_key", "API key"),
        ({"api_key": "env:OPENAI_API_KEY"}, "api_key", "config.toml"),
        ({"api_key": "sk-with\nbreak"}, "api_key", "characters"),
        ({"headers": {"host": "x"}}, "headers", "cannot be sent"),
        ({"headers": {"x-a": "a\r\nx-b: c"}}, "headers", "cannot be sent"),
        ({"priority": 0}, "priority", "from 1"),
        ({"max_concurrency": 0}, "max_concurrency", "from 1"),
        ({"models": ["a", " "]}, "models", "empty"),
        ({"priority": "1"}, "priority", "expected `int`"),
        ({"modles": ["a"]}, "modles", "`models`"),
    ],
)
def test_a_bad_account_is_refused_by_its_field(
    api: TestClient, changes: dict[str, Any], param: str, said: str
) -> None:
    body = {"name": "a", "preset": "openai", "api_key": CANARY, **changes}
    reply = api.post("/api/accounts", json=body)
    assert reply.status_code == 400, reply.text
    told = reply.json()["error"]
    assert told["param"] == param
    assert said in told["message"] + told.get("fix", "")
    assert [row["name"] for row in api.get("/api/accounts").json()["data"]] == ["filed"]


def test_what_is_missing_is_named(api: TestClient) -> None:
    assert error(api.post("/api/accounts", json={"name": "a"})) == (400, "missing_field", "preset")
    empty = api.post("/api/accounts", headers={"content-type": "application/json"})
    assert error(empty) == (400, "missing_field", "name")


def test_an_account_may_wait_for_its_key(api: TestClient) -> None:
    made = api.post("/api/accounts", json={"name": "later", "preset": "openai", "enabled": False})
    assert made.status_code == 201
    path = made.headers["location"]
    assert error(api.patch(path, json={"enabled": True}))[2] == "api_key"
    assert api.patch(path, json={"enabled": True, "api_key": CANARY}).json()["data"]["enabled"]


def test_names_are_taken_once(api: TestClient, account: dict[str, Any]) -> None:
    body = {"name": "main", "preset": "openai", "api_key": CANARY}
    assert error(api.post("/api/accounts", json=body)) == (409, "conflict", None)


def test_patch_merges(gateway: Gateway, api: TestClient, account: dict[str, Any]) -> None:
    path = f"/api/accounts/{account['id']}"
    changed = api.patch(
        path,
        json={
            "priority": 7,
            "max_concurrency": 3,
            "models": None,
            "headers": {"X-Team": "other-team", "x-b": "b-value"},
        },
        headers={"content-type": "application/merge-patch+json"},
    ).json()["data"]
    assert changed["max_concurrency"] == 3
    assert (changed["priority"], changed["models"], changed["has_key"]) == (7, [], True)
    stored = gateway.management.accounts.get(account["id"])
    assert {name: value.reveal() for name, value in stored.headers} == {
        "X-Team": "other-team",
        "x-b": "b-value",
    }
    changed = api.patch(path, json={"headers": {"x-team": None}, "priority": None}).json()["data"]
    assert (changed["header_names"], changed["priority"]) == (["x-b"], 1)
    assert api.patch(path, json={"headers": None}).json()["data"]["header_names"] == []
    assert api.patch(path, json={}).json()["data"]["name"] == "main"
    assert error(api.patch(path, json={"has_key": True})) == (400, "unknown_field", "has_key")
    assert error(api.patch(path, json={"name": None}))[0] == 400
    assert error(api.patch(path, json={"api_key": None})) == (400, "invalid_request", "api_key")


def test_secrets_do_not_follow_to_another_host(
    gateway: Gateway, api: TestClient, account: dict[str, Any]
) -> None:
    path = f"/api/accounts/{account['id']}"
    elsewhere = {"base_url": "https://elsewhere.test/v1"}
    assert error(api.patch(path, json=elsewhere)) == (400, "secret_needed", "api_key")
    assert error(api.patch(path, json={"preset": "groq"})) == (400, "secret_needed", "api_key")
    with_key = {**elsewhere, "api_key": "sk-for-elsewhere-1234"}
    assert error(api.patch(path, json=with_key)) == (400, "secret_needed", "headers")
    assert gateway.management.accounts.get(account["id"]).base_url is None
    moved = api.patch(path, json={**with_key, "headers": {"x-team": None}})
    assert moved.status_code == 200, moved.text
    same_host = api.patch(path, json={"base_url": "https://elsewhere.test/other/v1"})
    assert same_host.status_code == 200, "another path of the same host needs nothing"
    assert error(api.patch(path, json={"base_url": None})) == (400, "secret_needed", "api_key")


def test_an_account_is_always_switched_off(
    gateway: Gateway, api: TestClient, account: dict[str, Any]
) -> None:
    import sqlite3

    with sqlite3.connect(gateway.store.path) as connection:
        connection.execute("UPDATE accounts SET preset = 'gone'")
    connection.close()
    path = f"/api/accounts/{account['id']}"
    assert error(api.patch(path, json={"priority": 3}))[2] == "preset"
    off = api.patch(path, json={"enabled": False}).json()["data"]
    assert (off["enabled"], off["problem"]) == (False, "no preset 'gone'")
    for step in ("test", "models/refresh"):
        assert error(api.post(f"{path}/{step}", json={})) == (409, "account_unusable", None)
    assert gateway.asked == []


def test_whatever_can_be_made_can_be_changed() -> None:
    assert AccountPatch.__struct_fields__ == AccountChange.__struct_fields__
    assert set(AccountPatch.__struct_fields__) == set(AccountDraft.__struct_fields__)


def test_declared_accounts_are_shown_and_not_changed(
    gateway: Gateway, api: TestClient, account: dict[str, Any]
) -> None:
    filed = api.get("/api/accounts/config:filed").json()["data"]
    assert (filed["read_only"], filed["declared_in"]) == (True, gateway.config.file)
    for reply in (
        api.patch("/api/accounts/config:filed", json={"enabled": False}),
        api.delete("/api/accounts/config:filed"),
        api.post("/api/accounts", json={"name": "filed", "preset": "openai", "api_key": CANARY}),
        api.patch(f"/api/accounts/{account['id']}", json={"name": "filed"}),
    ):
        assert error(reply) == (409, "read_only", None)
        assert str(gateway.config.file) in reply.json()["error"]["message"]


def test_removed(gateway: Gateway, api: TestClient, account: dict[str, Any]) -> None:
    path = f"/api/accounts/{account['id']}"
    assert api.delete(path).json() == {"data": {"id": account["id"], "deleted": True}}
    assert account["id"] not in gateway.configuration.world.accounts
    assert error(api.delete(path)) == (404, "not_found", None)
    assert error(api.get(path)) == (404, "account_not_found", None)
    assert error(api.patch(path, json={"name": "x"})) == (404, "not_found", None)


def test_pages(api: TestClient) -> None:
    for number in range(7):
        body = {"name": f"o{number}", "preset": "ollama", "priority": 1 + number % 2}
        assert api.post("/api/accounts", json=body).status_code == 201
    whole = [row["name"] for row in api.get("/api/accounts").json()["data"]]
    assert whole == ["filed", "o0", "o2", "o4", "o6", "o1", "o3", "o5"]
    seen: list[str] = []
    cursor: str | None = None
    while True:
        page = api.get("/api/accounts", params={"limit": 3, **({"cursor": cursor} if cursor else {})}).json()
        seen += [row["name"] for row in page["data"]]
        if len(seen) == 3:  # what was seen may go; the next page continues all the same
            (gone,) = [row["id"] for row in page["data"] if row["name"] == "o2"]
            api.delete(f"/api/accounts/{gone}")
        cursor = page["next_cursor"]
        assert page["has_more"] is (cursor is not None)
        if cursor is None:
            break
    assert seen == whole


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=many", "limit"),
        ("cursor=%00", "cursor"),
        ("cursor=WzEsMl0", "cursor"),
        ("curser=x", "curser"),
        ("limit=1&limit=2", "limit"),
    ],
)
def test_a_bad_page_is_refused(api: TestClient, query: str, param: str) -> None:
    status, _, named = error(api.get(f"/api/accounts?{query}"))
    assert (status, named) == (400, param)


def test_models_of_an_account(gateway: Gateway, api: TestClient, account: dict[str, Any]) -> None:
    manual = api.get(f"/api/accounts/{account['id']}/models").json()
    assert [(row["id"], row["origin"]) for row in manual["data"]] == [("gpt-x", "manual")]
    path = f"/api/accounts/{account['id']}"
    api.patch(path, json={"models": []})
    known = api.get(f"{path}/models").json()["data"]
    assert {row["origin"] for row in known} == {"preset"}
    gateway.listing = (ListedModel(id="m-2", context_window=1000), ListedModel(id="m-1"))
    assert api.post(f"{path}/models/refresh", json={}).json()["data"] == {
        "account_id": account["id"],
        "models": 2,
    }
    live = api.get(f"{path}/models").json()["data"]
    assert [(row["id"], row["origin"], row["context_window"]) for row in live] == [
        ("m-1", "live", None),
        ("m-2", "live", 1000),
    ]
    assert gateway.asked == [account["id"]]


def test_a_failed_refresh_is_the_providers(gateway: Gateway, api: TestClient) -> None:
    gateway.listing = UpstreamError("the provider answered 401", kind="status", status=401)
    path = "/api/accounts/config:filed/models/refresh"
    assert error(api.post(path, json={})) == (502, "upstream_error", None)
    gateway.listing = ConfigError("preset 'groq' needs an API key")
    assert error(api.post(path, json={})) == (409, "account_unusable", None)
    assert error(api.post("/api/accounts/none/models/refresh", json={}))[0] == 404
    assert error(api.post(path, json={"force": True})) == (400, "unknown_field", "force")


def test_trying_an_account(gateway: Gateway, api: TestClient) -> None:
    path = "/api/accounts/config:filed/test"
    assert api.post(path, json={}).json()["data"]["ok"]
    gateway.finding = UpstreamError("no answer within 10 s", kind="timeout")
    failed = api.post(path, json={})
    assert failed.status_code == 200, "a failure is the finding"
    assert (failed.json()["data"]["ok"], failed.json()["data"]["error"]) == (False, "no answer within 10 s")
    with gateway.client(dict(api.headers), test_account=None) as lists_only:
        found = lists_only.post(path, json={}).json()["data"]
    assert (found["ok"], found["models"], found["model"]) == (True, 2, None)


def test_a_change_that_is_not_yet_in_force_says_so(gateway: Gateway, api: TestClient) -> None:
    gateway.reload_error = StorageError("the store is locked")
    made = api.post("/api/keys", json={"name": "k"})
    assert made.status_code == 201, "a token that is made is told"
    assert any("takes effect" in notice for notice in made.json()["notices"])


def found(gateway: Gateway, *, variable: str = "OPENAI_API_KEY") -> str:
    account = Account(
        id="found:openai",
        name="openai",
        preset="openai",
        owner_id=LOCAL_OWNER,
        enabled=False,
        source="found",
        found_in=variable,
    )

    def provide(written: Sequence[Account], settings: RuntimeSettings) -> list[Account]:
        hidden = "openai" in settings.discovery.dismissed or any(a.preset == "openai" for a in written)
        return [] if hidden else [account]

    gateway.configuration.provide("discovery", provide)
    return "/api/accounts/found:openai"


def test_a_find_is_shown_without_its_secret_and_cannot_be_changed(gateway: Gateway, api: TestClient) -> None:
    path = found(gateway)
    shown = api.get(path).json()["data"]
    assert (shown["enabled"], shown["has_key"], shown["read_only"]) == (False, False, True)
    assert (shown["source"], shown["found_in"]) == ("found", "OPENAI_API_KEY")
    refused = api.patch(path, json={"enabled": True})
    assert refused.status_code == 409
    assert refused.json()["error"]["code"] == "not_adopted"
    assert "/adopt" in refused.json()["error"]["fix"]


def test_a_find_is_adopted_with_the_key_of_its_variable(
    gateway: Gateway, api: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = found(gateway)
    missing = api.post(f"{path}/adopt", json={})
    assert missing.status_code == 400
    assert "OPENAI_API_KEY" in missing.json()["error"]["message"]
    monkeypatch.setenv("OPENAI_API_KEY", f" {CANARY}\n")
    made = api.post(f"{path}/adopt", json={})
    assert made.status_code == 201
    assert CANARY not in made.text
    assert (
        made.json()["data"] | {"enabled": True, "source": "store", "key_tail": CANARY[-4:]}
        == made.json()["data"]
    )
    stored = gateway.configuration.world.accounts[made.json()["data"]["id"]]
    assert stored.api_key is not None
    assert stored.api_key.reveal() == CANARY
    assert api.get(path).status_code == 404, "what was adopted is no longer found"
    again = api.post(f"/api/accounts/{stored.id}/adopt", json={})
    assert (again.status_code, again.json()["error"]["code"]) == (409, "already_adopted")


def test_a_find_that_was_dismissed_is_not_shown_again(gateway: Gateway, api: TestClient) -> None:
    path = found(gateway)
    assert api.delete(path).json()["data"] == {"id": "found:openai", "deleted": True}
    assert api.get(path).status_code == 404
    assert api.get("/api/settings").json()["data"]["in_force"]["discovery"] == {"dismissed": ["openai"]}
