"""A budget in force: whose it is, and how much of it is drawn at a time."""

from __future__ import annotations

from functools import lru_cache

import msgspec

from flowrouter.httpkit.keys import LOCAL_OWNER
from flowrouter.settings.budgets import Budget

BLOCK_SHARE = 50
"""A block is this part of a budget."""

BLOCK_PUSD = 250_000_000_000
"""The largest block of a budget in USD: $0.25."""


class Limit(msgspec.Struct, frozen=True, kw_only=True):
    """One budget in force: its name in the store, whose it is in words."""

    id: str
    whose: str
    owner_id: str
    budget: Budget

    @property
    def amount(self) -> int:
        """Return its amount in what is counted."""
        return self.budget.limit

    @property
    def block(self) -> int:
        """Return how much is drawn at a time at least."""
        part = max(1, self.amount // BLOCK_SHARE)
        return min(part, BLOCK_PUSD) if self.budget.metric == "usd" else part


@lru_cache(maxsize=4096)
def key_limits(budgets: tuple[Budget, ...], key_id: str, *, name: str, owner_id: str) -> tuple[Limit, ...]:
    """Return the budgets of one key."""
    return tuple(
        Limit(
            id=f"key:{key_id}:{budget.metric}:{budget.period}",
            whose=f"the gateway key {name!r}",
            owner_id=owner_id,
            budget=budget,
        )
        for budget in budgets
    )


def gateway_limit(name: str, budget: Budget) -> Limit:
    """Return a budget of the whole gateway, under the name its owner gave it."""
    return Limit(
        id=f"gateway:{name}:{budget.metric}:{budget.period}",
        whose=f"this gateway ({name!r})",
        owner_id=LOCAL_OWNER,
        budget=budget,
    )


__all__ = ["BLOCK_PUSD", "BLOCK_SHARE", "Limit", "gateway_limit", "key_limits"]
