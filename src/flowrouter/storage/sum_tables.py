"""The tables of sums over the request log: by day and everything one chooses by, and by the hour for charts.

What a request did not have is an empty text: columns of a key cannot be NULL. Money is kept in two halves, whole
micro-USD and what is left in pico-USD, since a sum of pico-USD alone would end at nine million dollars.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Index,
    PrimaryKeyConstraint,
    Table,
    Text,
    case,
    func,
)

from flowrouter.storage.request_sums import DAY_KEY, MILLION, MONEY, SLOT_KEY, SUMS, TOKENS
from flowrouter.storage.tables import metadata, requests


def _amounts() -> list[Column[int]]:
    return [Column(name, BigInteger, nullable=False) for name in SUMS]


request_days = Table(
    "request_days",
    metadata,
    Column("day_ms", BigInteger, nullable=False),
    Column("owner_id", Text, nullable=False),
    Column("key_id", Text, nullable=False),
    Column("account_id", Text, nullable=False),
    Column("preset", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("client_dialect", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    *_amounts(),
    PrimaryKeyConstraint(*DAY_KEY),
)
"""Days are UTC's."""

request_slots = Table(
    "request_slots",
    metadata,
    Column("width_ms", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("slot_ms", BigInteger, nullable=False),
    Column("owner_id", Text, nullable=False),
    *_amounts(),
    PrimaryKeyConstraint(*SLOT_KEY),
)
"""Of `kind` (a column of requests) the sums of one `name` in a stretch of `width_ms`; of no kind, all of it."""

Index(None, request_slots.c.width_ms, request_slots.c.kind, request_slots.c.slot_ms)


def of_rows(columns: Any = requests.c) -> list[ColumnElement[Any]]:
    """Return the same sums, in their order, out of the rows of the request log, or of some of them."""
    errors = func.sum(case((columns.outcome == "ok", 0), else_=1))
    sums: list[ColumnElement[Any]] = [func.count(), func.coalesce(errors, 0)]
    sums += [func.coalesce(func.sum(columns[name]), 0) for name in TOKENS]
    for name in MONEY:
        amount = columns[f"{name}_pusd"]
        sums += [func.coalesce(func.sum(half), 0) for half in (amount // MILLION, amount % MILLION)]
        sums.append(func.count() - func.count(amount))
    return sums


__all__ = ["of_rows", "request_days", "request_slots"]
