"""Proving the sealing key against the store before anything is sealed or opened with it.

The store keeps a value sealed with its key. A key that does not open it is an error naming the
cure, as long as anything sealed depends on the old key; a lost key is never replaced in silence. While
keys are changed the value stays sealed with the old key until nothing else is: who comes without the old
key meanwhile is sent away.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from flowrouter.accounts.key_ring import key_files, keys_in
from flowrouter.accounts.vault import KEY_FILE, KEY_VARIABLE, Vault, create_key_file, sealed_with
from flowrouter.errors import ConfigError
from flowrouter.httpkit.keys import LOCAL_OWNER
from flowrouter.storage.place import Connection, Place

SEALED = (
    ("accounts", "api_key_sealed"),
    ("accounts", "headers_sealed"),
    ("accounts", "oauth_sealed"),
    ("sealed_blobs", "value"),
    ("users", "password_sealed"),
    ("recordings", "body_sealed"),
)
"""The columns that hold sealed values; a test holds them to `rekey.sealed_columns`, which needs a database library."""

_COLUMNS_HERE = (
    "SELECT m.name, c.name FROM sqlite_master AS m, pragma_table_info(m.name) AS c WHERE m.type = 'table'"
)
_COLUMNS_FAR = (
    "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = current_schema()"
)
_READ = "SELECT value FROM meta WHERE key = 'key_check'"
_STAMP = """
    INSERT INTO meta (key, owner_id, value) VALUES ('key_check', ?, ?)
    ON CONFLICT (key) DO UPDATE SET value = excluded.value
"""

_SHARE = (
    f"give all machines that use this database one key: set the same {KEY_VARIABLE} on each of them; what the "
    f"first one seals with is in its {KEY_FILE}"
)


def open_vault(place: Place, connection: Connection, data: Path, *, master_key: str | None) -> Vault:
    """Return the store's vault; raises `ConfigError` with the cure, the driver's errors.

    The key is `master_key` (text) where given, else the key file of `data`, created where neither
    the file nor anything sealed exists.
    """
    path = data / KEY_FILE
    if master_key:
        vault = _vault(keys_in(master_key))
        source = KEY_VARIABLE
    else:
        keys = _existing_keys(connection, data, shared=place.shared) or [create_key_file(path)]
        vault = _vault(keys, look_again=partial(key_files, data))
        source = str(path)
    _prove(place, connection, vault, source=source)
    return vault


def check_key(
    connection: Connection, data: Path, *, master_key: str | None, shared: bool = False
) -> Vault | None:
    """Return the vault `open_vault` would, changing nothing; None where no key exists nor is needed yet.

    Raises `ConfigError` with the cure, the driver's errors.
    """
    keys = keys_in(master_key) if master_key else _existing_keys(connection, data, shared=shared)
    if not keys:
        return None
    vault = _vault(keys)
    if not _fits(connection, vault):
        source = KEY_VARIABLE if master_key else str(data / KEY_FILE)
        _refuse_foreign(connection, vault, source=source, shared=shared)
    return vault


def _vault(keys: Sequence[bytes], *, look_again: Callable[[], Sequence[bytes]] | None = None) -> Vault:
    return Vault(keys[0], older=keys[1:], look_again=look_again)


def _existing_keys(connection: Connection, data: Path, *, shared: bool) -> list[bytes]:
    """Return the keys of `data`, the sealing one first; none where nothing depends on one."""
    check = connection.execute(_READ).fetchone()  # first: who stamps it has written the key file before
    keys = key_files(data)
    if keys:
        return keys
    path = data / KEY_FILE
    if shared and check is not None:
        raise ConfigError(
            f"the store is sealed with the key {_key_id(check)}, which this machine does not have",
            fix=_SHARE,
        )
    sealed = _sealed_count(connection, shared=shared)
    if sealed:
        raise ConfigError(
            f"the sealing key {path} is missing, but the store holds {sealed} values sealed with it",
            fix=f"restore {path} from your backup or set {KEY_VARIABLE}; if the key is lost for good, "
            "start with another --data directory and enter the accounts again",
        )
    return []


def _prove(place: Place, connection: Connection, vault: Vault, *, source: str) -> None:
    if _fits(connection, vault):
        return
    with place.transaction(connection):
        place.hold(connection, "key check")
        if _fits(connection, vault):
            return
        _refuse_foreign(connection, vault, source=source, shared=place.shared)
        connection.execute(_STAMP, (LOCAL_OWNER, b64encode(vault.check_value()).decode()))


def _fits(connection: Connection, vault: Vault) -> bool:
    check = connection.execute(_READ).fetchone()
    return check is not None and vault.matches(b64decode(check["value"]))


def _refuse_foreign(connection: Connection, vault: Vault, *, source: str, shared: bool) -> None:
    """Raise `ConfigError` where something is sealed, or another machine seals, with another key than the vault's."""
    check = connection.execute(_READ).fetchone()
    if shared and check is not None:
        raise ConfigError(
            f"the key from {source} (id {vault.key_id}) is not the one that this store is sealed with "
            f"(id {_key_id(check)})",
            fix=_SHARE,
        )
    sealed = _sealed_count(connection, shared=shared)
    if sealed:
        raise ConfigError(
            f"the key from {source} (id {vault.key_id}) is not the one that sealed the {sealed} "
            f"values in the store (id {_key_id(check)})",
            fix=f"give the key the store was made with, by its {KEY_FILE} or {KEY_VARIABLE}",
        )


def _sealed_count(connection: Connection, *, shared: bool) -> int:
    """Return how many sealed values there are; a store of an older schema has not all of the columns."""
    found = {(row[0], row[1]) for row in connection.execute(_COLUMNS_FAR if shared else _COLUMNS_HERE)}
    return sum(
        connection.execute(f"SELECT count({column}) FROM {table}").fetchone()[0]  # noqa: S608 - our own names
        for table, column in SEALED
        if (table, column) in found
    )


def _key_id(check: Any | None) -> str:
    return "unknown" if check is None else sealed_with(b64decode(check["value"]))


__all__ = ["SEALED", "check_key", "open_vault"]
