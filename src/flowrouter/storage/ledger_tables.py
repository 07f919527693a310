"""The tables of the ledger, of its sums by day, and of what budgets have given out.

An empty text in a sum stands for what an exchange did not have: columns of a key cannot be NULL.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, PrimaryKeyConstraint, Table, Text

from flowrouter.storage.tables import metadata

ledger = Table(
    "ledger",
    metadata,
    Column("exchange_id", Text, nullable=False),
    Column("line", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("ts_ms", BigInteger, nullable=False),
    Column("owner_id", Text, nullable=False),
    Column("key_id", Text),
    Column("account_id", Text),
    Column("preset", Text),
    Column("model", Text),
    Column("amount_pusd", BigInteger),
    Column("estimated", Boolean, nullable=False),
    Column("errors", Integer, nullable=False),
    Column("input_tokens", BigInteger, nullable=False),
    Column("cache_read_tokens", BigInteger, nullable=False),
    Column("cache_write_tokens", BigInteger, nullable=False),
    Column("output_tokens", BigInteger, nullable=False),
    Column("reasoning_tokens", BigInteger, nullable=False),
    PrimaryKeyConstraint("exchange_id", "line"),
)
Index(None, ledger.c.ts_ms)

rollups = Table(
    "rollups",
    metadata,
    Column("day_ms", BigInteger, nullable=False),
    Column("owner_id", Text, nullable=False),
    Column("key_id", Text, nullable=False),
    Column("account_id", Text, nullable=False),
    Column("preset", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("requests", BigInteger, nullable=False),
    Column("errors", BigInteger, nullable=False),
    Column("input_tokens", BigInteger, nullable=False),
    Column("cache_read_tokens", BigInteger, nullable=False),
    Column("cache_write_tokens", BigInteger, nullable=False),
    Column("output_tokens", BigInteger, nullable=False),
    Column("reasoning_tokens", BigInteger, nullable=False),
    Column("cost_pusd", BigInteger, nullable=False),
    Column("cost_unknown", BigInteger, nullable=False),
    Column("charge_pusd", BigInteger, nullable=False),
    Column("charge_unknown", BigInteger, nullable=False),
    PrimaryKeyConstraint("day_ms", "owner_id", "key_id", "account_id", "preset", "model"),
)

budget_blocks = Table(
    "budget_blocks",
    metadata,
    Column("budget_id", Text, nullable=False),
    Column("start_ms", BigInteger, nullable=False),
    Column("holder", Text, nullable=False),
    Column("owner_id", Text, nullable=False),
    Column("drawn", BigInteger, nullable=False),
    Column("settled", BigInteger, nullable=False),
    Column("seen_at_ms", BigInteger, nullable=False),
    PrimaryKeyConstraint("budget_id", "start_ms", "holder"),
)

budget_lines = Table(
    "budget_lines",
    metadata,
    Column("exchange_id", Text, nullable=False),
    Column("budget_id", Text, nullable=False),
    Column("start_ms", BigInteger, nullable=False),
    Column("holder", Text, nullable=False),
    Column("owner_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("ts_ms", BigInteger, nullable=False),
    Column("amount", BigInteger, nullable=False),
    PrimaryKeyConstraint("exchange_id", "budget_id"),
)
Index(None, budget_lines.c.ts_ms)

__all__ = ["budget_blocks", "budget_lines", "ledger", "rollups"]
