"""Opening the store at start: create it, upgrade it, or leave it; then prove the sealing key.

The usual start reads one number and loads no database library. A new store is made from
`schema.sql`; Alembic is loaded only where an older store needs migrating, after a snapshot.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

import msgspec

from flowrouter.accounts.vault import Vault
from flowrouter.clock import Clock
from flowrouter.errors import StorageError
from flowrouter.storage.key_check import open_vault
from flowrouter.storage.schema import APPLICATION_ID, SCHEMA_VERSION, statements
from flowrouter.storage.sqlite import create_file, opened, store_path, transaction


class Store(msgspec.Struct, frozen=True, kw_only=True):
    """A store that is of the right version, and the vault that fits it."""

    path: Path
    vault: Vault


def open_store(data: Path, *, master_key: str | None, clock: Clock) -> Store:
    """Return the store in the directory `data`, made or upgraded where needed.

    `master_key` is the text of FLOW_ROUTER_MASTER_KEY, if set. Raises `StorageError`, `ConfigError`.
    """
    path = store_path(data)
    prepare(path, clock=clock)
    with opened(path) as connection:
        return Store(path=path, vault=open_vault(connection, data, master_key=master_key))


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
    if version > SCHEMA_VERSION:
        raise StorageError(
            f"the store {path} has schema {version}, this program knows up to {SCHEMA_VERSION}; "
            "it was used by a newer Flow Router: install that version, or start with another --data directory"
        )
    if version < SCHEMA_VERSION:
        from flowrouter.storage.upgrade import upgrade

        upgrade(path, from_version=version, now=clock.now())


def _create(connection: sqlite3.Connection, path: Path) -> int:
    """Make the newest schema in an empty file and return the version found or made."""
    connection.execute("PRAGMA journal_mode=WAL")
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
