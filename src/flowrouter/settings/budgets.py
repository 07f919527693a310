"""The shape of a budget: what may be spent in a period, and what happens when it is.

A setting of keys (`KeyPolicy.budgets`) and of the whole gateway (`[budgets.NAME]`).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

import msgspec

Metric = Literal["usd", "tokens", "requests"]
Period = Literal["day", "week", "month"]
Mode = Literal["hard", "soft"]

PICO = 12
"""USD are kept in units of 10⁻¹²."""

_MOST = 2**62
"""What counters can hold, with room for a sum of two."""


class Budget(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """So much of `metric` in each `period`, which begins at midnight in `zone` (weeks on Monday).

    `hard` is never overspent: what a request may cost is held before it is sent, its answer is limited to
    what is left. `soft` holds less and lets answers end. `warn` is the part of it at which callers are warned.
    Once it is used up requests are refused, or `downgrade` (a model, a combo) is asked instead.
    `unpriced`: whether models whose price is unknown may be used under a budget in USD.
    """

    amount: Decimal
    metric: Metric = "usd"
    period: Period = "month"
    mode: Mode = "soft"
    warn: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.8
    downgrade: Annotated[str, msgspec.Meta(min_length=1, max_length=200)] | None = None
    unpriced: Literal["allow", "refuse"] = "refuse"
    zone: Annotated[str, msgspec.Meta(max_length=60)] = "UTC"

    def __post_init__(self) -> None:
        if not self.amount.is_finite() or self.amount <= 0:
            raise ValueError("a budget's amount is more than 0")
        if self.amount > _MOST or not 0 < self.limit < _MOST:
            raise ValueError(f"{self.amount} {self.metric} is no budget that can be counted")
        if self.metric != "usd" and self.amount != self.amount.to_integral_value():
            raise ValueError(f"a budget of {self.metric} is a whole number")
        if self.downgrade is not None and self.mode == "hard" and self.metric != "usd":
            raise ValueError(
                "another model saves no tokens and no requests: `downgrade` needs USD, or `soft`"
            )
        if self.zone != "UTC":
            _check_zone(self.zone)

    @property
    def limit(self) -> int:
        """Return the amount in what is counted: pico-USD, tokens or requests."""
        return int(self.amount.scaleb(PICO)) if self.metric == "usd" else int(self.amount)


def _check_zone(zone: str) -> None:
    from zoneinfo import ZoneInfo

    try:
        ZoneInfo(zone)
    except (OSError, ValueError) as error:
        raise ValueError(f"{zone!r} is no time zone; write one as `Europe/Berlin`") from error
    except KeyError:  # what zoneinfo raises for a name it does not know
        raise ValueError(f"{zone!r} is no time zone; write one as `Europe/Berlin`") from None


__all__ = ["Budget", "Metric", "Mode", "Period"]
