"""The request log's values: one exchange as it is stored, and what people ask of many.

Times are integer milliseconds since the epoch (`*_ms`), money is integer pico-USD (`*_pusd`), and
None means unknown, never zero.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from flowrouter.canonical.dialect import Dialect
from flowrouter.canonical.loss import Loss

Outcome = Literal["ok", "error", "cancelled", "partial"]
Lane = Literal["passthrough", "translate"]


class AttemptRow(msgspec.Struct, frozen=True, omit_defaults=True):
    """One try at a target, as the log keeps it; times are relative to the exchange's start.

    `estimated` marks counts, and the cost they make, that are ours; `charge_pusd` is what of the cost
    counts against the caller.
    """

    account_id: str
    preset: str
    model: str
    dialect: Dialect
    outcome: str
    status: int | None = None
    error: str | None = None
    started_ms: int = 0
    duration_ms: int | None = None
    input_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    output_tokens: int | None = None
    reasoning_tokens: int | None = None
    estimated: bool = False
    cost_pusd: int | None = None
    charge_pusd: int | None = None


class BudgetLine(msgspec.Struct, frozen=True, kw_only=True):
    """What of a budget's period an exchange used, out of what `holder` had drawn; in the budget's own units."""

    budget_id: str
    start_ms: int
    holder: str
    amount: int


class RequestRow(msgspec.Struct, frozen=True):
    """One finished exchange. `status` is what our client got; `receipt` is what `receipt_rows` reads, or None.

    `input_tokens` excludes both cache counts. `cost_pusd` is what all attempts together are believed to
    have cost, `charge_pusd` what of it counts against the caller. `combo` is the one that was asked for,
    `finish` why the answer ended, `tools` the names of those it called, with commas.
    `budgets` is what of them it used. `error_text` is short and holds no secret.
    """

    id: str
    ts_ms: int
    owner_id: str
    key_id: str | None
    client: str | None
    client_dialect: Dialect
    endpoint: str
    requested_model: str | None
    account_id: str | None
    preset: str | None
    model: str | None
    dialect: Dialect | None
    stream: bool
    lane: Lane | None
    status: int
    outcome: Outcome
    error_type: str | None = None
    error_text: str | None = None
    attempts: tuple[AttemptRow, ...] = ()
    losses: tuple[Loss, ...] = ()
    ttft_ms: int | None = None
    duration_ms: int | None = None
    overhead_us: int | None = None
    input_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    cache_write_1h_tokens: int | None = None
    output_tokens: int | None = None
    reasoning_tokens: int | None = None
    usage_estimated: bool = False
    cost_pusd: int | None = None
    charge_pusd: int | None = None
    session_id: str | None = None
    request_bytes: int | None = None
    response_bytes: int | None = None
    combo: str | None = None
    finish: str | None = None
    tools: str | None = None
    budgets: tuple[BudgetLine, ...] = ()
    receipt: bytes | None = None


class LogHealth(msgspec.Struct, frozen=True, kw_only=True):
    """The request log's state for readiness: rows waiting, set aside on disk, and given up."""

    queued: int
    spilled: int
    rejected: int
    lost: int
    last_error: str | None


class RequestFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which requests to list; None means any. `since_ms` is included, `until_ms` is not."""

    owner_id: str | None = None
    key_id: str | None = None
    account_id: str | None = None
    preset: str | None = None
    model: str | None = None
    client_dialect: Dialect | None = None
    outcome: Outcome | None = None
    session_id: str | None = None
    since_ms: int | None = None
    until_ms: int | None = None


class RequestPage(msgspec.Struct, frozen=True, kw_only=True):
    """Requests, newest first, without receipts; `next_cursor` None means the end."""

    rows: tuple[RequestRow, ...]
    next_cursor: str | None


UsageGroup = Literal[
    "total",
    "day",
    "hour",
    "model",
    "preset",
    "account",
    "key",
    "client",
    "outcome",
    "combo",
    "session",
    "dialect",
]


class UsageLine(msgspec.Struct, frozen=True, kw_only=True):
    """Sums over the requests of one group; `group` is its name, for time groups its start in ms.

    `cost_pusd` and `charge_pusd` sum the known amounts; `cost_unknown` and `charge_unknown` count
    the requests without one.
    """

    group: str | int | None
    requests: int
    errors: int
    input_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    output_tokens: int
    reasoning_tokens: int
    cost_pusd: int
    cost_unknown: int
    charge_pusd: int
    charge_unknown: int


__all__ = [
    "AttemptRow",
    "BudgetLine",
    "Lane",
    "LogHealth",
    "Outcome",
    "RequestFilter",
    "RequestPage",
    "RequestRow",
    "UsageGroup",
    "UsageLine",
]
