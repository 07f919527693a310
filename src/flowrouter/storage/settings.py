"""The settings document: JSON merge patches on one row, with a version against lost updates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from sqlalchemy import Connection, insert, select, update

from flowrouter.clock import Clock
from flowrouter.gateway.ports import ConflictError, StoredSettings
from flowrouter.storage.database import Database, bump
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
    ) -> StoredSettings:
        """Apply a JSON merge patch (RFC 7396); `validate` sees the result and may raise.

        Raises `ConflictError` where `if_version` is given and no longer the present one.
        """
        with self._database.write() as connection:
            present = _read(connection, owner_id)
            if if_version is not None and if_version != present.version:
                raise ConflictError(
                    f"the settings changed meanwhile (version {present.version}, yours is {if_version})"
                )
            values: dict[str, Any] = merge_patch(present.values, patch)
            if validate is not None:
                validate(values)
            stored = StoredSettings(values=values, version=present.version + 1)
            self._write(connection, owner_id, stored)
            bump(connection)
            return stored

    def _write(self, connection: Connection, owner_id: str, stored: StoredSettings) -> None:
        columns: dict[str, Any] = {
            "body": json_text(stored.values),
            "version": stored.version,
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
    return StoredSettings(values=values, version=row["version"])


__all__ = ["SettingsStore", "merge_patch"]
