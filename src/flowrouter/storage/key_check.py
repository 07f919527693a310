"""Proving the sealing key against the store before anything is sealed or opened with it.

The store keeps a value sealed with its key. A key that does not open it is an error naming the
cure, as long as anything sealed depends on the old key; a lost key is never replaced in silence.
"""

from __future__ import annotations

import sqlite3
from base64 import b64decode, b64encode
from pathlib import Path

from flowrouter.accounts.vault import (
    KEY_FILE,
    KEY_VARIABLE,
    Vault,
    create_key_file,
    parse_key,
    read_key_file,
    sealed_with,
)
from flowrouter.errors import ConfigError
from flowrouter.httpkit.keys import LOCAL_OWNER
from flowrouter.storage.sqlite import transaction

_SEALED = """
    SELECT (SELECT count(*) FROM accounts WHERE api_key_sealed IS NOT NULL OR headers_sealed IS NOT NULL)
         + (SELECT count(*) FROM sealed_blobs)
"""
_READ = "SELECT value FROM meta WHERE key = 'key_check'"
_STAMP = """
    INSERT INTO meta (key, owner_id, value) VALUES ('key_check', ?, ?)
    ON CONFLICT (key) DO UPDATE SET value = excluded.value
"""


def open_vault(connection: sqlite3.Connection, data: Path, *, master_key: str | None) -> Vault:
    """Return the store's vault; raises `ConfigError` with the cure, `sqlite3.Error`.

    The key is `master_key` (text) where given, else the key file of `data`, created where neither
    the file nor anything sealed exists.
    """
    path = data / KEY_FILE
    if master_key:
        vault = Vault(parse_key(master_key, where=KEY_VARIABLE))
        source = KEY_VARIABLE
    else:
        vault = Vault(_key_from_file(connection, path))
        source = str(path)
    _prove(connection, vault, source=source)
    return vault


def _key_from_file(connection: sqlite3.Connection, path: Path) -> bytes:
    key = read_key_file(path)
    if key is not None:
        return key
    sealed = _sealed_count(connection)
    if sealed:
        raise ConfigError(
            f"the sealing key {path} is missing, but the store holds {sealed} values sealed with it",
            fix=f"restore {path} from your backup or set {KEY_VARIABLE}; if the key is lost for good, "
            "start with another --data directory and enter the accounts again",
        )
    return create_key_file(path)


def _prove(connection: sqlite3.Connection, vault: Vault, *, source: str) -> None:
    check = connection.execute(_READ).fetchone()
    if check is not None and vault.matches(b64decode(check["value"])):
        return
    with transaction(connection):
        check = connection.execute(_READ).fetchone()
        if check is not None and vault.matches(b64decode(check["value"])):
            return
        sealed = _sealed_count(connection)
        if sealed:
            raise ConfigError(
                f"the key from {source} (id {vault.key_id}) is not the one that sealed the {sealed} "
                f"values in the store (id {_key_id(check)})",
                fix=f"give the key the store was made with, by its {KEY_FILE} or {KEY_VARIABLE}",
            )
        connection.execute(_STAMP, (LOCAL_OWNER, b64encode(vault.check_value()).decode()))


def _sealed_count(connection: sqlite3.Connection) -> int:
    return connection.execute(_SEALED).fetchone()[0]


def _key_id(check: sqlite3.Row | None) -> str:
    return "unknown" if check is None else sealed_with(b64decode(check["value"]))


__all__ = ["open_vault"]
