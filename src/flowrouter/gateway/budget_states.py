"""How budgets stand in their present period, for people: spent, in use, left, and when it runs out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec

from flowrouter.errors import StorageError
from flowrouter.gateway.budgets import hold_key, told
from flowrouter.gateway.ledger import Drawn
from flowrouter.gateway.limit import Limit, key_limits
from flowrouter.gateway.periods import Span, span_of
from flowrouter.gateway.ports import StateStore
from flowrouter.gateway.world import World
from flowrouter.httpkit.keys import GatewayKey
from flowrouter.settings.budgets import Budget
from flowrouter.usage.pricing import usd

State = Literal["ok", "warning", "used_up"]

_SURE = 0.02
"""The part of a period below which its pace says nothing about the rest."""


class BudgetState(msgspec.Struct, frozen=True, kw_only=True):
    """One budget in its present period; amounts in what its metric counts, in USD 10⁻¹² of one.

    `spent` is settled, `held` reserved by requests in flight, `uncertain` was in the hands of processes that
    are no more and counts as spent, `left` is what is neither. `forecast` is what the period comes to at the
    present pace, `runs_out_ms` when it is used up at that pace; null where that is not in this period.
    """

    id: str
    of: Literal["key", "gateway"]
    name: str
    key_id: str | None
    owner_id: str
    budget: Budget
    limit: int
    spent: int
    held: int
    uncertain: int
    left: int
    state: State
    starts_at_ms: int
    resets_at_ms: int
    forecast: int | None
    runs_out_ms: int | None
    spent_usd: str | None
    left_usd: str | None
    summary: str


class Named(msgspec.Struct, frozen=True, kw_only=True):
    """A budget and what people call whom it binds."""

    limit: Limit
    name: str
    key_id: str | None = None


def all_limits(keys: Iterable[GatewayKey], world: World, *, whole: bool) -> list[Named]:
    """Return the budgets of live keys and, with `whole`, those of the gateway."""
    found = [
        Named(limit=limit, name=key.name, key_id=key.id)
        for key in keys
        if key.revoked_at_ms is None
        for limit in key_limits(key.policy.budgets, key.id, name=key.name, owner_id=key.owner_id)
    ]
    if whole:
        found += [Named(limit=limit, name=limit.id.split(":")[1]) for limit in world.budgets]
    return found


async def held_of(limit: Limit, state: StateStore) -> int:
    """Return what requests in flight hold of a budget, at all workers; 0 while nobody can tell."""
    try:
        holds = await state.scan(hold_key(limit.id, ""))
    except StorageError:
        return 0
    return sum(int(amount) for amount in holds.values())


def state_of(named: Named, stands: Drawn, held: int, *, now: float) -> BudgetState:
    """Return how a budget stands."""
    limit = named.limit
    span = span_of(limit.budget, now)
    used = stands.settled + stands.uncertain
    left = max(0, limit.amount - used - held)
    forecast, ends = _forecast(used, limit.amount, span=span, now=now)
    money = limit.budget.metric == "usd"
    state: State = "ok"
    if used >= limit.amount:
        state = "used_up"
    elif used >= limit.budget.warn * limit.amount:
        state = "warning"
    return BudgetState(
        id=limit.id,
        of="key" if named.key_id is not None else "gateway",
        name=named.name,
        key_id=named.key_id,
        owner_id=limit.owner_id,
        budget=limit.budget,
        limit=limit.amount,
        spent=stands.settled,
        held=held,
        uncertain=stands.uncertain,
        left=left,
        state=state,
        starts_at_ms=span.start_ms,
        resets_at_ms=int(span.end * 1000),
        forecast=forecast,
        runs_out_ms=ends,
        spent_usd=usd(stands.settled) if money else None,
        left_usd=usd(left) if money else None,
        summary=f"{told(limit.budget, used)} of {told(limit.budget, limit.amount)} a {limit.budget.period}",
    )


def _forecast(used: int, amount: int, *, span: Span, now: float) -> tuple[int | None, int | None]:
    """Return what the period comes to at the pace so far, and when the budget ends (ms), if in the period."""
    passed = (now - span.start) / (span.end - span.start)
    if passed < _SURE:
        return None, None
    comes_to = round(used / passed)
    if comes_to <= amount or not used:
        return comes_to, None
    return comes_to, int((span.start + (now - span.start) * amount / used) * 1000)


__all__ = ["BudgetState", "Named", "all_limits", "held_of", "state_of"]
