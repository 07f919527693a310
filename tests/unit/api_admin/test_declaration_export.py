"""`/api/export`: out and in again, with secrets and without; and who may."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from tests.unit.api_admin.conftest import BEARER, FILE_CANARY, Gateway
from tests.unit.api_admin.declaring import (
    CANARY,
    HEADER,
    PASSPHRASE,
    TOKEN,
    Other,
    found,
    put,
    refused,
    whole,
)
from tests.unit.api_admin.test_login import enter, with_users


@pytest.fixture
def api(gateway: Gateway) -> Iterator[TestClient]:
    with gateway.client(BEARER) as client:
        yield client


class TestExport:
    def test_and_back_is_the_same_text(self, gateway: Gateway, api: TestClient, tmp_path: Path) -> None:
        put(api)
        reply = api.get("/api/export")
        assert reply.headers["content-type"].startswith("application/toml")
        assert 'api_key = "env:MAIN_KEY"' in reply.text
        with Other(tmp_path / "other", gateway.clock) as clean:
            assert put(clean, reply.text)["added"] == 13
            assert clean.get("/api/export").text == reply.text

    def test_sealed_and_back(self, gateway: Gateway, api: TestClient, tmp_path: Path) -> None:
        put(api)
        sealed = api.post("/api/export", json={"passphrase": PASSPHRASE}).text
        for secret in (CANARY, HEADER, TOKEN.token_hash, "main", FILE_CANARY):
            assert secret not in sealed
        with Other(tmp_path / "other", gateway.clock) as clean:
            told = put(clean, sealed, secrets={}, passphrase=PASSPHRASE)
            assert (told["added"], told["minted"]) == (13, [])
            assert put(clean, sealed, secrets={}, passphrase=PASSPHRASE)["changes"] == []
            assert CANARY not in clean.get("/api/export").text
            key = found(clean, "/api/keys", "ci")
            assert key["shown"] == TOKEN.shown

    def test_what_does_not_open_changes_nothing(self, gateway: Gateway, api: TestClient) -> None:
        put(api)
        sealed = api.post("/api/export", json={"passphrase": PASSPHRASE}).text
        before = whole(gateway)
        strange = sealed.replace("flow-router-sealed/1", "flow-router-sealed/9")
        weaker = sealed.replace("passes = 3", "passes = 2")
        middle = len(sealed) - 60
        cut = sealed[:middle] + sealed[middle + 4 :]
        cases = [
            (sealed, None, "passphrase_needed"),
            (sealed, "another passphrase altogether", "wrong_passphrase"),
            (cut, PASSPHRASE, "wrong_passphrase"),
            (weaker, PASSPHRASE, "wrong_passphrase"),
            (strange, PASSPHRASE, "unknown_format"),
            (sealed.replace('sealed = """\n', 'sealed = """\n!!'), PASSPHRASE, "damaged_export"),
            (sealed.replace("memory_kib = 65536", "memory_kib = 999999999"), PASSPHRASE, "invalid_request"),
        ]
        for text, passphrase, code in cases:
            status, error = refused(api, text, passphrase=passphrase, prune="all")
            assert (status, error["code"]) == (400, code)
        assert whole(gateway) == before

    def test_weak_passphrase(self, api: TestClient) -> None:
        for weak in ("short", "aaaaaaaaaaaaaaaaaaaa"):
            reply = api.post("/api/export", json={"passphrase": weak})
            assert (reply.status_code, reply.json()["error"]["code"]) == (400, "weak_passphrase")


class TestWhoMay:
    @pytest.mark.parametrize("role", ["viewer", "operator"])
    def test_only_admins(self, gateway: Gateway, role: str) -> None:
        client = enter(with_users(gateway), role)
        assert client.get("/api/export").status_code == 403
        assert client.post("/api/export", json={"passphrase": PASSPHRASE}).status_code == 403
        assert client.post("/api/apply", json={"text": ""}).status_code == 403

    def test_owners_of_their_own_may_not(self, gateway: Gateway) -> None:
        with gateway.client(gateway.admin_key("team-a")) as client:
            for reply in (client.get("/api/export"), client.post("/api/apply", json={"text": ""})):
                assert (reply.status_code, reply.json()["error"]["code"]) == (403, "operator_only")

    def test_it_is_written_down(self, api: TestClient) -> None:
        put(api, dry_run=True)
        put(api)
        api.post("/api/export", json={"passphrase": PASSPHRASE})
        rows = api.get("/api/audit").json()["data"]
        assert [(row["action"], row["target"]) for row in rows] == [
            ("export_sealed", "export"),
            ("apply_declaration", "gateway.toml"),
        ]
        assert rows[1]["after"]["changes"][0]["name"] == "main"
