"""The request log, for people: pages by key, one exchange whole, and sums.

Pages continue after the last row seen instead of counting rows off, so that the millionth page
costs what the first one does. Several filters at once may have few rows in common, or none, among millions
that one of them chooses; the sums by day tell on which days there are any, and only these are looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Select, func, literal_column, select, tuple_

from flowrouter.gateway.ports import (
    NotFoundError,
    RequestFilter,
    RequestPage,
    RequestRow,
    UsageGroup,
    UsageLine,
)
from flowrouter.storage.database import Database, owned
from flowrouter.storage.request_rows import COLUMNS, request_from
from flowrouter.storage.request_sums import DAY_MS
from flowrouter.storage.sum_tables import request_days
from flowrouter.storage.tables import receipts
from flowrouter.storage.tables import requests as _table
from flowrouter.storage.usage import usage_lines
from flowrouter.storage.usage_sums import CHOSEN_BY

MAX_PAGE = 1_000

_columns = _table.c
_INDEXED = frozenset({"owner_id", "key_id", "account_id", "model", "outcome"})
"""Filters that have an index of their own (`outcome`: of what is not ok)."""

Place = tuple[int, str]
"""Time and id of a row: where a page goes on."""


class StoredRequests:
    """The `Requests` of one store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def list(self, which: RequestFilter, *, limit: int = 50, cursor: str | None = None) -> RequestPage:
        """Return one page; raises `ValueError` for a cursor that is not ours."""
        limit = max(1, min(limit, MAX_PAGE))
        after = None if cursor is None else _parse_cursor(cursor)
        with self._database.read() as connection:
            if _is_direct(which):
                rows = connection.execute(_page(which, after, limit + 1)).mappings().all()
            else:
                rows = _by_days(connection, which, after=after, count=limit + 1)
        page = tuple(request_from(row) for row in rows[:limit])
        return RequestPage(rows=page, next_cursor=_cursor(page[-1]) if len(rows) > limit else None)

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


def _is_direct(which: RequestFilter) -> bool:
    """Return whether one index finds the rows: no filter, one that has its own, or a session."""
    used = [name for name in CHOSEN_BY if getattr(which, name) is not None]
    return which.session_id is not None or not used or (len(used) == 1 and used[0] in _INDEXED)


def _page(which: RequestFilter, after: Place | None, count: int) -> Select[Any]:
    """Return the statement for the next `count` rows, newest first."""
    statement = select(*(_columns[name] for name in COLUMNS))
    for name in (*CHOSEN_BY, "session_id"):
        if (wanted := getattr(which, name)) is not None:
            statement = statement.where(_columns[name] == wanted)
    if which.outcome not in (None, "ok"):
        statement = statement.where(literal_column("outcome <> 'ok'"))  # lets the partial index serve
    if which.since_ms is not None:
        statement = statement.where(_columns.ts_ms >= which.since_ms)
    if which.until_ms is not None:
        statement = statement.where(_columns.ts_ms < which.until_ms)
    if after is not None:
        # The time alone first: an index begins with it.
        statement = statement.where(
            _columns.ts_ms <= after[0], tuple_(_columns.ts_ms, _columns.id) < tuple_(*after)
        )
    return statement.order_by(_columns.ts_ms.desc(), _columns.id.desc()).limit(count)


def _by_days(connection: Connection, which: RequestFilter, *, after: Place | None, count: int) -> list[Any]:
    """Return the next `count` rows, looked for only on days that have any, in the index that holds all filters."""
    found: list[Any] = []
    for day_ms in _days(connection, which, after):
        since = max(day_ms, which.since_ms or 0)
        until = min(day_ms + DAY_MS, which.until_ms or day_ms + DAY_MS)
        day = _page(which, after, count - len(found)).where(_columns.ts_ms >= since, _columns.ts_ms < until)
        day = day.with_hint(_table, "INDEXED BY ix_requests_wide", "sqlite")
        found += connection.execute(day).mappings()
        if len(found) >= count:
            break
    return found


def _days(connection: Connection, which: RequestFilter, after: Place | None) -> Iterable[int]:
    """Return the days on which there are rows like that, newest first; found as they are asked for."""
    oldest = connection.execute(select(func.min(_columns.ts_ms))).scalar()
    if oldest is None:
        return []
    day = request_days.c.day_ms
    since = max(oldest, which.since_ms or 0)
    statement = select(day).where(day >= since - since % DAY_MS).distinct()
    if which.until_ms is not None:
        statement = statement.where(day < which.until_ms)
    if after is not None:
        statement = statement.where(day <= after[0])
    for name in CHOSEN_BY:
        if (wanted := getattr(which, name)) is not None:
            statement = statement.where(request_days.c[name] == wanted)
    return connection.execute(statement.order_by(day.desc())).scalars()


def _cursor(row: RequestRow) -> str:
    return f"{row.ts_ms}.{row.id}"


def _parse_cursor(cursor: str) -> Place:
    moment, dot, request_id = cursor.partition(".")
    if not dot or not moment.isdecimal() or not request_id:
        raise ValueError("not a cursor of this list")
    return int(moment), request_id


__all__ = ["StoredRequests"]
