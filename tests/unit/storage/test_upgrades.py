"""Every schema there ever was opens with this program: all rows, all secrets, and a backup of how it was.

`stores/version_1.sql` is a store of the first schema as it was then; it must never be made anew, so that a
migration which is edited afterwards is noticed. The others are made by the migrations up to their number.
"""

from __future__ import annotations

import asyncio
import sqlite3
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path

import pytest

from flowrouter.accounts.vault import KEY_FILE, Vault
from flowrouter.app.backups import shelf_of
from flowrouter.config import Config
from flowrouter.storage import StoredConfigSource, StoredSealedBlobs, open_store
from flowrouter.storage.backup_checks import check
from flowrouter.storage.checkup import look_at
from flowrouter.storage.management import Management
from flowrouter.storage.migrating import run_migrations
from flowrouter.storage.schema import FILE_NAME, SCHEMA_VERSION
from flowrouter.storage.sqlite import create_file
from tests.contracts.fakes import FakeClock
from tests.support.full_store import columns_of, contents_of, fill_file

KEY = "ab" * 32
FIRST = Path(__file__).parent / "stores" / "version_1.sql"
LEDGER = 7
"""The schema that entered the request log into the ledger."""


def first_store(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.executescript(FIRST.read_text("utf-8"))
    connection.close()


def migrated_store(version: int) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        run_migrations(path, to=version)
        vault = Vault(bytes.fromhex(KEY))
        connection = sqlite3.connect(path)
        check_value = b64encode(vault.check_value()).decode()
        connection.execute("INSERT INTO meta VALUES ('key_check', 'local', ?)", (check_value,))
        connection.commit()
        connection.close()
        fill_file(path, vault)

    return make


OLD = [
    pytest.param(first_store, 1, id="first"),
    *(
        pytest.param(migrated_store(number), number, id=f"schema-{number}")
        for number in range(1, SCHEMA_VERSION)
    ),
]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / KEY_FILE).write_text(KEY + "\n")
    (tmp_path / KEY_FILE).chmod(0o600)
    return tmp_path


@pytest.mark.parametrize(("make", "version"), OLD)
def test_old_store_opens_whole(
    make: Callable[[Path], None], version: int, data: Path, clock: FakeClock
) -> None:
    path = data / FILE_NAME
    create_file(path)
    make(path)
    columns = columns_of(path)
    columns.pop("alembic_version")
    before = contents_of(path, only=columns)
    assert all(before.values()), "every table has rows"

    store = open_store(data, master_key=None, clock=clock)

    assert contents_of(path, only=columns) == before
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)
    connection.close()
    source = StoredConfigSource(store.place, store.vault, clock=clock)
    snapshot = source.load()
    source.close()
    assert not snapshot.problems
    assert [account.api_key.reveal() for account in snapshot.accounts if account.api_key] == [
        "sk-example-0",
        "sk-example-1",
    ]
    assert [header[1].reveal() for account in snapshot.accounts for header in account.headers] == [
        "header 0",
        "header 1",
        "header 2",
    ]
    blob = asyncio.run(
        StoredSealedBlobs(store.place, store.vault, clock=FakeClock(0)).get("local1", *_blob_key(path))
    )
    assert blob == b"secret 1"
    _assert_people_can_read(store, version, clock)
    _assert_backup(data, version, before, columns)


@pytest.mark.parametrize(("make", "version"), OLD)
def test_old_store_is_looked_at_and_left_as_it_is(
    make: Callable[[Path], None], version: int, data: Path
) -> None:
    path = data / FILE_NAME
    create_file(path)
    make(path)
    before = path.read_bytes()
    found = look_at(data, master_key=None)
    assert (found.version, found.error, found.key_error) == (version, None, None)
    foreign = look_at(data, master_key="cd" * 32)
    assert foreign.error is None
    assert "is not the one that sealed" in (foreign.key_error or "")
    (data / KEY_FILE).unlink()
    lost = look_at(data, master_key=None)
    assert lost.error is None
    assert "is missing" in (lost.key_error or "")
    assert path.read_bytes() == before


def _blob_key(path: Path) -> tuple[str, str]:
    connection = sqlite3.connect(path)
    row = connection.execute("SELECT kind, id FROM sealed_blobs WHERE owner_id = 'local1'").fetchone()
    connection.close()
    return row[0], row[1]


def _assert_people_can_read(store: object, version: int, clock: FakeClock) -> None:
    management = Management(store, clock=clock)  # type: ignore[arg-type]
    try:
        assert len(management.accounts.list()) == 3
        assert len([key for key in management.keys.list() if key.revoked_at_ms is None]) == 2
        assert management.settings.get(owner_id="local").version == 3
        assert management.requests.get("requests-1").status == 200
        if version >= 3:
            assert [combo.name for combo in management.combos.list()] == ["combos-0", "combos-1", "combos-2"]
        if version >= 5:
            found = management.users.find("users-1")
            assert found is None or found[1] == "secret 1"
            assert len(management.users.list()) == 3
        if version < LEDGER:
            verified = management.ledger.verify(now_ms=int(clock.now() * 1000))
            assert (verified.faults, verified.exchanges) == (0, 3)
    finally:
        management.close()


def _assert_backup(data: Path, version: int, before: object, columns: dict[str, list[str]]) -> None:
    (backup,) = shelf_of(Config(data=str(data)), clock=FakeClock()).list()
    assert backup.kind == "before-upgrade"
    assert backup.id.startswith(f"before-upgrade-from-{version}-")
    assert backup.manifest is not None
    assert backup.manifest.schema == version
    assert contents_of(backup.file, only=columns) == before
    verdict = check(backup, Vault(bytes.fromhex(KEY)))
    assert verdict.ok, verdict
