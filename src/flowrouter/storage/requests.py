"""The request log, for people: pages by key, one exchange whole, and sums.

Pages continue after the last row seen instead of counting rows off, so that the millionth page
costs what the first one does.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from flowrouter.gateway.ports import (
    NotFoundError,
    RequestFilter,
    RequestPage,
    RequestRow,
    UsageGroup,
    UsageLine,
)
from flowrouter.storage.database import Database, owned
from flowrouter.storage.request_rows import request_from
from flowrouter.storage.request_walk import newest, parsed, written
from flowrouter.storage.tables import receipts
from flowrouter.storage.tables import requests as _table
from flowrouter.storage.usage import usage_lines

MAX_PAGE = 1_000

_columns = _table.c


class StoredRequests:
    """The `Requests` of one store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def list(self, which: RequestFilter, *, limit: int = 50, cursor: str | None = None) -> RequestPage:
        """Return one page; raises `ValueError` for a cursor that is not ours."""
        limit = max(1, min(limit, MAX_PAGE))
        after = None if cursor is None else parsed(cursor)
        with self._database.read() as connection:
            rows = newest(connection, which, after=after, count=limit + 1)
        page = tuple(request_from(row) for row in rows[:limit])
        more = len(rows) > limit
        return RequestPage(rows=page, next_cursor=self.behind(page[-1]) if more else None)

    def behind(self, row: RequestRow) -> str:
        """Return the cursor of the page that goes on behind `row`."""
        return written((row.ts_ms, row.id))

    def get(self, request_id: str, *, owner_id: str | None = None) -> RequestRow:
        """Return one request with its receipt; raises `NotFoundError`."""
        both = _table.outerjoin(receipts, receipts.c.request_id == _columns.id)
        statement = select(_table, receipts.c.body.label("receipt")).select_from(both)
        statement = owned(statement.where(_columns.id == request_id), _table, owner_id)
        with self._database.read() as connection:
            row = connection.execute(statement).mappings().first()
        if row is None:
            raise NotFoundError(f"no request {request_id}")
        return request_from(row, receipt=row["receipt"])

    def usage(
        self, which: RequestFilter, *, group_by: UsageGroup, offset_minutes: int = 0
    ) -> Sequence[UsageLine]:
        """Return sums per group; `offset_minutes` east of UTC says where days begin."""
        with self._database.read() as connection:
            return usage_lines(connection, which, group_by=group_by, offset_minutes=offset_minutes)


__all__ = ["StoredRequests"]
