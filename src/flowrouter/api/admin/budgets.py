"""`/api/budgets`: what keys and the gateway may spend, and how much of it is spent, held and left."""

from __future__ import annotations

import msgspec

from flowrouter.api.admin.call import Call, missing
from flowrouter.api.admin.envelope import Reply
from flowrouter.api.admin.paging import paged
from flowrouter.gateway.budget_states import BudgetState, Named, all_limits, held_of, state_of
from flowrouter.gateway.periods import span_of


class Released(msgspec.Struct, frozen=True, kw_only=True):
    """What was given back: amounts that processes which are no more had drawn and not settled."""

    id: str
    released: int


async def list_budgets(call: Call) -> Reply:
    """Return every budget in its present period."""
    rows = [await _state(named, call) for named in await _limits(call)]
    return paged(rows, call.query, key=lambda row: (row.id,))


async def get_budget(call: Call) -> Reply:
    """Return one budget in its present period."""
    return Reply(data=await _state(await _named(call), call))


async def release_budget(call: Call) -> Reply:
    """Give back what crashed processes had drawn of a budget, when it is known that they did not spend it."""
    named, now_ms = await _named(call), int(call.deps.clock.now() * 1000)
    found = await call.ask(lambda store: store.ledger.release(now_ms=now_ms, budget_id=named.limit.id))
    return Reply(data=Released(id=named.limit.id, released=found.get(named.limit.id, 0)))


async def _limits(call: Call) -> list[Named]:
    owner = call.visitor.owner_id
    keys = await call.ask(lambda store: store.keys.list(owner_id=owner))
    return all_limits(keys, call.deps.world(), whole=call.visitor.is_operator)


async def _named(call: Call) -> Named:
    for named in await _limits(call):
        if named.limit.id == call.rest:
            return named
    raise missing(f"no budget {call.rest[:100]}", code="budget_not_found")


async def _state(named: Named, call: Call) -> BudgetState:
    now = call.deps.clock.now()
    start_ms = span_of(named.limit.budget, now).start_ms
    stands = await call.ask(
        lambda store: store.ledger.standing(
            named.limit.id, start_ms, now_ms=int(now * 1000), holder=call.deps.holder
        )
    )
    return state_of(named, stands, await held_of(named.limit, call.deps.state), now=now)


__all__ = ["Released", "get_budget", "list_budgets", "release_budget"]
