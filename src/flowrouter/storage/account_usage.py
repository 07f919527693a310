"""What accounts used since some moment, from the books: whole days from their sums, the rest from the lines."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, and_, case, func, select
from sqlalchemy.sql.elements import ColumnElement

from flowrouter.clock import DAY_MS
from flowrouter.gateway.quota_keeping import Spent
from flowrouter.storage.database import Database
from flowrouter.storage.ledger_tables import ledger, rollups
from flowrouter.storage.request_sums import TOKENS


class StoredAccountUsage:
    """The use of accounts as one store has it; its method blocks."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def since(self, account_id: str, start_ms: int, *, before_ms: int) -> Spent:
        """Return what was used from `start_ms` on; exchanges that moved on count where they ended."""
        first, last = -(-start_ms // DAY_MS) * DAY_MS, before_ms // DAY_MS * DAY_MS
        parts: list[tuple[int, int, int]] = []
        with self._database.read() as connection:
            if first < last:
                parts.append(_days(connection, account_id, first, before_ms=last))
                edges = ((start_ms, first), (last, before_ms))
            else:
                edges = ((start_ms, before_ms),)
            parts += [
                _lines(connection, account_id, one, before_ms=other) for one, other in edges if one < other
            ]
        requests, tokens, pusd = (sum(column) for column in zip((0, 0, 0), *parts, strict=True))
        return Spent(requests=requests, tokens=tokens, pusd=pusd)


def _days(connection: Connection, account_id: str, since_ms: int, *, before_ms: int) -> tuple[int, int, int]:
    columns = rollups.c
    statement = select(_sum(columns.requests), _sum(_tokens(columns)), _sum(columns.cost_pusd)).where(
        columns.account_id == account_id, columns.day_ms >= since_ms, columns.day_ms < before_ms
    )
    return _row(connection, statement)


def _lines(connection: Connection, account_id: str, since_ms: int, *, before_ms: int) -> tuple[int, int, int]:
    columns = ledger.c
    charged, cost = columns.kind == "charge", columns.kind == "cost"
    statement = select(
        _sum(case((charged, 1), else_=0)),
        _sum(case((charged, _tokens(columns)), else_=0)),
        _sum(case((cost, -columns.amount_pusd), else_=0)),
    ).where(and_(columns.ts_ms >= since_ms, columns.ts_ms < before_ms, columns.account_id == account_id))
    return _row(connection, statement)


def _tokens(columns: Any) -> ColumnElement[int]:
    first, *others = (columns[name] for name in TOKENS)
    for other in others:
        first = first + other
    return first


def _sum(what: Any) -> ColumnElement[int]:
    return func.coalesce(func.sum(what), 0)


def _row(connection: Connection, statement: Any) -> tuple[int, int, int]:
    requests, tokens, pusd = map(int, connection.execute(statement).one())
    return requests, tokens, pusd


__all__ = ["StoredAccountUsage"]
