"""A backup is one file on either engine, and goes back into either: a store moves between them by that."""

from __future__ import annotations

import sqlite3
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flowrouter.accounts.vault import KEY_FILE, Vault
from flowrouter.app import backups as work
from flowrouter.config import Config
from flowrouter.errors import StorageError
from flowrouter.gateway.backups import BackupError
from flowrouter.settings import Store as StoreSettings
from flowrouter.storage import Store, open_store
from flowrouter.storage.copying import SharedSource, copy_rows, make_store, one_moment_of, reading, writing_to
from flowrouter.storage.database import engine_of
from flowrouter.storage.management import Management
from flowrouter.storage.migrating import migrate
from flowrouter.storage.place import place_of
from flowrouter.storage.schema import SCHEMA_VERSION
from flowrouter.storage.sqlite import SqlitePlace
from tests.contracts.fakes import FakeClock
from tests.support.full_store import contents, contents_of, fill
from tests.support.postgres_server import PostgresServer

KEY = "ab" * 32


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with PostgresServer() as running:
        yield running


def config_of(data: Path, url: str = "") -> Config:
    return Config(data=str(data), store=StoreSettings(url=url))


def put_key(data: Path) -> Path:
    data.mkdir(exist_ok=True)
    (data / KEY_FILE).write_text(KEY + "\n")
    (data / KEY_FILE).chmod(0o600)
    return data


def full_store(data: Path, clock: FakeClock, url: str = "") -> Store:
    """Return a store with rows in every table."""
    store = open_store(put_key(data), master_key=None, clock=clock, url=url)
    engine = engine_of(store.place)
    with engine.begin() as connection:
        fill(connection, store.vault)
    engine.dispose()
    return store


def rows_at(data: Path, url: str = "") -> dict[str, list[Any]]:
    """Return all rows but the audit log's."""
    with one_moment_of(place_of(data, url=url)) as connection:
        found = contents(connection)
    found.pop("audit")
    return found


def assert_works(data: Path, clock: FakeClock, url: str = "", *, users: int = 3) -> None:
    store = open_store(data, master_key=None, clock=clock, url=url)
    management = Management(store, clock=clock)
    assert [account.problem for account in management.accounts.list()] == [None] * 3
    found = management.users.list()
    assert len(found) == users
    management.close()
    store.place.close()


def test_copy_is_identical(tmp_path: Path, clock: FakeClock) -> None:
    """The copying that PostgreSQL needs, between two files."""
    store = full_store(tmp_path / "a", clock)
    copy = tmp_path / "copy.sqlite"
    SharedSource(store.place).copy_to(copy)
    assert contents_of(copy) == contents_of(store.path)
    connection = sqlite3.connect(copy)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert connection.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)
    connection.close()


def test_older_schema_is_copied_as_it_is(tmp_path: Path) -> None:
    old = tmp_path / "old.sqlite"
    make_store(old, version=3)
    with writing_to(old) as connection:
        fill(connection, Vault(bytes.fromhex(KEY)))
    copy = tmp_path / "copy.sqlite"
    SharedSource(SqlitePlace(old)).copy_to(copy)
    assert contents_of(copy) == contents_of(old)


def test_unknown_tables_are_not_passed_over(tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("a.sqlite", "b.sqlite")]
    for file in files:
        make_store(file)
    connection = sqlite3.connect(files[0])
    connection.execute("CREATE TABLE unheard_of (x)")
    connection.close()
    for source, target in (files, files[::-1]):
        with (
            reading(source) as here,
            pytest.raises(StorageError, match="unheard_of"),
            writing_to(target) as there,
        ):
            copy_rows(here, there)


def test_backup_of_postgresql(server: PostgresServer, tmp_path: Path, clock: FakeClock) -> None:
    url = server.fresh()
    full_store(tmp_path / "data", clock, url).place.close()
    then = rows_at(tmp_path / "data", url)
    assert all(then.values()), "every table has rows"
    shelf = work.shelf_of(config_of(tmp_path / "data", url), clock=clock)
    made = shelf.create("manual")
    assert made.manifest is not None
    assert (made.manifest.engine, made.manifest.schema) == ("postgresql", SCHEMA_VERSION)
    assert shelf.verify(made.id).ok
    found = contents_of(made.file)
    found.pop("audit")
    assert found == then


