"""Opening the store at start: create it, upgrade it, or leave it; then prove the sealing key.

The usual start reads one number and loads no database library. A new SQLite store is made from
`schema.sql`; Alembic is loaded only where an older store needs migrating, after a snapshot. PostgreSQL's side
is `postgres_schema`.
"""

from __future__ import annotations

import sqlite3
from functools import partial
from pathlib import Path
from time import sleep

import msgspec

from flowrouter.accounts.vault import Vault
from flowrouter.clock import Clock
from flowrouter.errors import StorageError
from flowrouter.storage.backups import back_up_before_upgrade
from flowrouter.storage.key_check import open_vault
from flowrouter.storage.place import Place, place_of
from flowrouter.storage.schema import APPLICATION_ID, SCHEMA_VERSION, refuse_newer, statements
from flowrouter.storage.sqlite import BUSY_MS, SqlitePlace, create_file, opened, transaction

_TRIES = 100


class Store(msgspec.Struct, frozen=True, kw_only=True):
    """A store that is of the right version, and the vault that fits it.

    `data` is this machine's folder: the key file, the journals and the local token are there.
    """

    place: Place
    data: Path
    vault: Vault

    @property
    def path(self) -> Path:
        """Return the file of a store on SQLite; raises `StorageError` for any other."""
        if isinstance(self.place, SqlitePlace):
            return self.place.path
        raise StorageError(f"the store {self.place.shown} is no file")


def open_store(data: Path, *, master_key: str | None, clock: Clock, url: str = "") -> Store:
    """Return the store at `url`, else in the directory `data`, made or upgraded where needed.

    `master_key` is the text of FLOW_ROUTER_MASTER_KEY, if set. Raises `StorageError`, `ConfigError`.
    """
    place = place_of(data, url=url)
    if isinstance(place, SqlitePlace):
        prepare(place.path, clock=clock)
    else:
        from flowrouter.storage.postgres_schema import prepare as prepare_postgres

        prepare_postgres(place, back_up=partial(back_up_before_upgrade, place, data=data, clock=clock))
    with place.opened() as connection:
        return Store(place=place, data=data, vault=open_vault(place, connection, data, master_key=master_key))


def prepare(path: Path, *, clock: Clock) -> None:
    """Bring the file at `path` to this program's schema version; raises `StorageError`."""
    try:
        create_file(path)
    except OSError as error:
        raise StorageError(f"cannot create the store {path}: {error.strerror}") from error
    with opened(path) as connection:
        version = _version(connection)
        if version == 0:
            version = _create(connection, path)
        elif version <= SCHEMA_VERSION:
            _into_wal(connection)  # what a restore that was cut off has changed
    refuse_newer(str(path), version, cure="start with another --data directory")
    if version < SCHEMA_VERSION:
        from flowrouter.storage.upgrade import upgrade

        upgrade(path, from_version=version, clock=clock)


def _into_wal(connection: sqlite3.Connection) -> None:
    """Change to the write-ahead log; SQLite does not wait by itself while others do the same."""
    for _ in range(_TRIES):
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise
            sleep(BUSY_MS / 1000 / _TRIES)
        else:
            return
    connection.execute("PRAGMA journal_mode=WAL")


def _create(connection: sqlite3.Connection, path: Path) -> int:
    """Make the newest schema in an empty file and return the version found or made."""
    _into_wal(connection)
    with transaction(connection):
        version = _version(connection)
        if version:
            return version
        if connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            raise StorageError(
                f"{path} is a database, but not one of Flow Router's; name another --data directory"
            )
        for statement in statements():
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
    return SCHEMA_VERSION


def _version(connection: sqlite3.Connection) -> int:
    return connection.execute("PRAGMA user_version").fetchone()[0]


__all__ = ["Store", "open_store", "prepare"]
