"""Cost and charge as values: of one attempt, and of the exchange it belongs to; pico-USD. And what budgets see."""

from __future__ import annotations

import msgspec

from flowrouter.canonical.usage import Usage


class AttemptCost(msgspec.Struct, frozen=True):
    """Of one attempt: the usage it is billed by and the pico-USD (None: unknown)."""

    usage: Usage | None = None
    cost: int | None = 0
    charge: int | None = 0


class Costs(msgspec.Struct, frozen=True):
    """Of the whole exchange, with its attempts in their order; pico-USD."""

    attempts: tuple[AttemptCost, ...] = ()
    cost: int | None = 0
    charge: int | None = 0


class Used(msgspec.Struct, frozen=True, kw_only=True):
    """What counts of an exchange: whether anything, its tokens (None: nobody knows).

    `at_most` is the output that it may have had where no provider counted it, None where one did.
    """

    counts: bool
    tokens: int | None
    at_most: int | None = None


__all__ = ["AttemptCost", "Costs", "Used"]
