"""`/api/backups`: for admins of the whole gateway; what is put back waits for the next start."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from flowrouter.gateway.backups import Staged
from flowrouter.storage.backups import write_staged
from tests.unit.api_admin.conftest import BEARER, Gateway


@pytest.fixture
def api(gateway: Gateway) -> Iterator[TestClient]:
    with gateway.client(BEARER) as client:
        yield client


@pytest.fixture
def backup(api: TestClient) -> dict[str, Any]:
    made = api.post("/api/backups", json={"note": "first"})
    assert made.status_code == 201, made.text
    return made.json()["data"]


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def test_create(api: TestClient) -> None:
    made = api.post("/api/backups", json={"note": "before the move"})
    assert made.status_code == 201
    body = made.json()
    assert body["data"]["kind"] == "manual"
    assert body["data"]["staged"] is False
    assert body["data"]["manifest"]["note"] == "before the move"
    assert "secret.key" in body["notices"][0]


def test_list_and_show(api: TestClient, gateway: Gateway, backup: dict[str, Any]) -> None:
    gateway.clock.advance(60)
    second = api.post("/api/backups", json={}).json()["data"]
    page = api.get("/api/backups?limit=1").json()
    assert [row["id"] for row in page["data"]] == [second["id"]]
    rest = api.get(f"/api/backups?cursor={page['next_cursor']}").json()
    assert [row["id"] for row in rest["data"]] == [backup["id"]]
    assert api.get(f"/api/backups/{backup['id']}").json()["data"] == backup


def test_download(api: TestClient, backup: dict[str, Any], tmp_path: Path) -> None:
    answer = api.get(f"/api/backups/{backup['id']}/file")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/vnd.sqlite3"
    assert answer.headers["content-disposition"] == f'attachment; filename="{backup["id"]}.sqlite"'
    assert len(answer.content) == backup["bytes"]
    file = tmp_path / "downloaded.sqlite"
    file.write_bytes(answer.content)
    connection = sqlite3.connect(file)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


def test_verify(api: TestClient, backup: dict[str, Any], gateway: Gateway) -> None:
    good = api.post(f"/api/backups/{backup['id']}/verify", json={}).json()["data"]
    assert good["ok"] is True
    file = gateway.store.path.parent / "backups" / backup["id"] / gateway.store.path.name
    file.write_bytes(b"x")
    bad = api.post(f"/api/backups/{backup['id']}/verify", json={}).json()["data"]
    assert (bad["ok"], bad["trouble"]) == (False, "damaged")
    assert bad["fix"]
    assert code(api.post(f"/api/backups/{backup['id']}/restore", json={})) == (409, "backup_damaged")


def test_restore_waits_for_the_start(api: TestClient, backup: dict[str, Any]) -> None:
    answer = api.post(f"/api/backups/{backup['id']}/restore", json={})
    assert answer.status_code == 202
    assert answer.json()["data"] == {"id": backup["id"], "staged": True}
    assert "restart" in answer.json()["notices"][0]
    assert api.get(f"/api/backups/{backup['id']}").json()["data"]["staged"] is True
    assert code(api.delete(f"/api/backups/{backup['id']}")) == (409, "backup_in_use")
    assert api.delete(f"/api/backups/{backup['id']}/restore").json()["data"]["staged"] is False
    assert code(api.delete(f"/api/backups/{backup['id']}/restore")) == (404, "backup_not_found")
    assert api.get(f"/api/backups/{backup['id']}").json()["data"]["staged"] is False


def test_why_the_last_restore_was_not_done(api: TestClient, backup: dict[str, Any], gateway: Gateway) -> None:
    failed = Staged(id=backup["id"], asked_at_ms=1, error="the disk was full")
    write_staged(gateway.store.path.parent, failed)
    answer = api.get("/api/backups").json()
    assert answer["notices"] == ["the disk was full"]
    assert answer["data"][0]["staged"] is False


def test_delete(api: TestClient, backup: dict[str, Any]) -> None:
    assert api.delete(f"/api/backups/{backup['id']}").json()["data"]["id"] == backup["id"]
    assert code(api.get(f"/api/backups/{backup['id']}")) == (404, "backup_not_found")
    assert code(api.delete(f"/api/backups/{backup['id']}")) == (404, "backup_not_found")


@pytest.mark.parametrize("name", ["nothing", "..", "%2e%2e", "..%2f..%2fetc", "manual-1%00"])
def test_ids_lead_nowhere_else(name: str, api: TestClient) -> None:
    for path in (f"/api/backups/{name}", f"/api/backups/{name}/file"):
        assert api.get(path).status_code in (404, 405)
    assert api.delete(f"/api/backups/{name}").status_code in (404, 405)


def test_what_was_done_is_in_the_audit_log(api: TestClient, backup: dict[str, Any]) -> None:
    api.delete(f"/api/backups/{backup['id']}")
    rows = api.get("/api/audit").json()["data"]
    assert [(row["action"], row["target"]) for row in rows[:2]] == [
        ("delete_backup", backup["id"]),
        ("create_backup", backup["id"]),
    ]


@pytest.mark.parametrize("owner", ["local", "somebody"])
def test_only_for_the_operator(owner: str, api: TestClient, backup: dict[str, Any], gateway: Gateway) -> None:
    """A key of another owner, whatever its scopes, must not have everybody's rows."""
    headers = gateway.admin_key(owner)
    paths = ["/api/backups", f"/api/backups/{backup['id']}", f"/api/backups/{backup['id']}/file"]
    for path in paths:
        answer = api.get(path, headers=headers)
        assert answer.status_code == 403, (owner, path)


def test_no_room(api: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("flowrouter.storage.backup_files.sync", full)
    answer = api.post("/api/backups", json={})
    assert code(answer) == (507, "no_room")
    assert answer.json()["error"]["fix"]
    assert api.get("/api/backups").json()["data"] == []
