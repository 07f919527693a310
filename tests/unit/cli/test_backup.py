"""`flow-router backup`: what people see of backups, and that nothing happens without their word."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from flowrouter.accounts.vault import KEY_FILE
from flowrouter.cli.main import main
from flowrouter.storage.schema import FILE_NAME
from flowrouter.storage.sqlite import connect
from tests.support.full_store import contents_of
from tests.unit.cli.conftest import Run

SECRET = "sk-canary-0123456789"


@pytest.fixture
def filled(run: Run, data: Path) -> Path:
    assert (
        run(
            "providers",
            "add",
            "work",
            "--preset",
            "openai",
            "--api-key",
            SECRET,
            "--models",
            "m",
        ).code
        == 0
    )
    assert run("keys", "create", "laptop").code == 0
    return data


def make(run: Run, *options: str) -> str:
    made = run("backup", "create", "--json", *options)
    assert made.code == 0, made.err
    return str(made.json["id"])


def test_create_says_where_the_key_is(run: Run, filled: Path) -> None:
    made = run("backup", "create", "--note", "before the move")
    assert made.code == 0
    assert f"in {filled / 'backups'}" in made.out
    assert "not in it" in made.err
    assert str(filled / KEY_FILE) in made.err
    listed = run("backup", "list")
    assert "before the move" in listed.out
    assert SECRET not in made.out + made.err + listed.out


def test_nothing_to_list(run: Run) -> None:
    listed = run("backup", "list")
    assert listed.code == 0
    assert "backup create" in listed.out
    assert run("backup", "list", "--json").json == []


def test_looking_makes_nothing(run: Run, data: Path) -> None:
    run("backup", "list")
    assert run("backup", "verify", "manual-20260131T080000Z").code == 1
    assert not data.exists()


def test_back_to_how_it_was(run: Run, filled: Path) -> None:
    backup = make(run)
    then = contents_of(filled / FILE_NAME)
    assert run("keys", "revoke", "laptop").code == 0
    assert run("providers", "remove", "work").code == 0
    done = run("backup", "restore", backup, "--yes")
    assert done.code == 0, done.err
    assert f"Put {backup} back" in done.out
    assert "before-restore-" in done.out
    assert "laptop" in done.err, "a key that was revoked is valid again"
    now = contents_of(filled / FILE_NAME)
    assert {name for name in then if then[name] != now[name]} == {"audit"}
    shown = run("audit", "--json").json
    assert shown[0]["action"] == "restore_backup"
    assert shown[0]["target"] == backup
    assert run("providers", "list").out.count("work") == 1


def test_nothing_without_a_yes(run: Run, filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    backup = make(run)
    before = contents_of(filled / FILE_NAME)
    monkeypatch.setattr("typer.confirm", lambda _: False)
    assert run("backup", "restore", backup).code == 1
    assert run("backup", "delete", backup).code == 1
    assert contents_of(filled / FILE_NAME) == before
    assert run("backup", "verify", backup).code == 0


def test_on_another_machine(
    run: Run, filled: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The folder of the backup and the key file are all there is."""
    backup = filled / "backups" / make(run)
    other = tmp_path / "other"
    words = ["backup", "restore", str(backup), "--yes", "--data", str(other)]
    assert main(words) == 1
    said = capsys.readouterr().err
    assert "no sealing key is here" in said
    assert KEY_FILE in said
    assert not (other / FILE_NAME).exists()
    (other / KEY_FILE).write_bytes((filled / KEY_FILE).read_bytes())
    (other / KEY_FILE).chmod(0o600)
    assert main(words) == 0
    assert main(["keys", "list", "--data", str(other)]) == 0
    assert "laptop" in capsys.readouterr().out


def test_verify_says_what_is_wrong(run: Run, filled: Path) -> None:
    backup = make(run)
    good = run("backup", "verify", backup)
    assert good.code == 0
    assert "can be put back" in good.out
    file = filled / "backups" / backup / FILE_NAME
    file.write_bytes(file.read_bytes()[:-1])
    bad = run("backup", "verify", backup, "--json")
    assert bad.code == 1
    assert bad.json["trouble"] == "damaged"
    refused = run("backup", "restore", backup, "--yes")
    assert refused.code == 1
    assert "nothing was changed" in refused.err


def test_in_use(run: Run, filled: Path) -> None:
    backup = make(run)
    holder = connect(filled / FILE_NAME)
    holder.execute("SELECT count(*) FROM meta").fetchone()
    refused = run("backup", "restore", backup, "--yes")
    holder.close()
    assert refused.code == 1
    assert "is in use" in refused.err
    assert "--at-next-start" in refused.err


def test_at_the_next_start(run: Run, filled: Path) -> None:
    backup = make(run)
    assert run("backup", "restore", backup, "--at-next-start").code == 0
    assert "next start" in run("backup", "list").err
    assert run("backup", "delete", backup, "--yes").code == 1
    cancelled = run("backup", "restore", backup, "--cancel")
    assert (cancelled.code, backup in cancelled.out) == (0, True)
    assert "Nothing waits" in run("backup", "restore", backup, "--cancel").out


def test_delete(run: Run, filled: Path) -> None:
    backup = make(run)
    assert run("backup", "delete", backup, "--yes").code == 0
    assert run("backup", "list", "--json").json == []
    again = run("backup", "delete", backup, "--yes")
    assert again.code == 1
    assert "backup list" in again.err
    actions = [row["action"] for row in run("audit", "--json").json]
    assert actions[:2] == ["delete_backup", "create_backup"]


def test_a_damaged_store_does_not_stand_in_the_way(run: Run, filled: Path) -> None:
    backup = make(run)
    for path in filled.glob(f"{FILE_NAME}*"):
        path.unlink()
    (filled / FILE_NAME).write_bytes(b"no database at all" * 100)
    assert run("keys", "list").code == 1
    done = run("backup", "restore", backup, "--yes")
    assert done.code == 0, done.err
    assert "laptop" in run("keys", "list").out
    connection = sqlite3.connect(filled / FILE_NAME)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
