"""Finds the rows of the request log that a filter means, newest first, by an index whatever the filter is.

Several filters at once may have few rows in common, or none, among millions that one of them chooses; the sums
by day tell on which days there are any, and only these are looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import BindParameter, Connection, Select, func, literal_column, select, tuple_

from flowrouter.clock import DAY_MS
from flowrouter.gateway.ports import RequestFilter
from flowrouter.storage.request_rows import COLUMNS
from flowrouter.storage.sum_tables import request_days
from flowrouter.storage.tables import requests as _table
from flowrouter.storage.usage_sums import CHOSEN_BY

_columns = _table.c
_INDEXED = frozenset({"owner_id", "key_id", "account_id", "model", "outcome"})
"""Filters that have an index of their own (`outcome`: of what is not ok)."""
_DIGITS = 18
"""What a time has at most; stores hold no number beyond 64 bits."""

Place = tuple[int, str]
"""Time and id of a row: where a page goes on."""


def newest(
    connection: Connection,
    which: RequestFilter,
    *,
    count: int,
    after: Place | None = None,
    columns: Sequence[str] = COLUMNS,
) -> Sequence[Any]:
    """Return `columns` of the next `count` rows, newest first, as mappings."""
    if _is_direct(which):
        return connection.execute(chosen(which, after, count, columns=columns)).mappings().all()
    return _by_days(connection, which, after=after, count=count, columns=columns)


def chosen(
    which: RequestFilter,
    after: Place | None,
    count: int,
    *,
    columns: Sequence[str] = COLUMNS,
    session: BindParameter[str] | str | None = None,
) -> Select[Any]:
    """Return the statement for the next `count` rows, newest first; `session` takes the place of the filter's."""
    session = which.session_id if session is None else session
    statement = select(*(_columns[name] for name in columns))
    for name in CHOSEN_BY:
        if (wanted := getattr(which, name)) is not None:
            statement = statement.where(_columns[name] == wanted)
    if session is not None:
        statement = statement.where(_columns.session_id == session)
        statement = statement.with_hint(_table, "INDEXED BY ix_requests_session_id_ts_ms_id", "sqlite")
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


def written(place: Place) -> str:
    """Return a place as a cursor."""
    return f"{place[0]}.{place[1]}"


def parsed(cursor: str) -> Place:
    """Return the place of a cursor; raises `ValueError` for one that is not ours."""
    moment, dot, request_id = cursor.partition(".")
    if not dot or not moment.isdecimal() or len(moment) > _DIGITS or not request_id:
        raise ValueError("not a cursor of this list")
    return int(moment), request_id


def _is_direct(which: RequestFilter) -> bool:
    """Return whether one index finds the rows: no filter, one that has its own, or a session."""
    used = [name for name in CHOSEN_BY if getattr(which, name) is not None]
    return which.session_id is not None or not used or (len(used) == 1 and used[0] in _INDEXED)


def _by_days(
    connection: Connection, which: RequestFilter, *, after: Place | None, count: int, columns: Sequence[str]
) -> list[Any]:
    """Return the next `count` rows, looked for only on days that have any, in the index that holds all filters."""
    found: list[Any] = []
    for day_ms in _days(connection, which, after):
        since = max(day_ms, which.since_ms or 0)
        until = min(day_ms + DAY_MS, which.until_ms or day_ms + DAY_MS)
        day = chosen(which, after, count - len(found), columns=columns)
        day = day.where(_columns.ts_ms >= since, _columns.ts_ms < until)
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


__all__ = ["Place", "chosen", "newest", "parsed", "written"]
