"""A backup is proven before anybody relies on it: every way of being spoilt is seen, and told what to do."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import msgspec
import pytest

from flowrouter.accounts.vault import KEY_FILE
from flowrouter.app.backups import shelf_of
from flowrouter.config import Config
from flowrouter.gateway.backups import Backup
from flowrouter.storage import Store, backup_files
from flowrouter.storage.backups import Shelf
from flowrouter.storage.schema import SCHEMA_VERSION
from tests.contracts.fakes import FakeClock
from tests.support.full_store import fill_file


def fresh(data: Path, clock: FakeClock, *, master_key: str | None = None) -> Shelf:
    return shelf_of(Config(data=str(data), master_key=master_key), clock=clock)


@pytest.fixture
def shelf(store: Store, clock: FakeClock) -> Shelf:
    fill_file(store.path, store.vault)
    return fresh(store.path.parent, clock)


def failed(backup: Backup, shelf: Shelf) -> tuple[str, str | None]:
    """Return the check that a backup does not pass, and what kind of trouble that is."""
    verdict = shelf.verify(backup.id)
    assert not verdict.ok
    return verdict.checks[-1].name, verdict.trouble


def test_truncated(shelf: Shelf) -> None:
    made = shelf.create("manual")
    with made.file.open("r+b") as file:
        file.truncate(made.bytes // 2)
    assert failed(made, shelf) == ("file", "damaged")


def test_one_byte_is_another(shelf: Shelf) -> None:
    made = shelf.create("manual")
    with made.file.open("r+b") as file:
        file.seek(made.bytes - 100)
        (byte,) = file.read(1)
        file.seek(made.bytes - 100)
        file.write(bytes([byte ^ 1]))
    assert failed(made, shelf) == ("sha256", "damaged")


def test_damage_without_a_manifest(shelf: Shelf) -> None:
    made = shelf.create("manual")
    (made.path / "manifest.json").unlink()
    with made.file.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 8192)
    assert failed(made, shelf) == ("integrity", "damaged")


def test_rows_are_missing(shelf: Shelf) -> None:
    """Somebody opened the file, changed it and wrote a manifest to match, but for the counts."""
    made = shelf.create("manual")
    connection = sqlite3.connect(made.file)
    connection.execute("DELETE FROM requests")
    connection.commit()
    connection.close()
    forged = msgspec.structs.replace(
        made.manifest, bytes=made.file.stat().st_size, sha256=backup_files.digest_of(made.file)
    )  # type: ignore[type-var]
    (made.path / "manifest.json").write_bytes(msgspec.json.encode(forged))
    assert failed(made, shelf) == ("rows", "damaged")


def test_newer_schema(shelf: Shelf) -> None:
    made = shelf.create("manual")
    (made.path / "manifest.json").unlink()
    connection = sqlite3.connect(made.file)
    connection.execute(f"PRAGMA user_version={SCHEMA_VERSION + 1}")
    connection.close()
    assert failed(made, shelf) == ("schema", "newer")


def test_wrong_key(store: Store, shelf: Shelf, clock: FakeClock) -> None:
    made = shelf.create("manual")
    verdict = fresh(store.path.parent, clock, master_key="cd" * 32).verify(made.id)
    assert verdict.trouble == "wrong_key"
    assert store.vault.key_id in verdict.checks[-1].found
    assert KEY_FILE in (verdict.fix or "")


def test_no_key(store: Store, shelf: Shelf) -> None:
    made = shelf.create("manual")
    (store.path.parent / KEY_FILE).unlink()
    assert failed(made, shelf) == ("key", "wrong_key")
    assert not (store.path.parent / KEY_FILE).exists(), "looking makes no key"


def test_key_does_not_matter_where_nothing_is_sealed(store: Store, clock: FakeClock) -> None:
    plain = fresh(store.path.parent, clock)
    made = plain.create("manual")
    assert fresh(store.path.parent, clock, master_key="cd" * 32).verify(made.id).ok
