"""`/api/apply`: a file in, a difference shown, all of it stored; again, and nothing to change."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from tests.unit.api_admin.conftest import BEARER, Gateway
from tests.unit.api_admin.declaring import (
    CANARY,
    HEADER,
    PASSWORD,
    SECRETS,
    TEXT,
    TOKEN,
    found,
    lines,
    put,
    whole,
)


@pytest.fixture
def api(gateway: Gateway) -> Iterator[TestClient]:
    with gateway.client(BEARER) as client:
        yield client


def test_everything_is_made_and_in_force(gateway: Gateway, api: TestClient) -> None:
    told = put(api)
    assert (told["added"], told["changed"], told["removed"], told["unchanged"]) == (13, 0, 0, 0)
    account = gateway.management.accounts.list()[0]
    assert (account.name, account.priority, account.tags) == ("main", 2, ("tier:cheap",))
    assert account.api_key is not None
    assert account.api_key.reveal() == CANARY
    assert [(name, value.reveal()) for name, value in account.headers] == [("x-team", HEADER)]
    world = gateway.configuration.world
    assert world.facts.aliases["pool"] == ("gpt-5.4", "claude-sonnet-5")
    assert (world.routing.attempts, world.reply_model) == (5, "asked")
    assert [combo.name for combo in world.combos.values()] == ["smart"]
    key = world.ring.find(TOKEN.token, now_ms=int(gateway.clock.now() * 1000))
    assert key is not None
    assert (key.policy.models, key.expires_at_ms) == (("gpt-*",), 1_893_456_000_000)
    assert [minted["name"] for minted in told["minted"]] == ["laptop"]
    assert world.ring.find(told["minted"][0]["token"], now_ms=0) is not None


def test_a_second_time_changes_nothing(gateway: Gateway, api: TestClient) -> None:
    put(api)
    before, version = whole(gateway), gateway.source.version()
    told = put(api, prune="file")
    assert (told["changes"], told["unchanged"], told["minted"]) == ([], 13, [])
    assert whole(gateway) == before
    assert gateway.source.version() == version


def test_dry_run_tells_and_leaves(gateway: Gateway, api: TestClient) -> None:
    before = whole(gateway)
    told = put(api, dry_run=True)
    assert told["added"] == 13
    assert told["minted"] == []
    assert whole(gateway) == before
    assert lines(put(api)) == lines(told)


def test_secrets_are_told_to_nobody(gateway: Gateway, api: TestClient) -> None:
    told = api.post("/api/apply", json={"text": TEXT, "file": "gateway.toml", "secrets": SECRETS})
    put(api, TEXT.replace('"env:MAIN_KEY"', '"sk-another-canary-000111"'))
    shown = [told.text, api.get("/api/audit").text, api.get("/api/export").text]
    shown += [api.get(path).text for path in ("/api/accounts", "/api/keys", "/api/users", "/api/settings")]
    for secret in (CANARY, HEADER, PASSWORD, TOKEN.token, TOKEN.token_hash, "sk-another-canary-000111"):
        assert not [text for text in shown if secret in text]
    minted = told.json()["data"]["minted"][0]["token"]
    assert not [text for text in shown[1:] if minted in text]


def test_difference_names_fields(api: TestClient) -> None:
    put(api)
    text = TEXT.replace("priority = 2", "priority = 3").replace("weight = 2", "weight = 5")
    told = put(
        api, text.replace('rotations = { openai = "weighted" }', 'rotations = { openai = "round_robin" }')
    )
    assert lines(told) == [
        "changed account main",
        "changed combo smart",
        "changed setting routing.rotations.openai",
    ]
    account, combo, setting = (change["fields"] for change in told["changes"])
    assert account == [{"field": "priority", "before": 2, "after": 3}]
    assert [field["field"] for field in combo] == ["members"]
    assert (setting[0]["before"], setting[0]["after"]) == ("weighted", "round_robin")


def test_fields_that_the_file_leaves_out_are_the_consoles(api: TestClient) -> None:
    put(api)
    account = found(api, "/api/accounts", "main")
    assert api.patch(f"/api/accounts/{account['id']}", json={"weight": 9}).status_code == 200
    assert put(api)["changes"] == []
    assert found(api, "/api/accounts", "main")["weight"] == 9


def test_a_field_that_left_the_file_goes_back(api: TestClient) -> None:
    put(api)
    told = put(api, TEXT.replace("priority = 2\n", "").replace('api_key = "env:MAIN_KEY"\n', ""))
    assert [field["field"] for field in told["changes"][0]["fields"]] == ["priority"]
    account = found(api, "/api/accounts", "main")
    assert account["priority"] == 1
    assert account["has_key"], "a secret that is no longer mentioned stays"
    assert "priority" not in account["managed_fields"]


class TestPrune:
    ONLY = '[[accounts]]\nname = "main"\npreset = "openai"\napi_key = "env:MAIN_KEY"\n'

    def test_without_it_all_stays(self, gateway: Gateway, api: TestClient) -> None:
        put(api)
        told = put(api, self.ONLY)
        assert "combo smart" in told["left"]
        assert told["removed"] == 0
        assert len(gateway.management.combos.list()) == 1

    def test_it_removes_what_the_file_brought(self, gateway: Gateway, api: TestClient) -> None:
        put(api)
        api.post("/api/combos", json={"name": "mine", "members": [{"model": "a"}]})
        api.patch("/api/settings", json={"models": {"aliases": {"mine": "a"}}})
        put(api, '[[accounts]]\nname = "other"\npreset = "ollama"\n', file="other.toml")
        told = put(api, self.ONLY, prune="file")
        assert told["removed"] == 12
        store = gateway.management
        assert [combo.name for combo in store.combos.list()] == ["mine"]
        assert [account.name for account in store.accounts.list()] == ["main", "other"]
        assert [key for key in store.keys.list() if key.revoked_at_ms is None] == []
        values = store.settings.get(owner_id="local").values
        assert values["models"] == {"aliases": {"mine": "a"}}
        assert put(api, self.ONLY, prune="file")["changes"] == []

    def test_all_removes_what_others_made_too(self, gateway: Gateway, api: TestClient) -> None:
        api.post("/api/combos", json={"name": "mine", "members": [{"model": "a"}]})
        told = put(api, self.ONLY, prune="all")
        assert lines(told)[0] == "removed combo mine"
        assert told["changes"][0]["was_managed_by"] == "console"
        assert gateway.management.combos.list() == []
