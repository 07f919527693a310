"""The request log, for people: pages by key, one exchange whole, and sums.

Pages continue after the last row seen instead of counting rows off, so that the millionth page
costs what the first one does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, case, func, literal_column, select, tuple_

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
from flowrouter.storage.tables import receipts
from flowrouter.storage.tables import requests as _table

MAX_PAGE = 1_000

_columns = _table.c
_EQUAL = ("owner_id", "key_id", "account_id", "preset", "model", "client_dialect", "outcome", "session_id")
_GROUPS: dict[UsageGroup, str] = {
    "model": "model",
    "preset": "preset",
    "account": "account_id",
    "key": "key_id",
    "client": "client",
    "outcome": "outcome",
    "combo": "combo",
    "session": "session_id",
    "dialect": "client_dialect",
}
_SPANS: dict[UsageGroup, int] = {"day": 86_400_000, "hour": 3_600_000}
_TOKENS = ("input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens", "reasoning_tokens")
_MILLION = 1_000_000


class StoredRequests:
    """The `Requests` of one store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def list(self, which: RequestFilter, *, limit: int = 50, cursor: str | None = None) -> RequestPage:
        """Return one page; raises `ValueError` for a cursor that is not ours."""
        limit = max(1, min(limit, MAX_PAGE))
        statement = _filtered(select(*(_columns[name] for name in COLUMNS)), which)
        if cursor is not None:
            statement = statement.where(tuple_(_columns.ts_ms, _columns.id) < tuple_(*_parse_cursor(cursor)))
        statement = statement.order_by(_columns.ts_ms.desc(), _columns.id.desc()).limit(limit + 1)
        with self._database.read() as connection:
            found = [request_from(row) for row in connection.execute(statement).mappings()]
        page = found[:limit]
        more = len(found) > limit
        return RequestPage(rows=tuple(page), next_cursor=_cursor(page[-1]) if more else None)

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
        statement = select(*_sums())
        if group_by != "total":
            group = _group(group_by, offset_minutes)
            statement = statement.add_columns(group.label("grouped")).group_by(group).order_by(group)
        with self._database.read() as connection:
            return [_line(row) for row in connection.execute(_filtered(statement, which)).mappings()]


def _filtered(statement: Select[Any], which: RequestFilter) -> Select[Any]:
    for name in _EQUAL:
        if (wanted := getattr(which, name)) is not None:
            statement = statement.where(_columns[name] == wanted)
    if which.outcome not in (None, "ok"):
        statement = statement.where(literal_column("outcome <> 'ok'"))  # lets the partial index serve
    if which.since_ms is not None:
        statement = statement.where(_columns.ts_ms >= which.since_ms)
    if which.until_ms is not None:
        statement = statement.where(_columns.ts_ms < which.until_ms)
    return statement


def _group(group_by: UsageGroup, offset_minutes: int) -> ColumnElement[Any]:
    if group_by in _SPANS:
        local = _columns.ts_ms + offset_minutes * 60_000
        return _columns.ts_ms - local % _SPANS[group_by]
    return _columns[_GROUPS[group_by]]


def _sums() -> list[ColumnElement[Any]]:
    """Return the sums; money in two halves, since SQLite's integer sum ends at nine million dollars."""
    sums: list[ColumnElement[Any]] = [
        func.count().label("requests"),
        func.coalesce(func.sum(case((_columns.outcome == "ok", 0), else_=1)), 0).label("errors"),
    ]
    sums += [func.coalesce(func.sum(_columns[name]), 0).label(name) for name in _TOKENS]
    for name in ("cost", "charge"):
        amount = _columns[f"{name}_pusd"]
        sums += [
            func.coalesce(func.sum(amount // _MILLION), 0).label(f"{name}_high"),
            func.coalesce(func.sum(amount % _MILLION), 0).label(f"{name}_low"),
            (func.count() - func.count(amount)).label(f"{name}_unknown"),
        ]
    return sums


def _line(row: Any) -> UsageLine:
    return UsageLine(
        group=row.get("grouped"),
        requests=row["requests"],
        errors=int(row["errors"]),
        **{name: int(row[name]) for name in _TOKENS},
        cost_pusd=int(row["cost_high"]) * _MILLION + int(row["cost_low"]),
        cost_unknown=row["cost_unknown"],
        charge_pusd=int(row["charge_high"]) * _MILLION + int(row["charge_low"]),
        charge_unknown=row["charge_unknown"],
    )


def _cursor(row: RequestRow) -> str:
    return f"{row.ts_ms}.{row.id}"


def _parse_cursor(cursor: str) -> tuple[int, str]:
    moment, dot, request_id = cursor.partition(".")
    if not dot or not moment.isdecimal() or not request_id:
        raise ValueError("not a cursor of this list")
    return int(moment), request_id


__all__ = ["StoredRequests"]
