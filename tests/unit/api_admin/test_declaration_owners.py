"""What an applied file owns: shown, refused to the console, taken over where somebody insists."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.unit.api_admin.conftest import BEARER, Gateway
from tests.unit.api_admin.declaring import (
    found,
    lines,
    put,
    refused,
    whole,
)


@pytest.fixture
def api(gateway: Gateway) -> Iterator[TestClient]:
    with gateway.client(BEARER) as client:
        yield client


class TestOwners:
    def test_are_shown(self, api: TestClient) -> None:
        put(api)
        account = found(api, "/api/accounts", "main")
        assert (account["managed_by"], account["managed_in"]) == ("file", "gateway.toml")
        assert account["managed_fields"] == ["api_key", "headers", "name", "preset", "priority", "tags"]
        filed = found(api, "/api/accounts", "filed")
        assert (filed["managed_by"], filed["managed_fields"]) == ("file", ["*"])
        assert filed["managed_in"].endswith("config.toml")
        assert found(api, "/api/combos", "smart")["managed_by"] == "file"
        key = found(api, "/api/keys", "ci")
        assert (key["managed_in"], "policy.limits" in key["managed_fields"]) == ("gateway.toml", True)
        assert found(api, "/api/users", "Ann")["managed"]["file"] == "gateway.toml"
        managed = {
            ".".join(row["path"]): row["file"] for row in api.get("/api/settings").json()["data"]["managed"]
        }
        assert managed["models.aliases.quick"] == "gateway.toml"
        assert managed["models.aliases.fast"].endswith("config.toml")

    def test_of_the_console(self, api: TestClient) -> None:
        api.post("/api/combos", json={"name": "mine", "members": [{"model": "a"}]})
        row = found(api, "/api/combos", "mine")
        assert (row["managed_by"], row["managed_in"], row["managed_fields"]) == ("console", None, [])

    CHANGES: tuple[tuple[str, str, dict[str, Any]], ...] = (
        ("/api/accounts", "main", {"priority": 7}),
        ("/api/accounts", "main", {"name": "renamed"}),
        ("/api/combos", "smart", {"strategy": "random"}),
        ("/api/keys", "ci", {"policy": {"limits": {"requests_per_minute": 1}}}),
        ("/api/users", "Ann", {"role": "admin"}),
    )

    @pytest.mark.parametrize(
        ("path", "name", "change"), CHANGES, ids=["account", "renamed", "combo", "key", "user"]
    )
    def test_console_changes_nothing_of_a_files(
        self, gateway: Gateway, api: TestClient, path: str, name: str, change: dict[str, Any]
    ) -> None:
        put(api)
        before = whole(gateway)
        thing = f"{path}/{found(api, path, name)['id']}"
        for reply in (api.patch(thing, json=change), api.delete(thing)):
            assert (reply.status_code, reply.json()["error"]["code"]) == (409, "managed_by_file")
            assert "gateway.toml" in reply.json()["error"]["message"]
            assert "?detach=true" in reply.json()["error"]["fix"]
        assert whole(gateway) == before

    def test_settings_of_a_file(self, api: TestClient) -> None:
        put(api)
        reply = api.patch("/api/settings", json={"routing": {"attempts": 9}})
        assert (reply.status_code, reply.json()["error"]["code"]) == (409, "managed_by_file")
        assert "routing.attempts" in reply.json()["error"]["message"]
        assert api.patch("/api/settings", json={"routing": {"attempts": 5, "wait": 9}}).status_code == 200
        assert api.patch("/api/settings", json={"routing": None}).status_code == 409
        taken = api.patch("/api/settings?detach=true", json={"routing": {"attempts": 9}})
        assert taken.status_code == 200
        assert ["routing", "attempts"] not in [row["path"] for row in taken.json()["data"]["managed"]]
        assert lines(put(api)) == ["changed setting routing.attempts"]

    def test_detach_takes_one_field_over(self, api: TestClient) -> None:
        put(api)
        account = found(api, "/api/accounts", "main")
        reply = api.patch(f"/api/accounts/{account['id']}?detach=true", json={"priority": 7})
        assert reply.status_code == 200
        assert "priority" not in reply.json()["data"]["managed_fields"]
        assert api.patch(f"/api/accounts/{account['id']}", json={"priority": 8}).status_code == 200
        assert api.patch(f"/api/accounts/{account['id']}", json={"tags": []}).status_code == 409
        told = put(api)
        assert told["changes"][0]["fields"] == [{"field": "priority", "before": 8, "after": 2}]

    def test_the_same_value_is_no_change(self, api: TestClient) -> None:
        put(api)
        account = found(api, "/api/accounts", "main")
        assert api.patch(f"/api/accounts/{account['id']}", json={"priority": 2}).status_code == 200

    def test_what_another_file_owns(self, api: TestClient) -> None:
        put(api)
        text = '[routing.combos.smart]\nmembers = [{ model = "a" }]\n'
        status, error = refused(api, text, file="team.toml")
        assert (status, error["code"]) == (409, "managed_by_file")
        assert error["message"].startswith("team.toml:1: ")
        told = put(api, text, file="team.toml", take_over=True)
        assert told["changes"][0]["was_managed_by"] == "gateway.toml"
        assert found(api, "/api/combos", "smart")["managed_in"] == "team.toml"

    def test_what_the_console_made_is_taken_over(self, api: TestClient) -> None:
        api.post("/api/combos", json={"name": "Smart", "members": [{"model": "a"}]})
        told = put(api, '[routing.combos.smart]\nmembers = [{ model = "a" }]\n')
        assert lines(told) == ["taken_over combo Smart"]
        assert told["changes"][0]["was_managed_by"] == "console"
