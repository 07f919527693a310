"""The store opens where it can, and otherwise says why and leaves everything as it was."""

from __future__ import annotations

import sqlite3
import stat
import subprocess
import sys
from pathlib import Path
from threading import Barrier, Thread

import pytest

from flowrouter.accounts.vault import KEY_FILE
from flowrouter.errors import ConfigError, StorageError
from flowrouter.gateway.ports import AccountDraft
from flowrouter.httpkit.keys import mint
from flowrouter.storage import Store, StoredConfigSource, StoredSealedBlobs, open_store
from flowrouter.storage.management import Management
from flowrouter.storage.schema import APPLICATION_ID, FILE_NAME, SCHEMA_VERSION
from tests.contracts.fakes import FakeClock

CANARY = "sk-canary-0123456789"
KEY_TEXT = "ab" * 32


def add_account(store: Store, clock: FakeClock) -> None:
    management = Management(store, clock=clock)
    management.accounts.create(AccountDraft(name="n", preset="p", api_key=CANARY), owner_id="local")
    management.close()


def reopen(store: Store, clock: FakeClock, *, master_key: str | None = None) -> Store:
    return open_store(store.path.parent, master_key=master_key, clock=clock)


def test_new_store(store: Store) -> None:
    connection = sqlite3.connect(store.path)
    pragma = {
        name: connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("user_version", "application_id", "journal_mode")
    }
    connection.close()
    assert pragma == {"user_version": SCHEMA_VERSION, "application_id": APPLICATION_ID, "journal_mode": "wal"}
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in store.path.parent.iterdir()}
    assert modes == {FILE_NAME: 0o600, KEY_FILE: 0o600}


def test_start_needs_no_database_library(tmp_path: Path) -> None:
    program = """
import sys
from pathlib import Path
from flowrouter.clock import SystemClock
from flowrouter.storage import RequestWriter, StoredConfigSource, open_store
for _ in range(2):
    store = open_store(Path(sys.argv[1]), master_key=None, clock=SystemClock())
    StoredConfigSource(store.place, store.vault, clock=SystemClock()).load()
    writer = RequestWriter(store.place, store.data, clock=SystemClock())
    writer.start()
    assert writer.drain(30)
print(sorted({name.partition(".")[0] for name in sys.modules} & {"sqlalchemy", "alembic", "mako"}))
"""
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


def test_many_start_at_once(tmp_path: Path, clock: FakeClock) -> None:
    barrier, stores = Barrier(6), []

    def run() -> None:
        barrier.wait()
        stores.append(open_store(tmp_path, master_key=None, clock=clock))

    threads = [Thread(target=run) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(stores) == 6
    assert len({store.vault.key_id for store in stores}) == 1


def test_newer_schema_is_left_alone(store: Store, clock: FakeClock) -> None:
    connection = sqlite3.connect(store.path)
    connection.execute(f"PRAGMA user_version={SCHEMA_VERSION + 1}")
    connection.execute("ALTER TABLE meta ADD COLUMN future TEXT")
    connection.commit()
    connection.close()
    before = store.path.read_bytes()
    with pytest.raises(StorageError, match="newer Flow Router"):
        reopen(store, clock)
    assert store.path.read_bytes() == before


def test_foreign_database_is_left_alone(tmp_path: Path, clock: FakeClock) -> None:
    connection = sqlite3.connect(tmp_path / FILE_NAME)
    connection.execute("CREATE TABLE precious (x)")
    connection.commit()
    connection.close()
    with pytest.raises(StorageError, match="not one of Flow Router's"):
        open_store(tmp_path, master_key=None, clock=clock)
    connection = sqlite3.connect(tmp_path / FILE_NAME)
    assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("precious",)]
    connection.close()


def test_file_that_is_no_database(tmp_path: Path, clock: FakeClock) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"not a database, but somebody's text" * 100)
    with pytest.raises(StorageError, match=r"damaged.*backups"):
        open_store(tmp_path, master_key=None, clock=clock)
    assert (tmp_path / FILE_NAME).read_bytes().startswith(b"not a database")


