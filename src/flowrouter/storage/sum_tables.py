"""The tables of sums over the request log: by day and everything one chooses by, and by the hour for charts.

What a request did not have is an empty text: columns of a key cannot be NULL. Money is kept in two halves, whole
micro-USD and what is left in pico-USD, since a sum of pico-USD alone would end at nine million dollars.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, PrimaryKeyConstraint, Table, Text

from flowrouter.storage.tables import metadata


def _amounts() -> list[Column[int]]:
    return [
        Column(name, BigInteger, nullable=False)
        for name in (
            "requests", "errors", "input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens",
            "reasoning_tokens", "cost_high", "cost_low", "cost_unknown", "charge_high", "charge_low",
            "charge_unknown",
        )
    ]  # fmt: skip


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
    PrimaryKeyConstraint(
        "day_ms", "owner_id", "key_id", "account_id", "preset", "model", "client_dialect", "outcome"
    ),
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
    PrimaryKeyConstraint("width_ms", "kind", "name", "slot_ms", "owner_id"),
)
"""Of `kind` (a column of requests) the sums of one `name` in a stretch of `width_ms`; of no kind, all of it."""

Index(None, request_slots.c.width_ms, request_slots.c.kind, request_slots.c.slot_ms)

__all__ = ["request_days", "request_slots"]
