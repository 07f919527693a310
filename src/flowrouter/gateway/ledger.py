"""The books of money: what each exchange cost and charged, and what budgets have given out.

A ledger is append-only. The lines of one exchange, told apart by its id, balance: `cost` (negative, what
providers are believed to take) + `charge` (what counts against the caller) + `adjust` (what the house bears)
come to 0. Where a price is unknown the amount is None and the exchange is left out of that sum.

Budgets are drawn on in blocks. `drawn` is what a process has taken out of a budget, `settled` what of it
ended in the ledger; the difference is in its hands, and lost with it: then it counts as spent.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

import msgspec

from flowrouter.gateway.records import RequestRow

Kind = Literal["cost", "charge", "adjust"]


class LedgerLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line; `amount_pusd` None is unknown. Tokens and errors stand on the line of the charge only."""

    exchange_id: str
    line: int
    kind: Kind
    ts_ms: int
    owner_id: str
    key_id: str | None = None
    account_id: str | None = None
    preset: str | None = None
    model: str | None = None
    amount_pusd: int | None = 0
    estimated: bool = False
    errors: int = 0
    input_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0


class Drawn(msgspec.Struct, frozen=True, kw_only=True):
    """What a draw gave, and how the budget then stands: `committed` is all that is taken out.

    `uncertain` is what of it was in the hands of processes that are no more, `others` what is in those of others.
    """

    granted: int
    committed: int
    settled: int
    uncertain: int
    others: int = 0


class Drawing(msgspec.Struct, frozen=True, kw_only=True):
    """Which budget is drawn on, for which period, by which process."""

    budget_id: str
    start_ms: int
    holder: str
    owner_id: str


class BudgetBook(Protocol):
    """The durable counters of budgets."""

    async def draw(
        self, drawing: Drawing, *, limit: int, least: int, most: int, now_ms: int, force: bool = False
    ) -> Drawn:
        """Take up to `most` out of what is left of `limit`, nothing where that is less than `least`.

        With `force` all of `most`, whatever is left. Raises `StorageError`.
        """
        ...

    async def give_back(self, drawing: Drawing, amount: int, *, now_ms: int) -> None:
        """Put back what was drawn and not used; raises `StorageError`."""
        ...


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that does not add up: the check, what it is about, and a sentence."""

    check: Literal["balance", "gap", "rollup", "budget"]
    subject: str
    message: str


class Verification(msgspec.Struct, frozen=True, kw_only=True):
    """What a check of the books found; `findings` are bounded, `faults` counts them all.

    `uncertain` lists budgets with amounts in the hands of processes that are no more, by id.
    """

    exchanges: int
    lines: int
    rollups: int
    budgets: int
    unknown: int
    faults: int
    findings: tuple[Finding, ...] = ()
    uncertain: dict[str, int] = {}


class Ledger(Protocol):
    """The books, for people; all methods block."""

    def verify(self, *, now_ms: int) -> Verification:
        """Return whether sums, gaps, roll-ups and budgets are as they should be."""
        ...

    def release(self, *, now_ms: int, budget_id: str | None = None) -> dict[str, int]:
        """Put back what processes that are no more had in their hands; return the amounts by budget."""
        ...

    def standing(self, budget_id: str, start_ms: int, *, now_ms: int, holder: str = "") -> Drawn:
        """Return how a budget stands in the period that began at `start_ms`, as `holder` knows it."""
        ...


def lines_of(row: RequestRow) -> list[LedgerLine]:
    """Return the ledger lines of one exchange: its charge first, then what each attempt cost."""
    common = {"exchange_id": row.id, "ts_ms": row.ts_ms, "owner_id": row.owner_id, "key_id": row.key_id}
    lines = [
        LedgerLine(
            **common,
            line=0,
            kind="charge",
            account_id=row.account_id,
            preset=row.preset,
            model=row.model,
            amount_pusd=row.charge_pusd,
            estimated=row.usage_estimated,
            errors=int(row.outcome != "ok"),
            input_tokens=row.input_tokens or 0,
            cache_read_tokens=row.cache_read_tokens or 0,
            cache_write_tokens=row.cache_write_tokens or 0,
            output_tokens=row.output_tokens or 0,
            reasoning_tokens=row.reasoning_tokens or 0,
        )
    ]
    for attempt in row.attempts:
        if attempt.cost_pusd == 0:
            continue
        lines.append(
            LedgerLine(
                **common,
                line=len(lines),
                kind="cost",
                account_id=attempt.account_id,
                preset=attempt.preset,
                model=attempt.model,
                amount_pusd=None if attempt.cost_pusd is None else -attempt.cost_pusd,
                estimated=attempt.estimated,
            )
        )
    return [*lines, *_adjusted(lines, common)]


def _adjusted(lines: Sequence[LedgerLine], common: dict[str, object]) -> list[LedgerLine]:
    """Return the line by which the others balance, where they are known and do not yet."""
    amounts = [line.amount_pusd for line in lines]
    known = [amount for amount in amounts if amount is not None]
    if len(known) < len(amounts) or not sum(known):
        return []
    return [LedgerLine(**common, line=len(lines), kind="adjust", amount_pusd=-sum(known))]  # type: ignore[arg-type]


__all__ = [
    "BudgetBook", "Drawing", "Drawn", "Finding", "Kind", "Ledger", "LedgerLine", "Verification", "lines_of",
]  # fmt: skip
