"""What the owner of a gateway key decided for its requests: what it may use, how much, and how they are treated.

All of it is data, stored as one JSON object with the key and read by strict types: a policy that this
version does not understand makes its key useless rather than free (`storage.rows`).
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from flowrouter.canonical.capabilities import Unsupported
from flowrouter.canonical.dialect import Dialect
from flowrouter.settings.budgets import Budget
from flowrouter.settings.routing import Completion

Glob = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
"""A name, or a pattern with `*`, `?` and `[…]`; case does not count."""

Globs = Annotated[tuple[Glob, ...], msgspec.Meta(max_length=200)]
Most = Annotated[int, msgspec.Meta(ge=1, le=10**15)]
Tag = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]


class KeyLimits(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """How much one key may ask for; None is no limit.

    Minutes and days are those of the clock, days in UTC. Tokens are all that was read and written, cached ones
    included. `concurrent` is how many requests may be in flight at a time.
    """

    requests_per_minute: Most | None = None
    requests_per_day: Most | None = None
    tokens_per_minute: Most | None = None
    tokens_per_day: Most | None = None
    concurrent: Most | None = None


NO_LIMITS = KeyLimits()
"""As much as there is."""


class KeyPolicy(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    cache_hash=True,  # what it lets a key use is looked up by it
):
    """What the owner decided for the requests of one key; None leaves it to the account or the program.

    `models` and `accounts` are globs of what it may use (empty: everything), `accounts` by an account's name or
    its provider's, `dialects` the ones it may speak. `limits`: how much at a time, `budgets`: how much in all.
    `unsupported`: what becomes of a
    value that a target cannot take (`auto`, `drop`, `refuse`). `responses_store`: whether answers of
    `/v1/responses` are kept for later requests that name them. `recording`: whether the bodies of its requests
    may be recorded. `completion`: what becomes of a stream that breaks (`complete`, `best_effort`, `error`).
    `tags` are what conditions of routing choose requests by.
    """

    models: Globs = ()
    accounts: Globs = ()
    dialects: tuple[Dialect, ...] = ()
    limits: KeyLimits = NO_LIMITS
    budgets: Annotated[tuple[Budget, ...], msgspec.Meta(max_length=8)] = ()
    unsupported: Unsupported | None = None
    responses_store: bool | None = None
    recording: bool | None = None
    completion: Completion | None = None
    tags: tuple[Tag, ...] = ()

    def __post_init__(self) -> None:
        if self.limits == NO_LIMITS:  # one object for none, which is told at a glance and left out as JSON
            msgspec.structs.force_setattr(self, "limits", NO_LIMITS)
        kinds = [(budget.metric, budget.period) for budget in self.budgets]
        if len(set(kinds)) < len(kinds):
            raise ValueError("two budgets of one metric and period: the smaller one would be all that counts")

    @property
    def bounded(self) -> bool:
        """Return whether it may use less than everything, dialects apart."""
        return bool(self.models or self.accounts)


NO_POLICY = KeyPolicy()
"""Nothing decided."""

__all__ = ["NO_LIMITS", "NO_POLICY", "Glob", "Globs", "KeyLimits", "KeyPolicy", "Most", "Tag"]
