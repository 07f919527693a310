"""What a batch of finished exchanges enters: request log and receipts, the ledger, sums and budgets.

Everything of a batch is one transaction of the writer's. An exchange that is in the ledger already adds
nothing, so that a batch which is written again (after a crash, from a journal) is harmless.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from flowrouter.clock import DAY_MS
from flowrouter.gateway.records import RequestRow
from flowrouter.storage.columns import grouped, taken
from flowrouter.storage.insertion import Insertion, adding, entering
from flowrouter.storage.place import Connection, Place
from flowrouter.storage.request_rows import RECEIPTS, REQUESTS, columns_of, receipt_columns, request_columns
from flowrouter.storage.request_sums import MILLION, TOKENS, Alike, alike, totals
from flowrouter.storage.request_sums import add as add_to_sums

LEDGER = "ledger"
"""What a transaction must hold to post."""

LINE = (
    "exchange_id", "line", "kind", "ts_ms", "owner_id", "key_id", "account_id", "preset", "model",
    "amount_pusd", "estimated", "errors", *TOKENS,
)  # fmt: skip
"""The columns of the ledger; tokens and errors stand on the line of the charge only."""

SUMS = ("requests", "errors", *TOKENS, "cost_pusd", "cost_unknown", "charge_pusd", "charge_unknown")

Columns = Mapping[str, Sequence[Any]]
"""The columns of the request log by name, `budgets` among them."""

Lines = Sequence[Sequence[Any]]
"""Columns in the order of `LINE`; none where there are no lines."""

_KEY = ("day_ms", "owner_id", "key_id", "account_id", "preset", "model")
_NAMES = ("ts_ms", *_KEY[1:])
_KIND, _TIME, _AMOUNT = LINE.index("kind"), LINE.index("ts_ms"), LINE.index("amount_pusd")
_NAMED = slice(_TIME + 1, _AMOUNT)
_NOTHING = (0,) * len(("requests", "errors", *TOKENS))
_CHARGES = entering("ledger", LINE, key=("exchange_id", "line"), kind="charge")
_COSTS = entering("ledger", LINE, key=("exchange_id", "line"), kind="cost")
_ROLLUPS = adding("rollups", key=_KEY, sums=SUMS)
_SPENT = Insertion(
    "budget_lines",
    ("exchange_id", "budget_id", "start_ms", "holder", "owner_id", "kind", "ts_ms", "amount"),
    "",
)
_SETTLED = Insertion(
    "budget_blocks",
    ("budget_id", "start_ms", "holder", "owner_id", "drawn", "settled", "seen_at_ms"),
    "ON CONFLICT (budget_id, start_ms, holder) DO UPDATE"
    " SET settled = budget_blocks.settled + excluded.settled",
)
_KNOWN = "SELECT exchange_id FROM ledger WHERE line = 0 AND exchange_id IN ({})"


def enter(place: Place, connection: Connection, batch: Sequence[RequestRow], *, unseen: bool = False) -> None:
    """Enter `batch`; part of the caller's transaction, which must hold `LEDGER`.

    With `unseen` nobody looks first what of it is there already; raises `ValueError` where something is, and then
    the transaction must not be kept.
    """
    columns = columns_of(batch)
    place.insert(connection, REQUESTS, request_columns(columns))
    place.insert(connection, RECEIPTS, receipt_columns(columns))
    new = batch if unseen else _new(connection, batch)
    if new:
        lines = _post(place, connection, columns if len(new) == len(batch) else columns_of(new))
        if unseen and lines:
            raise ValueError(f"{lines} lines of what is entered as new are in the ledger already")


def _post(place: Place, connection: Connection, columns: Columns) -> int:
    """Add exchanges to ledger, sums and budgets; return how many of their lines were there before."""
    groups, (charges, costs) = alike(columns), lines_of(columns)
    entered = place.insert(connection, _CHARGES, charges) + place.insert(connection, _COSTS, costs)
    place.insert(connection, _ROLLUPS, totals(_rollups(groups, costs)))
    add_to_sums(place, connection, groups)
    if any(columns["budgets"]):
        _spend(place, connection, columns)
    return sum(len(lines[0]) for lines in (charges, costs) if lines) - entered


def lines_of(columns: Columns) -> tuple[Lines, Lines]:
    """Return the lines of exchanges: their charges, and what attempts cost."""
    count, counted = len(columns["id"]), [columns[name] for name in TOKENS]
    charges = [
        columns["id"],
        (0,) * count,
        ("charge",) * count,
        *(columns[name] for name in _NAMES),
        columns["charge_pusd"],
        columns["usage_estimated"],
        [0 if outcome == "ok" else 1 for outcome in columns["outcome"]],
        *([tokens or 0 for tokens in counts] if None in counts else counts for counts in counted),
    ]
    costs = list(_costs(columns))
    uncounted = [(0,) * len(costs)] * len(("errors", *TOKENS))
    return charges, [*zip(*costs, strict=True), *uncounted] if costs else []


def _new(connection: Connection, batch: Sequence[RequestRow]) -> list[RequestRow]:
    """Return the exchanges that are not in the ledger yet, each once."""
    rows: dict[str, RequestRow] = {}
    for row in batch:
        rows.setdefault(row.id, row)
    for (known,) in connection.execute(_KNOWN.format(", ".join("?" * len(rows))), list(rows)).fetchall():
        del rows[known]
    return list(rows.values())


def _costs(columns: Columns) -> Iterator[tuple[Any, ...]]:
    """Yield what each attempt cost, and behind an exchange's last the line by which its known lines balance.

    They are lines as `LINE` has them, but for errors and tokens, which stand on the line of the charge.
    """
    shared = (columns[name] for name in ("id", "ts_ms", "owner_id", "key_id", "charge_pusd", "attempts"))
    for exchange_id, ts_ms, owner_id, key_id, charge, attempts in zip(*shared, strict=True):
        number, rest, known = 1, charge or 0, charge is not None
        for attempt in attempts:
            cost = attempt.cost_pusd
            if cost == 0:
                continue
            if cost is None:
                amount, known = None, False
            else:
                amount = -cost
                rest += amount
            yield (
                exchange_id,
                number,
                "cost",
                ts_ms,
                owner_id,
                key_id,
                attempt.account_id,
                attempt.preset,
                attempt.model,
                amount,
                attempt.estimated,
            )
            number += 1
        if known and rest:
            nobody = (None, None, None)
            yield (exchange_id, number, "adjust", ts_ms, owner_id, key_id, *nobody, -rest, False)


def _rollups(groups: Sequence[Alike], costs: Lines) -> dict[tuple[Any, ...], list[Sequence[int]]]:
    """Return what is to be added under each key: charges as they are grouped, and the lines of `costs`."""
    sums: dict[tuple[Any, ...], list[Sequence[int]]] = defaultdict(list)
    for group in groups:
        requests, errors, *tokens, _, _, _, high, low, unknown = group.sums
        key = (group.quarter_ms - group.quarter_ms % DAY_MS, group.owner_id, *group.names[: len(_KEY) - 2])
        sums[key].append((requests, errors, *tokens, 0, 0, high * MILLION + low, unknown))
    for (kind, day, owner_id, *named), amounts in _amounts(costs):
        if kind == "cost":
            key = (day, owner_id, *[name or "" for name in named])
            sums[key].append((*_NOTHING, -sum(filter(None, amounts)), amounts.count(None), 0, 0))
    return sums


def _amounts(costs: Lines) -> Iterator[tuple[tuple[Any, ...], Sequence[int | None]]]:
    """Yield the amounts of `costs` with their kind, their day and whose they are."""
    if costs:
        days = [ts_ms - ts_ms % DAY_MS for ts_ms in costs[_TIME]]
        for key, places in grouped([costs[_KIND], days, *costs[_NAMED]]).items():
            yield key, taken(costs[_AMOUNT], places)


def _spend(place: Place, connection: Connection, columns: Columns) -> None:
    """Enter what exchanges used of budgets, and settle it."""
    spent: list[tuple[Any, ...]] = []
    settled: dict[tuple[Any, ...], list[Any]] = {}
    shared = (columns[name] for name in ("id", "ts_ms", "owner_id", "budgets"))
    for exchange_id, ts_ms, owner_id, budgets in zip(*shared, strict=True):
        for one in budgets:
            key = (one.budget_id, one.start_ms, one.holder)
            spent.append((exchange_id, *key, owner_id, "charge", ts_ms, one.amount))
            settled.setdefault(key, [*key, owner_id, 0, 0, ts_ms])[-2] += one.amount
    place.insert(connection, _SPENT, list(zip(*spent, strict=True)))
    place.insert(connection, _SETTLED, list(zip(*settled.values(), strict=True)))


__all__ = ["LEDGER", "LINE", "SUMS", "Columns", "Lines", "enter", "lines_of"]
