"""The ledger, for people: whether it adds up, how budgets stand, and giving back what crashes left drawn."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, Select, and_, func, insert, select, update

from flowrouter.clock import DAY_MS
from flowrouter.gateway.ledger import Drawn, Finding, Verification
from flowrouter.storage.budget_book import GONE_MS, stood
from flowrouter.storage.database import CONFIGURATION, Database
from flowrouter.storage.ledger_tables import budget_blocks, budget_lines, ledger, rollups
from flowrouter.storage.postings import LEDGER, SUMS
from flowrouter.storage.request_sums import TOKENS
from flowrouter.storage.sum_checks import differing_sums
from flowrouter.storage.tables import requests

FINDINGS_MAX = 50

_KEY = ("owner_id", "key_id", "account_id", "preset", "model")


class StoredLedger:
    """The `Ledger` of one store; its methods block."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def verify(self, *, now_ms: int) -> Verification:
        """Return whether sums, gaps, roll-ups and budgets are as they should be; reads everything."""
        with self._database.read() as connection:
            found = [
                *_unbalanced(connection),
                *_gaps(connection),
                *_differing(connection),
                *_rollups(connection),
                *differing_sums(connection),
                *_budgets(connection),
            ]
            unknown = select(func.count()).where(ledger.c.amount_pusd.is_(None))
            return Verification(
                exchanges=_count(connection, select(func.count()).where(ledger.c.line == 0)),
                lines=_count(connection, select(func.count()).select_from(ledger)),
                rollups=_count(connection, select(func.count()).select_from(rollups)),
                budgets=_count(connection, select(func.count()).select_from(budget_blocks)),
                unknown=_count(connection, unknown),
                faults=len(found),
                findings=tuple(found[:FINDINGS_MAX]),
                uncertain=_left_behind(connection, now_ms),
            )

    def release(self, *, now_ms: int, budget_id: str | None = None) -> dict[str, int]:
        """Put back what processes that are no more had in their hands; return the amounts by budget."""
        released: Counter[str] = Counter()
        with self._database.write(hold=(CONFIGURATION, LEDGER)) as connection:
            for row in _orphans(connection, now_ms, budget_id):
                mine = and_(
                    budget_blocks.c.budget_id == row["budget_id"],
                    budget_blocks.c.start_ms == row["start_ms"],
                    budget_blocks.c.holder == row["holder"],
                )
                connection.execute(update(budget_blocks).where(mine).values(drawn=row["settled"]))
                amount = row["drawn"] - row["settled"]
                released[row["budget_id"]] += amount
                named = {name: row[name] for name in ("budget_id", "start_ms", "holder", "owner_id")}
                line = {"exchange_id": f"release_{secrets.token_hex(8)}", "kind": "release", "ts_ms": now_ms}
                connection.execute(insert(budget_lines).values(**named, **line, amount=amount))
        return dict(released)

    def standing(self, budget_id: str, start_ms: int, *, now_ms: int, holder: str = "") -> Drawn:
        """Return how a budget stands in the period that began at `start_ms`."""
        columns = budget_blocks.c
        rows = select(columns.holder, columns.drawn, columns.settled, columns.seen_at_ms)
        rows = rows.where(columns.budget_id == budget_id, columns.start_ms == start_ms)
        with self._database.read() as connection:
            return stood(connection.execute(rows).all(), holder=holder, now_ms=now_ms)


def _unbalanced(connection: Connection) -> Iterable[Finding]:
    """Yield exchanges whose lines are known and do not come to 0, or of which one is missing."""
    amount, line = ledger.c.amount_pusd, ledger.c.line
    total = func.sum(amount)
    statement = select(ledger.c.exchange_id, total, func.count(), func.max(line)).group_by(
        ledger.c.exchange_id
    )
    off = and_(func.count() == func.count(amount), total != 0) | (func.max(line) + 1 != func.count())
    for exchange_id, rest, lines, last in connection.execute(statement.having(off)):
        if last + 1 != lines:
            message = f"{lines} lines, the last is number {last}"
            yield Finding(check="gap", subject=exchange_id, message=message)
        else:
            yield Finding(check="balance", subject=exchange_id, message=f"its lines come to {rest}, not 0")


def _gaps(connection: Connection) -> Iterable[Finding]:
    """Yield requests that are not in the ledger."""
    entered = and_(ledger.c.exchange_id == requests.c.id, ledger.c.line == 0)
    statement = select(requests.c.id).outerjoin(ledger, entered).where(ledger.c.exchange_id.is_(None))
    for (request_id,) in connection.execute(statement):
        yield Finding(check="gap", subject=request_id, message="the request is not in the ledger")


