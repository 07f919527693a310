"""Configuration snapshots from the store: six short SELECTs in one read transaction."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

import msgspec

from flowrouter.accounts.vault import Vault
from flowrouter.clock import Clock
from flowrouter.errors import StorageError
from flowrouter.gateway.ports import ModelList, Snapshot, StoredCombo
from flowrouter.httpkit.keys import LOCAL_OWNER, KeyRing
from flowrouter.storage.place import Connection, Place
from flowrouter.storage.rows import account_from, combo_from, key_from

_VERSION = "SELECT value FROM meta WHERE key = 'config_version'"
_ACCOUNTS = "SELECT * FROM accounts ORDER BY priority, name, id"
_COMBOS = "SELECT * FROM combos ORDER BY name_key, id"
_KEYS = "SELECT * FROM keys WHERE revoked_at_ms IS NULL"
_SETTINGS = "SELECT body, version FROM settings WHERE owner_id = ?"
_MODEL_LISTS = "SELECT account_id, owner_id, fetched_at_ms, body FROM model_lists"
_BUSY_MS = 250


class StoredConfigSource:
    """Reads the configuration of one store; accounts declared in the configuration file are not its business.

    Edits by other processes (the CLI) are seen: every change raises `version()`.
    """

    def __init__(self, place: Place, vault: Vault, *, clock: Clock) -> None:
        self._place = place
        self._vault = vault
        self._clock = clock
        self._lock = Lock()
        self._connection: Connection | None = None

    def load(self) -> Snapshot:
        """Return the present configuration; raises `StorageError`."""
        with self._reading() as connection, self._place.one_moment(connection):
            return self._read(connection)

    def version(self) -> int:
        """Return the number of the newest change; raises `StorageError`."""
        with self._reading() as connection:
            return int(connection.execute(_VERSION).fetchone()["value"])

    def close(self) -> None:
        """Close the connection; the next call opens it again."""
        with self._lock:
            self._drop()

    def _read(self, connection: Connection) -> Snapshot:
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
    def _reading(self) -> Iterator[Connection]:
        """Lend the one connection; after any failure the next call opens a new one."""
        with self._lock, self._place.explained():
            try:
                if self._connection is None:
                    self._connection = self._place.connect(busy_ms=_BUSY_MS)
                    # A source that is let go takes its connection with it.
                    self._finalizer = weakref.finalize(self, self._connection.close)
                yield self._connection
            except (*self._place.errors, TypeError, ValueError) as error:
                self._drop()
                if isinstance(error, self._place.errors):
                    raise
                raise StorageError(
                    f"the store {self._place.shown} holds something unreadable: {error}"
                ) from error

    def _drop(self) -> None:
        if self._connection is not None:
            self._finalizer()
            self._connection = None


def _settings(connection: Connection) -> tuple[dict[str, Any], int]:
    row = connection.execute(_SETTINGS, (LOCAL_OWNER,)).fetchone()
    if row is None:
        return {}, 0
    return msgspec.json.decode(row["body"], type=dict[str, Any]), row["version"]


def _combos(connection: Connection) -> tuple[tuple[StoredCombo, ...], tuple[str, ...]]:
    """Return the combos, and a sentence for each that this version does not understand."""
    combos: list[StoredCombo] = []
    odd: list[str] = []
    for row in connection.execute(_COMBOS):
        try:
            combos.append(combo_from(row))
        except msgspec.DecodeError as error:
            odd.append(f"combo {row['name']}: it is not understood and not in force: {error}")
    return tuple(combos), tuple(odd)


def _model_list(row: Any) -> ModelList:
    return ModelList(
        account_id=row["account_id"],
        owner_id=row["owner_id"],
        fetched_at_ms=row["fetched_at_ms"],
        body=row["body"].encode(),
    )


__all__ = ["StoredConfigSource"]
