"""Who owns what is stored: a column beside each thing, kept true by every change of it.

What an applied file sets is not changed by anybody else, unless they say that they take it over (`detach`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import update

from flowrouter.gateway.ports import ManagedError
from flowrouter.settings.managed import Managed, ManagedSetting
from flowrouter.storage.database import Database, bump
from flowrouter.storage.people_tables import users
from flowrouter.storage.rows import json_text
from flowrouter.storage.tables import accounts, combos, keys, settings

_TABLES = {"account": accounts, "combo": combos, "key": keys, "user": users}
_members = msgspec.json.Decoder(tuple[ManagedSetting, ...])


class StoredOwnership:
    """The `Ownership` of one store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, kind: str, thing_id: str, managed: Managed | None) -> None:
        """Say who owns an account, a combo, a key or a user (None: the console)."""
        table = _TABLES[kind]
        value = None if managed is None else json_text(managed)
        with self._database.write() as connection:
            connection.execute(update(table).where(table.c.id == thing_id).values(managed=value))
            bump(connection)

    def put_settings(self, members: Sequence[ManagedSetting], *, owner_id: str) -> None:
        """Say which members of the settings document files own; all others are the console's."""
        value = json_text(list(members)) if members else None
        with self._database.write() as connection:
            connection.execute(update(settings).where(settings.c.owner_id == owner_id).values(managed=value))
            bump(connection)


def members_from(text: str | None) -> tuple[ManagedSetting, ...]:
    """Return the members of the settings document that files own, as stored."""
    return _members.decode(text) if text else ()


def kept(managed: Managed | None, changed: Iterable[str], *, what: str, detach: bool) -> dict[str, Any]:
    """Return the column for a thing of which these fields change; raises `ManagedError`."""
    touched = [] if managed is None else sorted(set(changed) & set(managed.fields))
    if managed is None or not touched:
        return {}
    if not detach:
        raise ManagedError(what, file=managed.file, fields=touched)
    return {"managed": json_text(managed.without(touched))}


def refuse_removal(managed: Managed | None, *, what: str, detach: bool) -> None:
    """Raise `ManagedError` for a thing that a file owns."""
    if managed is not None and not detach:
        raise ManagedError(what, file=managed.file)


__all__ = ["StoredOwnership", "kept", "members_from", "refuse_removal"]
