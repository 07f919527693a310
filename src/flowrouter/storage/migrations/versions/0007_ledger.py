"""Keep the ledger, its sums by day, and what budgets have given out; requests know combo, end and tools.

What the request log holds already is entered, the cost of an exchange as one line at its last account.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

# ruff: noqa: S608 - all names are our own
revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_TOKENS = ("input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens", "reasoning_tokens")
_KEY = ("day_ms", "owner_id", "key_id", "account_id", "preset", "model")
_SUMS = ("requests", "errors", *_TOKENS, "cost_pusd", "cost_unknown", "charge_pusd", "charge_unknown")


def upgrade() -> None:
    """Add columns and tables, and enter what is known."""
    for name in ("combo", "finish", "tools"):
        op.add_column("requests", sa.Column(name, sa.Text()))
    op.create_table(
        "ledger",
        *_texts("exchange_id"),
        sa.Column("line", sa.Integer(), nullable=False),
        *_texts("kind"),
        sa.Column("ts_ms", sa.BigInteger(), nullable=False),
        *_texts("owner_id"),
        *(sa.Column(name, sa.Text()) for name in ("key_id", "account_id", "preset", "model")),
        sa.Column("amount_pusd", sa.BigInteger()),
        sa.Column("estimated", sa.Boolean(), nullable=False),
        sa.Column("errors", sa.Integer(), nullable=False),
        *_numbers(*_TOKENS),
        sa.PrimaryKeyConstraint("exchange_id", "line", name="pk_ledger"),
    )
    op.create_index("ix_ledger_ts_ms", "ledger", ["ts_ms"])
    op.create_table(
        "rollups",
        *_numbers("day_ms"),
        *_texts(*_KEY[1:]),
        *_numbers(*_SUMS),
        sa.PrimaryKeyConstraint(*_KEY, name="pk_rollups"),
    )
    op.create_table(
        "budget_blocks",
        *_texts("budget_id"),
        *_numbers("start_ms"),
        *_texts("holder", "owner_id"),
        *_numbers("drawn", "settled", "seen_at_ms"),
        sa.PrimaryKeyConstraint("budget_id", "start_ms", "holder", name="pk_budget_blocks"),
    )
    op.create_table(
        "budget_lines",
        *_texts("exchange_id", "budget_id"),
        *_numbers("start_ms"),
        *_texts("holder", "owner_id", "kind"),
        *_numbers("ts_ms", "amount"),
        sa.PrimaryKeyConstraint("exchange_id", "budget_id", name="pk_budget_lines"),
    )
    op.create_index("ix_budget_lines_ts_ms", "budget_lines", ["ts_ms"])
    _enter()


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def _numbers(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.BigInteger(), nullable=False) for name in names]


def _enter() -> None:
    common = "ts_ms, owner_id, key_id, account_id, preset, model"
    tokens = ", ".join(_TOKENS)
    counted = ", ".join(f"COALESCE({name}, 0)" for name in _TOKENS)
    into = f"INSERT INTO ledger (exchange_id, line, kind, {common}, amount_pusd, estimated, errors, {tokens})"
    failed = "CASE WHEN outcome = 'ok' THEN 0 ELSE 1 END"
    uncounted = "0, 0, 0, 0, 0"
    op.execute(
        f"{into} SELECT id, 0, 'charge', {common}, charge_pusd, usage_estimated, {failed}, {counted}"
        " FROM requests"
    )
    op.execute(
        f"{into} SELECT id, 1, 'cost', {common}, -cost_pusd, usage_estimated, 0, {uncounted}"
        " FROM requests WHERE cost_pusd IS NULL OR cost_pusd <> 0"
    )
    op.execute(
        f"{into} SELECT id, 2, 'adjust', {common}, cost_pusd - charge_pusd, usage_estimated, 0, {uncounted}"
        " FROM requests WHERE cost_pusd <> charge_pusd"
    )
    cost, charge = "kind = 'cost'", "kind = 'charge'"
    named = ", ".join(f"COALESCE({name}, '')" for name in _KEY[2:])
    op.execute(
        f"INSERT INTO rollups ({', '.join((*_KEY, *_SUMS))})"
        f" SELECT ts_ms - ts_ms % 86400000, owner_id, {named}, SUM(CASE WHEN {charge} THEN 1 ELSE 0 END),"
        f" SUM(errors), {', '.join(f'SUM({name})' for name in _TOKENS)},"
        f" -COALESCE(SUM(CASE WHEN {cost} THEN amount_pusd END), 0),"
        f" SUM(CASE WHEN {cost} AND amount_pusd IS NULL THEN 1 ELSE 0 END),"
        f" COALESCE(SUM(CASE WHEN {charge} THEN amount_pusd END), 0),"
        f" SUM(CASE WHEN {charge} AND amount_pusd IS NULL THEN 1 ELSE 0 END)"
        f" FROM ledger WHERE kind <> 'adjust' GROUP BY ts_ms - ts_ms % 86400000, owner_id, {named}"
    )
