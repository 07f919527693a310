"""Keep sums over the request log, by day and by the hour, and an index that answers several filters at once."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

# ruff: noqa: S608 - all names are our own
revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_KINDS = ("key_id", "account_id", "preset", "model", "client_dialect", "outcome")
_TOKENS = ("input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens", "reasoning_tokens")
_MONEY = ("cost", "charge")
_SUMS = (
    "requests",
    "errors",
    *_TOKENS,
    *(f"{name}_{part}" for name in _MONEY for part in ("high", "low", "unknown")),
)
_DAY, _HOUR, _QUARTER = 86_400_000, 3_600_000, 900_000
_SUMMED = ", ".join(
    [
        "COUNT(*)",
        "SUM(CASE WHEN outcome = 'ok' THEN 0 ELSE 1 END)",
        *(f"SUM(COALESCE({name}, 0))" for name in _TOKENS),
        *(
            f"SUM(COALESCE({name}_pusd, 0) / 1000000), SUM(COALESCE({name}_pusd, 0) % 1000000),"
            f" COUNT(*) - COUNT({name}_pusd)"
            for name in _MONEY
        ),
    ]
)


def upgrade() -> None:
    """Add the tables, enter what is known, and replace the index."""
    day = ("owner_id", *_KINDS)
    op.create_table(
        "request_days",
        *_numbers("day_ms"),
        *_texts(*day),
        *_numbers(*_SUMS),
        sa.PrimaryKeyConstraint("day_ms", *day, name="pk_request_days"),
    )
    op.create_table(
        "request_slots",
        *_numbers("width_ms"),
        *_texts("kind", "name"),
        *_numbers("slot_ms"),
        *_texts("owner_id"),
        *_numbers(*_SUMS),
        sa.PrimaryKeyConstraint("width_ms", "kind", "name", "slot_ms", "owner_id", name="pk_request_slots"),
    )
    op.create_index(
        "ix_request_slots_width_ms_kind_slot_ms", "request_slots", ["width_ms", "kind", "slot_ms"]
    )
    for statement in entering():
        op.execute(statement)
    op.drop_index("ix_requests_ts_ms_id", "requests")
    op.create_index("ix_requests_wide", "requests", ["ts_ms", "id", "owner_id", *_KINDS])


def entering() -> list[str]:
    """Return what enters the requests that there are; what can be is made of sums that are there already."""
    key = ", ".join([f"ts_ms - ts_ms % {_DAY}", "owner_id", *(f"COALESCE({name}, '')" for name in _KINDS)])
    into = f"INSERT INTO request_days (day_ms, owner_id, {', '.join(_KINDS)}, {', '.join(_SUMS)})"
    statements = [f"{into} SELECT {key}, {_SUMMED} FROM requests GROUP BY {key}"]
    again = ", ".join(f"SUM({name})" for name in _SUMS)
    into = f"INSERT INTO request_slots (width_ms, kind, name, slot_ms, owner_id, {', '.join(_SUMS)})"
    for kind in ("", *_KINDS):
        name, grouped = (kind, f"{kind}, day_ms") if kind else ("''", "day_ms")
        statements.append(
            f"{into} SELECT {_DAY}, '{kind}', {name}, day_ms, owner_id, {again}"
            f" FROM request_days GROUP BY {grouped}, owner_id"
        )
    for kind in (*_KINDS, "client", "combo"):
        name, slot = f"COALESCE({kind}, '')", f"ts_ms - ts_ms % {_HOUR}"
        statements.append(
            f"{into} SELECT {_HOUR}, '{kind}', {name}, {slot}, owner_id, {_SUMMED}"
            f" FROM requests GROUP BY {name}, {slot}, owner_id"
        )
    for kind in ("client", "combo"):
        slot = f"slot_ms - slot_ms % {_DAY}"
        statements.append(
            f"{into} SELECT {_DAY}, '{kind}', name, {slot}, owner_id, {again} FROM request_slots"
            f" WHERE width_ms = {_HOUR} AND kind = '{kind}' GROUP BY name, {slot}, owner_id"
        )
    slot = f"ts_ms - ts_ms % {_QUARTER}"
    statements.append(
        f"{into} SELECT {_QUARTER}, '', '', {slot}, owner_id, {_SUMMED} FROM requests GROUP BY {slot}, owner_id"
    )
    slot = f"slot_ms - slot_ms % {_HOUR}"
    statements.append(
        f"{into} SELECT {_HOUR}, '', '', {slot}, owner_id, {again} FROM request_slots"
        f" WHERE width_ms = {_QUARTER} GROUP BY {slot}, owner_id"
    )
    return statements


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def _numbers(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.BigInteger(), nullable=False) for name in names]
