"""Configuration snapshots from SQLite: six short SELECTs in one read transaction."""

from __future__ import annotations

import sqlite3
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any

import msgspec

from flowrouter.accounts.vault import Vault
from flowrouter.clock import Clock
from flowrouter.errors import StorageError
from flowrouter.gateway.ports import ModelList, Snapshot, StoredCombo
from flowrouter.httpkit.keys import LOCAL_OWNER, KeyRing
from flowrouter.storage.rows import account_from, combo_from, key_from
from flowrouter.storage.sqlite import connect, explained, one_moment

_VERSION = "SELECT value FROM meta WHERE key = 'config_version'"
_ACCOUNTS = "SELECT * FROM accounts ORDER BY priority, name, id"
_COMBOS = "SELECT * FROM combos ORDER BY name_key, id"
_KEYS = "SELECT * FROM keys WHERE revoked_at_ms IS NULL"
_SETTINGS = "SELECT body, version FROM settings WHERE owner_id = ?"
_MODEL_LISTS = "SELECT account_id, owner_id, fetched_at_ms, body FROM model_lists"
_BUSY_MS = 250


class SqliteConfigSource:
    """Reads the configuration of one store; accounts declared in the configuration file are not its business.

    Edits by other processes (the CLI) are seen: every change raises `version()`.
    """

    def __init__(self, path: Path, vault: Vault, *, clock: Clock) -> None:
        self._path = path
        self._vault = vault
        self._clock = clock
        self._lock = Lock()
        self._connection: sqlite3.Connection | None = None

    def load(self) -> Snapshot:
        """Return the present configuration; raises `StorageError`."""
        with self._reading() as connection, one_moment(connection):
            return self._read(connection)

    def version(self) -> int:
        """Return the number of the newest change; raises `StorageError`."""
        with self._reading() as connection:
            return int(connection.execute(_VERSION).fetchone()["value"])

    def close(self) -> None:
        """Close the connection; the next call opens it again."""
        with self._lock:
            self._drop()

    def _read(self, connection: sqlite3.Connection) -> Snapshot:
        version = int(connection.execute(_VERSION).fetchone()["value"])
        accounts = tuple(account_from(row, self._vault) for row in connection.execute(_ACCOUNTS))
        combos, odd = _combos(connection)
        keys = KeyRing(key_from(row) for row in connection.execute(_KEYS))
        barred = [f"gateway key {key.name}: {key.problem}" for key in keys if key.problem]
        settings, settings_version = _settings(connection)
        lists = tuple(_model_list(row) for row in connection.execute(_MODEL_LISTS))
        return Snapshot(
            version=version,
            loaded_at_ms=int(self._clock.now() * 1000),
            accounts=accounts,
            combos=combos,
            keys=keys,
            settings=settings,
            settings_version=settings_version,
            model_lists=lists,
            problems=(
                *(f"account {account.name}: {account.problem}" for account in accounts if account.problem),
                *odd,
                *barred,
            ),
        )

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        """Lend the one connection; after any failure the next call opens a new one."""
        with self._lock, explained(self._path):
            try:
                if self._connection is None:
                    self._connection = connect(self._path, busy_ms=_BUSY_MS)
                    # A source that is let go takes its connection with it.
                    self._finalizer = weakref.finalize(self, self._connection.close)
                yield self._connection
            except (sqlite3.Error, TypeError, ValueError) as error:
                self._drop()
                if isinstance(error, sqlite3.Error):
                    raise
                raise StorageError(f"the store {self._path} holds something unreadable: {error}") from error

    def _drop(self) -> None:
        if self._connection is not None:
            self._finalizer()
            self._connection = None


def _settings(connection: sqlite3.Connection) -> tuple[dict[str, Any], int]:
    row = connection.execute(_SETTINGS, (LOCAL_OWNER,)).fetchone()
    if row is None:
        return {}, 0
    return msgspec.json.decode(row["body"], type=dict[str, Any]), row["version"]


def _combos(connection: sqlite3.Connection) -> tuple[tuple[StoredCombo, ...], tuple[str, ...]]:
    """Return the combos, and a sentence for each that this version does not understand."""
    combos: list[StoredCombo] = []
    odd: list[str] = []
    for row in connection.execute(_COMBOS):
        try:
            combos.append(combo_from(row))
        except msgspec.DecodeError as error:
            odd.append(f"combo {row['name']}: it is not understood and not in force: {error}")
    return tuple(combos), tuple(odd)


def _model_list(row: sqlite3.Row) -> ModelList:
    return ModelList(
        account_id=row["account_id"],
        owner_id=row["owner_id"],
        fetched_at_ms=row["fetched_at_ms"],
        body=row["body"].encode(),
    )


__all__ = ["SqliteConfigSource"]