def _differing(connection: Connection) -> Iterable[Finding]:
    """Yield exchanges whose charge is another one than the request log's."""
    entered = and_(ledger.c.exchange_id == requests.c.id, ledger.c.line == 0)
    logged, charged = requests.c.charge_pusd, ledger.c.amount_pusd
    statement = select(requests.c.id, logged, charged).join(ledger, entered)
    for request_id, one, other in connection.execute(
        statement.where(func.coalesce(logged, -1) != func.coalesce(charged, -1))
    ):
        message = f"charged {other}, the request log says {one}"
        yield Finding(check="balance", subject=request_id, message=message)


def _rollups(connection: Connection) -> Iterable[Finding]:
    """Yield sums by day that are not those of the ledger; of its first day the ledger may hold a part."""
    first = connection.execute(select(func.min(ledger.c.ts_ms))).scalar()
    if first is None:
        return
    first_day = first - first % DAY_MS
    wanted = dict(_read(connection, _summed()))
    kept = select(rollups).where(rollups.c.day_ms >= first_day)
    known = {
        (row["day_ms"], *(row[name] for name in _KEY)): tuple(row[name] for name in SUMS)
        for row in connection.execute(kept).mappings()
    }
    for key in sorted(wanted.keys() | known.keys()):
        nothing = (0,) * len(SUMS)
        sums, has = wanted.get(key, nothing), known.get(key, nothing)
        whole = key[0] > first_day
        if any(have != want if whole else have < want for have, want in zip(has, sums, strict=True)):
            names = [name for name, have, want in zip(SUMS, has, sums, strict=True) if have != want]
            message = f"the sums of {', '.join(names)} are not those of the ledger"
            yield Finding(check="rollup", subject="/".join(map(str, key)), message=message)


def _summed() -> Select[*tuple[Any, ...]]:
    columns = ledger.c
    charge, cost = columns.kind == "charge", columns.kind == "cost"
    day = (columns.ts_ms - columns.ts_ms % DAY_MS).label("day_ms")
    named = [func.coalesce(columns[name], "").label(name) for name in _KEY]
    sums = [
        func.count().filter(charge),
        func.sum(columns.errors),
        *(func.sum(columns[name]) for name in TOKENS),
        -func.coalesce(func.sum(columns.amount_pusd).filter(cost), 0),
        func.count().filter(cost, columns.amount_pusd.is_(None)),
        func.coalesce(func.sum(columns.amount_pusd).filter(charge), 0),
        func.count().filter(charge, columns.amount_pusd.is_(None)),
    ]
    return select(day, *named, *sums).where(columns.kind != "adjust").group_by(day, *named)


def _read(
    connection: Connection, statement: Select[*tuple[Any, ...]]
) -> Iterable[tuple[Any, tuple[int, ...]]]:
    width = len(_KEY) + 1
    for row in connection.execute(statement):
        yield tuple(row[:width]), tuple(int(value) for value in row[width:])


def _budgets(connection: Connection) -> Iterable[Finding]:
    """Yield budgets whose settled amount is not the sum of what exchanges used."""
    key = (budget_lines.c.budget_id, budget_lines.c.start_ms, budget_lines.c.holder)
    used = select(*key, func.sum(budget_lines.c.amount)).where(budget_lines.c.kind == "charge").group_by(*key)
    sums: Mapping[Any, int] = {tuple(row[:3]): int(row[3]) for row in connection.execute(used)}
    columns = budget_blocks.c
    blocks = select(columns.budget_id, columns.start_ms, columns.holder, columns.settled)
    for *named, settled in connection.execute(blocks):
        if sums.get(tuple(named), 0) != settled:
            message = f"{settled} is settled, its exchanges used {sums.get(tuple(named), 0)}"
            yield Finding(check="budget", subject=f"{named[0]} ({named[2]})", message=message)


def _left_behind(connection: Connection, now_ms: int) -> dict[str, int]:
    left: Counter[str] = Counter()
    for row in _orphans(connection, now_ms, None):
        left[row["budget_id"]] += row["drawn"] - row["settled"]
    return dict(left)


def _orphans(connection: Connection, now_ms: int, budget_id: str | None) -> list[Mapping[str, Any]]:
    columns = budget_blocks.c
    statement = select(budget_blocks).where(
        columns.drawn > columns.settled, columns.seen_at_ms < now_ms - GONE_MS
    )
    if budget_id is not None:
        statement = statement.where(columns.budget_id == budget_id)
    return [dict(row) for row in connection.execute(statement).mappings()]


def _count(connection: Connection, statement: Select[*tuple[Any, ...]]) -> int:
    return int(connection.execute(statement).scalar_one())


__all__ = ["FINDINGS_MAX", "StoredLedger"]
