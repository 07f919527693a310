"""The audit log in the store: added to, read, and cut where it is older than it has to be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import delete, insert, select

from flowrouter.clock import DAY_MS, Clock
from flowrouter.gateway.people import AuditEntry, AuditFilter
from flowrouter.storage.database import Database
from flowrouter.storage.people_tables import audit as _table
from flowrouter.storage.rows import json_text

_PRUNE_EVERY = 200


class StoredAudit:
    """The `AuditBook` of one store; entries leave after `days`."""

    def __init__(self, database: Database, *, clock: Clock, days: int) -> None:
        self._database = database
        self._clock = clock
        self._days = days
        self._recorded = 0

    def record(self, entry: AuditEntry) -> None:
        """Add an entry; now and then, let the old ones go."""
        values = msgspec.structs.asdict(entry)
        for name in ("before", "after"):
            values[name] = None if values[name] is None else json_text(values[name])
        with self._database.write() as connection:
            connection.execute(insert(_table).values(values))
            if self._recorded % _PRUNE_EVERY == 0:
                oldest = int(self._clock.now() * 1000) - self._days * DAY_MS
                connection.execute(delete(_table).where(_table.c.ts_ms < oldest))
        self._recorded += 1

    def list(
        self, which: AuditFilter, *, limit: int = 50, before_id: str | None = None
    ) -> Sequence[AuditEntry]:
        """Return entries, newest first, from the one after `before_id` on."""
        statement = select(_table).order_by(_table.c.id.desc()).limit(limit)
        for name in ("actor", "action", "target"):
            if (wanted := getattr(which, name)) is not None:
                statement = statement.where(_table.c[name] == wanted)
        if which.since_ms is not None:
            statement = statement.where(_table.c.ts_ms >= which.since_ms)
        if which.until_ms is not None:
            statement = statement.where(_table.c.ts_ms < which.until_ms)
        if before_id is not None:
            statement = statement.where(_table.c.id < before_id)
        with self._database.read() as connection:
            return [_entry(row) for row in connection.execute(statement).mappings()]


def _entry(row: Mapping[Any, Any]) -> AuditEntry:
    values = {name: row[name] for name in AuditEntry.__struct_fields__}
    for name in ("before", "after"):
        values[name] = None if values[name] is None else msgspec.json.decode(values[name])
    return AuditEntry(**values)


__all__ = ["StoredAudit"]
