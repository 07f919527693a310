"""What a batch of finished exchanges adds to the ledger, to sums and to budgets.

Everything of a batch is one transaction of the writer's. An exchange that is in the ledger already adds
nothing, so that a batch which is written again (after a crash, from a journal) is harmless.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from flowrouter.clock import DAY_MS
from flowrouter.gateway.ledger import LedgerLine, lines_of
from flowrouter.gateway.records import BudgetLine, RequestRow
from flowrouter.storage.place import Connection
from flowrouter.storage.request_sums import TOKENS
from flowrouter.storage.request_sums import add as add_to_sums

LEDGER = "ledger"
"""What a transaction must hold to post."""

LINE = LedgerLine.__struct_fields__
_KEY = ("day_ms", "owner_id", "key_id", "account_id", "preset", "model")
SUMS = ("requests", "errors", *TOKENS, "cost_pusd", "cost_unknown", "charge_pusd", "charge_unknown")


def _marks(count: int) -> str:
    return ", ".join("?" * count)


_KNOWN = "SELECT exchange_id FROM ledger WHERE line = 0 AND exchange_id IN ({})"
_ADD_LINE = (
    f"INSERT INTO ledger ({', '.join(LINE)}) VALUES ({_marks(len(LINE))})"  # noqa: S608 our own names
    " ON CONFLICT (exchange_id, line) DO NOTHING"
)
_ADD_SUMS = (
    f"INSERT INTO rollups ({', '.join((*_KEY, *SUMS))}) VALUES ({_marks(len(_KEY) + len(SUMS))})"  # noqa: S608
    f" ON CONFLICT ({', '.join(_KEY)}) DO UPDATE SET "
    + ", ".join(f"{name} = rollups.{name} + excluded.{name}" for name in SUMS)
)
_ADD_SPENT = """
    INSERT INTO budget_lines (exchange_id, budget_id, start_ms, holder, owner_id, kind, ts_ms, amount)
    VALUES (?, ?, ?, ?, ?, 'charge', ?, ?)
"""
_SETTLE = """
    INSERT INTO budget_blocks (budget_id, start_ms, holder, owner_id, drawn, settled, seen_at_ms)
    VALUES (?, ?, ?, ?, 0, ?, ?)
    ON CONFLICT (budget_id, start_ms, holder) DO UPDATE SET settled = budget_blocks.settled + excluded.settled
"""


def post(connection: Connection, batch: Sequence[RequestRow]) -> None:
    """Add what is new of `batch`; part of the caller's transaction, which must hold `LEDGER`."""
    ids = list({row.id for row in batch})
    known = {found[0] for found in connection.execute(_KNOWN.format(_marks(len(ids))), ids)}
    new: list[RequestRow] = []
    for row in batch:
        if row.id not in known:
            known.add(row.id)
            new.append(row)
    lines = [line for row in new for line in lines_of(row)]
    connection.executemany(_ADD_LINE, [msgspec.structs.astuple(line) for line in lines])
    connection.executemany(_ADD_SUMS, summed(lines))
    add_to_sums(connection, new)
    for row in new:
        for spent in row.budgets:
            _spend(connection, row, spent)


def summed(lines: Iterable[LedgerLine]) -> list[tuple[object, ...]]:
    """Return what `lines` add to the sums by day, in the order of `_ADD_SUMS`."""
    sums: dict[tuple[object, ...], list[int]] = {}
    for line in lines:
        if line.kind == "adjust":
            continue
        key = (
            line.ts_ms - line.ts_ms % DAY_MS,
            line.owner_id,
            line.key_id or "",
            line.account_id or "",
            line.preset or "",
            line.model or "",
        )
        total = sums.setdefault(key, [0] * len(SUMS))
        for place, amount in enumerate(_of(line)):
            total[place] += amount
    return [(*key, *total) for key, total in sums.items()]


def _of(line: LedgerLine) -> list[int]:
    """Return one line's part of each of `SUMS`."""
    unknown = int(line.amount_pusd is None)
    if line.kind == "cost":
        return [0, 0, 0, 0, 0, 0, 0, -(line.amount_pusd or 0), unknown, 0, 0]
    tokens = [getattr(line, name) for name in TOKENS]
    return [1, line.errors, *tokens, 0, 0, line.amount_pusd or 0, unknown]


def _spend(connection: Connection, row: RequestRow, spent: BudgetLine) -> None:
    named = (spent.budget_id, spent.start_ms, spent.holder, row.owner_id)
    connection.execute(_ADD_SPENT, (row.id, *named, row.ts_ms, spent.amount))
    connection.execute(_SETTLE, (*named, spent.amount, row.ts_ms))


__all__ = ["LEDGER", "LINE", "SUMS", "post", "summed"]
