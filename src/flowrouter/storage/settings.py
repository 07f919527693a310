"""The settings document: JSON merge patches on one row, with a version against lost updates."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, insert, select, update

from flowrouter.clock import Clock
from flowrouter.gateway.ports import ManagedError, StaleError, StoredSettings
from flowrouter.settings.managed import ManagedSetting
from flowrouter.storage.database import Database, bump
from flowrouter.storage.ownership import members_from
from flowrouter.storage.rows import json_text
from flowrouter.storage.tables import settings as _table


class SettingsStore:
    """The `Settings` of one store; what the members mean is not its business."""

    def __init__(self, database: Database, *, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def get(self, *, owner_id: str) -> StoredSettings:
        """Return the document."""
        with self._database.read() as connection:
            return _read(connection, owner_id)

    def patch(
        self,
        patch: Mapping[str, Any],
        *,
        owner_id: str,
        if_version: int | None = None,
        validate: Callable[[dict[str, Any]], object] | None = None,
        detach: bool = False,
    ) -> StoredSettings:
        """Apply a JSON merge patch (RFC 7396); `validate` sees the result and may raise.

        Raises `StaleError` where `if_version` is given and no longer the present one, and `ManagedError` where
        a file owns what changes, unless `detach`.
        """
        with self._database.write() as connection:
            present = _read(connection, owner_id)
            if if_version is not None and if_version != present.version:
                raise StaleError(
                    f"the settings changed meanwhile (version {present.version}, yours is {if_version})",
                    what="settings",
                )
            values: dict[str, Any] = merge_patch(present.values, patch)
            if validate is not None:
                validate(values)
            managed = _kept(present, values, detach=detach)
            stored = StoredSettings(values=values, version=present.version + 1, managed=managed)
            self._write(connection, owner_id, stored)
            bump(connection)
            return stored

    def _write(self, connection: Connection, owner_id: str, stored: StoredSettings) -> None:
        columns: dict[str, Any] = {
            "body": json_text(stored.values),
            "version": stored.version,
            "managed": json_text(stored.managed) if stored.managed else None,
            "updated_at_ms": int(self._clock.now() * 1000),
        }
        if stored.version == 1:
            connection.execute(insert(_table).values(owner_id=owner_id, **columns))
        else:
            connection.execute(update(_table).where(_table.c.owner_id == owner_id).values(columns))


def merge_patch(target: Any, patch: Any) -> Any:
    """Return `target` with `patch` merged in: null removes a member, objects merge, all else replaces."""
    if not isinstance(patch, Mapping):
        return patch
    merged: dict[str, Any] = dict(target) if isinstance(target, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge_patch(merged.get(name), value)
    return merged


def _read(connection: Connection, owner_id: str) -> StoredSettings:
    row = connection.execute(select(_table).where(_table.c.owner_id == owner_id)).mappings().first()
    if row is None:
        return StoredSettings(values={}, version=0)
    values = msgspec.json.decode(row["body"], type=dict[str, Any])
    return StoredSettings(values=values, version=row["version"], managed=members_from(row["managed"]))


def _kept(present: StoredSettings, after: Mapping[str, Any], *, detach: bool) -> tuple[ManagedSetting, ...]:
    """Return the members that files own after a change; raises `ManagedError`."""
    touched = [
        member for member in present.managed if _at(present.values, member.path) != _at(after, member.path)
    ]
    if touched and not detach:
        names = [".".join(member.path) for member in touched]
        raise ManagedError("the setting " + ", ".join(names), file=touched[0].file)
    return tuple(member for member in present.managed if member not in touched)


def _at(document: Any, path: Sequence[str]) -> Any:
    for name in path:
        document = document.get(name) if isinstance(document, Mapping) else None
    return document


__all__ = ["SettingsStore", "merge_patch"]
