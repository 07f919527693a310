"""A look at the store from outside: what state it is in, without making, upgrading or writing anything."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import msgspec

from flowrouter.accounts.vault import KEY_FILE
from flowrouter.errors import ConfigError, StorageError
from flowrouter.storage.key_check import check_key
from flowrouter.storage.place import Connection, Place, place_of
from flowrouter.storage.schema import SCHEMA_VERSION
from flowrouter.storage.sqlite import connect, explain, store_path


class StoreState(msgspec.Struct, frozen=True, kw_only=True):
    """What was found; `path` is None for a store that is no file. `version` None: it does not open, or does not exist; 0: an empty file.

    `damage` is the database's own word on what is wrong with it. `error` says why it does not open,
    `key_error` and `key_fix` why the sealing key does not fit; `key_id` names the key that does.
    """

    shown: str
    path: Path | None
    key_file: Path
    exists: bool = False
    bytes: int = 0
    version: int | None = None
    newest: int = SCHEMA_VERSION
    writable: bool = True
    damage: str | None = None
    error: str | None = None
    key_id: str | None = None
    key_error: str | None = None
    key_fix: str | None = None

    @property
    def usable(self) -> bool:
        """Return whether the program can work on it as it stands."""
        sound = self.error is None and self.damage is None and self.key_error is None and self.writable
        return sound and self.version == self.newest


def look_at(data: Path, *, master_key: str | None, url: str = "") -> StoreState:
    """Return the state of the store at `url`, else in the directory `data`; raises nothing."""
    if url:
        return _look_far(data, url, master_key=master_key)
    path, key_file = store_path(data), data / KEY_FILE
    shown = str(path)
    try:
        size = sum(each.stat().st_size for each in path.parent.glob(f"{path.name}*"))
        exists = path.exists()
    except OSError as error:
        text = f"cannot read {path}: {error.strerror}"
        return StoreState(shown=shown, path=path, key_file=key_file, error=text)
    found = StoreState(shown=shown, path=path, key_file=key_file, exists=exists, bytes=size if exists else 0)
    if not exists:
        return found
    found = msgspec.structs.replace(found, writable=os.access(path, os.R_OK | os.W_OK))
    try:
        with closing(connect(path, read_only=True)) as connection:
            return _examined(found, connection, data, master_key=master_key)
    except sqlite3.Error as error:
        return msgspec.structs.replace(found, error=explain(path, error))


def bytes_of(place: Place, data: Path) -> int | None:
    """Return about how much a store that is in use holds, None where that cannot be told; blocks."""
    try:
        if not place.shared:
            path = store_path(data)
            return sum(each.stat().st_size for each in path.parent.glob(f"{path.name}*"))
        with place.opened() as connection:
            return int(connection.execute("SELECT pg_database_size(current_database())").fetchone()[0])
    except (OSError, StorageError):
        return None


def _look_far(data: Path, url: str, *, master_key: str | None) -> StoreState:
    """Return the state of a store in a database."""
    found = StoreState(shown="[store] url", path=None, key_file=data / KEY_FILE)
    try:
        place = place_of(data, url=url)
        found = msgspec.structs.replace(found, shown=place.shown)
        from flowrouter.storage.postgres_schema import version_of

        with place.opened() as connection:
            version = version_of(place, connection)
            size = connection.execute("SELECT pg_database_size(current_database())").fetchone()[0]
            found = msgspec.structs.replace(found, exists=version > 0, bytes=size, version=version)
            if not 0 < version <= SCHEMA_VERSION:
                return found
            return _with_key(found, connection, data, master_key=master_key, shared=True)
    except (ConfigError, StorageError) as error:
        return msgspec.structs.replace(found, error=error.message)


def _examined(
    found: StoreState, connection: sqlite3.Connection, data: Path, *, master_key: str | None
) -> StoreState:
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    verdict: str = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    damage = None if verdict == "ok" else verdict
    found = msgspec.structs.replace(found, version=version, damage=damage)
    if damage is not None or not 0 < version <= SCHEMA_VERSION:
        return found
    return _with_key(found, connection, data, master_key=master_key, shared=False)


def _with_key(
    found: StoreState, connection: Connection, data: Path, *, master_key: str | None, shared: bool
) -> StoreState:
    try:
        vault = check_key(connection, data, master_key=master_key, shared=shared)
    except ConfigError as error:
        text = error.message.removesuffix(f" ({error.fix})") if error.fix else error.message
        return msgspec.structs.replace(found, key_error=text, key_fix=error.fix)
    return msgspec.structs.replace(found, key_id=vault.key_id if vault else None)


__all__ = ["StoreState", "bytes_of", "look_at"]