def test_postgresql_there_and_back(server: PostgresServer, tmp_path: Path, clock: FakeClock) -> None:
    url, data = server.fresh(), tmp_path / "data"
    store = full_store(data, clock, url)
    then = rows_at(data, url)
    config = config_of(data, url)
    made = work.shelf_of(config, clock=clock).create("manual")
    with store.place.writing() as connection:
        connection.execute("DELETE FROM requests")
        connection.execute("UPDATE keys SET revoked_at_ms = 5 WHERE id = 'keys-2'")
    store.place.close()
    now = rows_at(data, url)
    done = work.restore(config, made.id, actor="ann", via="cli")
    assert rows_at(data, url) == then
    assert done.revived == ("keys-2",)
    assert_works(data, clock, url)
    work.restore(config, done.before or "", actor="ann", via="cli")
    assert rows_at(data, url) == now


@pytest.mark.parametrize("towards", ["postgresql", "sqlite"])
def test_a_store_moves(towards: str, server: PostgresServer, tmp_path: Path, clock: FakeClock) -> None:
    url, data = server.fresh(), tmp_path / "data"
    here, there = ("", url) if towards == "postgresql" else (url, "")
    full_store(data, clock, here).place.close()
    made = work.shelf_of(config_of(data, here), clock=clock).create("manual")
    then = rows_at(data, here)
    work.restore(config_of(data, there), made.id, actor="ann", via="cli")
    assert rows_at(data, there) == then
    assert rows_at(data, here) == then, "what it was moved from stays as it is"
    assert_works(data, clock, there)


def test_postgresql_in_use_is_refused(server: PostgresServer, tmp_path: Path, clock: FakeClock) -> None:
    url, data = server.fresh(), tmp_path / "data"
    store = full_store(data, clock, url)
    config = config_of(data, url)
    made = work.shelf_of(config, clock=clock).create("manual")
    before = rows_at(data, url)
    with store.place.opened(), pytest.raises(BackupError, match="is in use") as caught:
        work.restore(config, made.id, actor="ann", via="cli")
    assert caught.value.trouble == "in_use"
    assert "s3cret" not in str(caught.value)
    store.place.close()
    assert rows_at(data, url) == before


def test_failing_halfway_changes_nothing(
    server: PostgresServer, tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, data = server.fresh(), tmp_path / "data"
    store = full_store(data, clock, url)
    config = config_of(data, url)
    made = work.shelf_of(config, clock=clock).create("manual")
    with store.place.writing() as connection:
        connection.execute("DELETE FROM receipts")
    store.place.close()
    before = rows_at(data, url)

    def half(source: Any, target: Any) -> dict[str, int]:
        copy_rows(source, target)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("flowrouter.storage.restoring.copy_rows", half)
    with pytest.raises(BackupError, match="nothing was changed"):
        work.restore(config, made.id, actor="ann", via="cli")
    assert rows_at(data, url) == before


def test_server_that_is_gone(tmp_path: Path, clock: FakeClock) -> None:
    url = "postgresql://flow_router:pw-canary@127.0.0.1:1/x"
    shelf = work.shelf_of(config_of(put_key(tmp_path / "data"), url), clock=clock)
    with pytest.raises(StorageError) as caught:
        shelf.create("manual")
    assert "pw-canary" not in str(caught.value)
    assert shelf.list() == []


@pytest.mark.parametrize("version", [1, 4, SCHEMA_VERSION - 1])
def test_older_schema_on_postgresql(
    version: int, server: PostgresServer, tmp_path: Path, clock: FakeClock
) -> None:
    """The upgrade there is the same: everything is there and readable, after a backup."""
    url, data = server.fresh(), put_key(tmp_path / "data")
    place = place_of(data, url=url)
    vault = Vault(bytes.fromhex(KEY))
    engine = engine_of(place)
    with engine.begin() as connection:
        migrate(connection, to=version)
    with engine.begin() as connection:
        fill(connection, vault)
        check = b64encode(vault.check_value()).decode()
        connection.exec_driver_sql(f"INSERT INTO meta VALUES ('key_check', 'local', '{check}')")
    with engine.connect() as connection:
        before = contents(connection)
    engine.dispose()
    store = open_store(data, master_key=None, clock=clock, url=url)
    store.place.close()
    (backup,) = work.shelf_of(config_of(data, url), clock=clock).list()
    assert backup.id.startswith(f"before-upgrade-from-{version}-")
    assert contents_of(backup.file) == before
    assert_works(data, clock, url, users=3 if version >= 5 else 0)