def test_missing_directory(tmp_path: Path, clock: FakeClock) -> None:
    with pytest.raises(StorageError, match="cannot create the store"):
        open_store(tmp_path / "missing", master_key=None, clock=clock)


def test_key_from_the_environment(tmp_path: Path, clock: FakeClock) -> None:
    store = open_store(tmp_path, master_key=KEY_TEXT, clock=clock)
    assert not (tmp_path / KEY_FILE).exists()
    add_account(store, clock)
    again = reopen(store, clock, master_key=KEY_TEXT.upper())
    (account,) = StoredConfigSource(again.place, again.vault, clock=clock).load().accounts
    assert account.api_key is not None
    assert account.api_key.reveal() == CANARY


def test_gateway_key_in_place_of_the_sealing_key(tmp_path: Path, clock: FakeClock) -> None:
    with pytest.raises(ConfigError, match="gateway key"):
        open_store(tmp_path, master_key=mint().token, clock=clock)


def test_wrong_key(store: Store, clock: FakeClock) -> None:
    add_account(store, clock)
    with pytest.raises(ConfigError, match="is not the one that sealed the 1 values") as caught:
        reopen(store, clock, master_key=KEY_TEXT)
    assert KEY_TEXT not in str(caught.value)
    assert store.vault.key_id in str(caught.value)
    assert reopen(store, clock).vault.key_id == store.vault.key_id, "the right key still fits"


def test_lost_key_is_never_replaced(store: Store, clock: FakeClock) -> None:
    add_account(store, clock)
    path = store.path.parent / KEY_FILE
    saved = path.read_bytes()
    path.unlink()
    with pytest.raises(ConfigError, match=r"is missing.*restore"):
        reopen(store, clock)
    assert not path.exists()
    path.write_bytes(saved)
    path.chmod(0o600)
    assert reopen(store, clock).vault.key_id == store.vault.key_id


async def test_lost_key_of_sealed_blobs(store: Store, clock: FakeClock) -> None:
    blobs = StoredSealedBlobs(store.place, store.vault, clock=clock)
    await blobs.put("local", "k", "1", value=b"x")
    (store.path.parent / KEY_FILE).unlink()
    with pytest.raises(ConfigError, match="1 values"):
        reopen(store, clock)


def test_lost_key_of_nothing(store: Store, clock: FakeClock) -> None:
    """Where nothing is sealed a new key does no harm."""
    (store.path.parent / KEY_FILE).unlink()
    second = reopen(store, clock)
    assert second.vault.key_id != store.vault.key_id
    add_account(second, clock)
    assert reopen(store, clock).vault.key_id == second.vault.key_id


def test_altered_secret_disables_its_account_only(store: Store, clock: FakeClock) -> None:
    add_account(store, clock)
    management = Management(store, clock=clock)
    management.accounts.create(AccountDraft(name="fine", preset="p", api_key=CANARY), owner_id="local")
    connection = sqlite3.connect(store.path)
    connection.execute(
        "UPDATE accounts SET api_key_sealed = (SELECT api_key_sealed FROM accounts WHERE name = 'fine')"
    )
    connection.commit()
    connection.close()
    snapshot = StoredConfigSource(store.place, store.vault, clock=clock).load()
    fine, moved = snapshot.accounts
    assert (fine.name, fine.enabled, fine.problem) == ("fine", True, None)
    assert (moved.name, moved.enabled, moved.api_key) == ("n", False, None)
    assert len(snapshot.problems) == 1
    assert "moved" in snapshot.problems[0]
    assert CANARY not in snapshot.problems[0]
    management.close()


def test_no_secret_in_the_file(store: Store, clock: FakeClock) -> None:
    add_account(store, clock)
    for path in store.path.parent.iterdir():
        assert CANARY.encode() not in path.read_bytes(), path
