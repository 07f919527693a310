"""Changing the sealing key: everything sealed with older keys is opened and sealed with the present one.

Rows are taken in small transactions, in the order of their primary keys, and each is replaced only if it
still is what was read; so the gateway may run beside it, and a crash anywhere leaves rows of both keys,
which a vault with both opens. The store's key check names the new key only when nothing needs another;
until then the next run goes on where this one ended. What does not open is counted and left as it is.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
from sqlalchemy import Column, Connection, LargeBinary, Table, and_, func, select, tuple_, update

from flowrouter.accounts.key_ring import Step, change_key, forget_old, key_files
from flowrouter.accounts.vault import KEY_FILE, KEY_VARIABLE, UnsealError, Vault, sealed_with
from flowrouter.errors import ConfigError
from flowrouter.storage.database import Database, bump
from flowrouter.storage.tables import meta
from flowrouter.storage.whole_schema import metadata

BATCH = 200
"""Rows a transaction seals again."""

UNSEALED = frozenset({("state", "value")})
"""Binary columns that hold nothing sealed."""

_SUFFIX = "_sealed"
_ID_AT, _ID_LENGTH = len(b"frv1:") + 1, 8


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """Which keys there are and how many values each sealed; `older` only open, `unfinished` while a change is."""

    key_id: str
    older: tuple[str, ...]
    sealed: dict[str, int]
    unfinished: bool
    source: str


class Changed(msgspec.Struct, frozen=True, kw_only=True):
    """What a change of keys did: `resealed` values, `unreadable` ones that no key opened and that stay."""

    key_id: str
    older: tuple[str, ...]
    resealed: int
    unreadable: int


class Rekeying:
    """Works on one store with the keys of its data folder, or those of the environment (`from_variable`)."""

    def __init__(self, database: Database, vault: Vault, *, data: Path, from_variable: bool) -> None:
        self._database = database
        self._vault = vault
        self._data = data
        self._from_variable = from_variable

    def standing(self) -> Standing:
        """Return what the keys are needed for; raises `StorageError`."""
        sealed: dict[str, int] = {}
        with self._database.read() as connection:
            for _, column in sealed_columns():
                key_id = func.substr(column, _ID_AT, _ID_LENGTH)
                rows = select(key_id, func.count()).where(column.is_not(None)).group_by(key_id)
                for found, count in connection.execute(rows):
                    name = bytes(found).decode("ascii", "replace")
                    sealed[name] = sealed.get(name, 0) + int(count)
            unfinished = self._checked(connection) not in (None, self._vault.key_id)
        source = KEY_VARIABLE if self._from_variable else str(self._data / KEY_FILE)
        return Standing(
            key_id=self._vault.key_id,
            older=self._vault.key_ids[1:],
            sealed=sealed,
            unfinished=unfinished,
            source=source,
        )

    def rotate(self, *, step: Step = lambda _: None) -> Changed:
        """Change the key, or end a change that was interrupted; raises `ConfigError`, `StorageError`.

        `step` is told of each step behind which a crash would leave another state.
        """
        self._begin(step)
        resealed = unreadable = 0
        while True:
            passed = self._pass(step)
            resealed += passed[0]
            unreadable = passed[1]
            if not passed[0]:
                break
        with self._database.write() as connection:
            value = b64encode(self._vault.check_value()).decode()
            connection.execute(update(meta).where(meta.c.key == "key_check").values(value=value))
            bump(connection)
        step("finished")
        return Changed(
            key_id=self._vault.key_id,
            older=self._vault.key_ids[1:],
            resealed=resealed,
            unreadable=unreadable,
        )

    def forget(self) -> int:
        """Remove older keys from the data folder and return their number; raises `ConfigError` if one is needed."""
        standing = self.standing()
        needed = {key: count for key, count in standing.sealed.items() if key in standing.older and count}
        if standing.unfinished or needed:
            count = sum(needed.values())
            raise ConfigError(
                f"{count} values are still sealed with older keys"
                if count
                else "a change of keys is not complete",
                fix="run `flow-router vault rotate` first",
            )
        return forget_old(self._data)

    def _begin(self, step: Step) -> None:
        """Make the new key the one that seals, unless an earlier change has to be ended first."""
        with self._database.write() as connection:
            # The row is locked, on every engine, so that two changes cannot make two new keys.
            connection.execute(update(meta).where(meta.c.key == "key_check").values(value=meta.c.value))
            checked = self._checked(connection)
            if checked not in (None, self._vault.key_id):
                return
            if self._from_variable:
                raise ConfigError(
                    f"everything is sealed with the first key of {KEY_VARIABLE}",
                    fix=f"put a new key in front ({KEY_VARIABLE}=NEW,OLD), run this again, then leave OLD out; "
                    "a key is made with `openssl rand -hex 32`",
                )
            present = key_files(self._data)
            if not present or Vault(present[0]).key_id != self._vault.key_id:
                raise ConfigError("the sealing key has just been changed by another process", fix="try again")
            change_key(self._data, step=step)
            keys = key_files(self._data)
            self._vault = Vault(keys[0], older=keys[1:])
        step("begun")

    def _pass(self, step: Step) -> tuple[int, int]:
        """Seal again whatever another key sealed; return how many, and how many no key opens."""
        resealed = unreadable = 0
        for table, column in sealed_columns():
            for rows in self._batches(table, column):
                with self._database.write() as connection:
                    for row in rows:
                        outcome = self._reseal(connection, table, column, row=row)
                        resealed += outcome is True
                        unreadable += outcome is None
                step("batch")
        return resealed, unreadable

    def _batches(self, table: Table, column: Column[Any]) -> Iterator[Sequence[Any]]:
        keys = list(table.primary_key.columns)
        last: tuple[Any, ...] | None = None
        other = func.substr(column, _ID_AT, _ID_LENGTH) != self._vault.key_id.encode()
        while True:
            query = select(*keys, column).where(and_(column.is_not(None), other)).order_by(*keys).limit(BATCH)
            if last is not None:
                query = query.where(tuple_(*keys) > last if len(keys) > 1 else keys[0] > last[0])
            with self._database.read() as connection:
                rows = connection.execute(query).all()
            if not rows:
                return
            last = tuple(rows[-1][:-1])
            yield rows

    def _reseal(self, connection: Connection, table: Table, column: Column[Any], *, row: Any) -> bool | None:
        """Return whether the value was replaced; None where it does not open."""
        *key, blob = row
        blob = bytes(blob)
        place = {"table": table.name, "row": row_name(key), "field": _field(column)}
        try:
            value = self._vault.open(blob, **place)
        except UnsealError:
            return None
        same = [each == part for each, part in zip(table.primary_key.columns, key, strict=True)]
        changed = (
            update(table).where(*same, column == blob).values({column: self._vault.seal(value, **place)})
        )
        return connection.execute(changed).rowcount == 1

    def _checked(self, connection: Connection) -> str | None:
        """Return the id of the key that the store's check value names."""
        value = connection.execute(select(meta.c.value).where(meta.c.key == "key_check")).scalar()
        return None if value is None else sealed_with(b64decode(value))


def sealed_columns() -> list[tuple[Table, Column[Any]]]:
    """Return every column that holds sealed values, found by the schema itself."""
    return [
        (table, column)
        for table in metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, LargeBinary) and (table.name, column.name) not in UNSEALED
    ]


def row_name(key: Sequence[Any]) -> str:
    """Return what a row is called in the seals of its values."""
    return str(key[0]) if len(key) == 1 else "/".join(quote(str(part), safe="") for part in key)


def _field(column: Column[Any]) -> str:
    return column.name.removesuffix(_SUFFIX)


__all__ = ["BATCH", "UNSEALED", "Changed", "Rekeying", "Standing", "row_name", "sealed_columns"]
