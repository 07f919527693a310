"""Stored combos, for people: made, changed and removed in single transactions."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from flowrouter.clock import Clock
from flowrouter.gateway.ports import ConflictError, ManagedError, NotFoundError, StaleError, StoredCombo
from flowrouter.settings.routing import ComboConfig
from flowrouter.storage.database import Database, bump, owned
from flowrouter.storage.ownership import kept, refuse_removal
from flowrouter.storage.rows import combo_from, json_text
from flowrouter.storage.tables import combos as _table


class StoredCombos:
    """The `Combos` of one store; every change tells the serving process."""

    def __init__(self, database: Database, *, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def list(self, *, owner_id: str | None = None) -> Sequence[StoredCombo]:
        """Return the combos by name (None: of every owner)."""
        statement = owned(select(_table), _table, owner_id).order_by(_table.c.name_key, _table.c.id)
        with self._database.read() as connection:
            return [combo_from(row) for row in connection.execute(statement).mappings()]

    def get(self, combo_id: str, *, owner_id: str | None = None) -> StoredCombo:
        """Return one combo by its id; raises `NotFoundError`."""
        with self._database.read() as connection:
            return _find(connection, combo_id, owner_id)

    def create(self, name: str, config: ComboConfig, *, owner_id: str) -> StoredCombo:
        """Store a new combo; raises `ConflictError` where the name is taken, in whatever case."""
        combo_id, now_ms = f"cmb_{secrets.token_hex(8)}", int(self._clock.now() * 1000)
        values = _named(name) | {
            "id": combo_id,
            "owner_id": owner_id,
            "body": json_text(config),
            "version": 1,
            "created_at_ms": now_ms,
            "updated_at_ms": now_ms,
        }
        with _told(name), self._database.write() as connection:
            connection.execute(insert(_table).values(values))
            bump(connection)
            return _find(connection, combo_id, owner_id)

    def update(
        self,
        combo_id: str,
        *,
        name: str | None = None,
        config: ComboConfig | None = None,
        owner_id: str | None = None,
        if_version: int | None = None,
        detach: bool = False,
    ) -> StoredCombo:
        """Rename or replace a combo; raises `NotFoundError`, `ConflictError`."""
        with _told(name or combo_id), self._database.write() as connection:
            present = _find(connection, combo_id, owner_id)
            _check(present, if_version)
            values: dict[str, Any] = {
                "version": present.version + 1,
                "updated_at_ms": int(self._clock.now() * 1000),
            }
            if name is not None:
                values |= _named(name)
            if config is not None:
                values["body"] = json_text(config)
            what = f"the combo {present.name!r}"
            changed = _changed(present, name, config)
            values |= kept(present.managed, changed, what=what, detach=detach)
            connection.execute(update(_table).where(_table.c.id == combo_id).values(values))
            bump(connection)
            return _find(connection, combo_id, owner_id)

    def delete(
        self,
        combo_id: str,
        *,
        owner_id: str | None = None,
        if_version: int | None = None,
        detach: bool = False,
    ) -> None:
        """Remove a combo; raises `NotFoundError`, `ConflictError`."""
        with self._database.write() as connection:
            present = _find(connection, combo_id, owner_id)
            _check(present, if_version)
            refuse_removal(present.managed, what=f"the combo {present.name!r}", detach=detach)
            connection.execute(delete(_table).where(_table.c.id == combo_id))
            bump(connection)


def _changed(present: StoredCombo, name: str | None, config: ComboConfig | None) -> list[str]:
    """Return what becomes another value."""
    renamed = () if name in (None, present.name) else ("name",)
    fields = () if config is None else config.__struct_fields__
    return [
        *renamed,
        *(field for field in fields if getattr(config, field) != getattr(present.config, field)),
    ]


def _named(name: str) -> dict[str, Any]:
    return {"name": name, "name_key": name.lower()}


def _check(present: StoredCombo, if_version: int | None) -> None:
    if if_version is not None and if_version != present.version:
        raise StaleError(
            f"the combo changed meanwhile (version {present.version}, yours is {if_version})", what="combo"
        )


def _find(connection: Connection, combo_id: str, owner_id: str | None) -> StoredCombo:
    statement = owned(select(_table).where(_table.c.id == combo_id), _table, owner_id)
    row = connection.execute(statement).mappings().first()
    if row is None:
        raise NotFoundError(f"no combo {combo_id}")
    return combo_from(row)


@contextmanager
def _told(name: str) -> Iterator[None]:
    """Say which name is taken where the database only says that one is."""
    try:
        yield
    except (StaleError, ManagedError):
        raise
    except ConflictError as error:
        raise ConflictError(f"a combo named {name!r} exists already") from error


__all__ = ["StoredCombos"]
