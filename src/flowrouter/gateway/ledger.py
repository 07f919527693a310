"""The books of money: what each exchange cost and charged, and what budgets have given out.

A ledger is append-only. The lines of one exchange, told apart by its id, balance: `cost` (negative, what
providers are believed to take) + `charge` (what counts against the caller) + `adjust` (what the house bears)
come to 0. Where a price is unknown the amount is None and the exchange is left out of that sum.

Budgets are drawn on in blocks. `drawn` is what a process has taken out of a budget, `settled` what of it
ended in the ledger; the difference is in its hands, and lost with it: then it counts as spent.
"""

from __future__ import annotations

from typing import Literal, Protocol

import msgspec


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


__all__ = ["BudgetBook", "Drawing", "Drawn", "Finding", "Ledger", "Verification"]
