"""Makes one request's plan: what names mean, ordered by what is known at the moment.

`draft` reads configuration only. Where it leaves a choice, turns and pins are gathered from shared
state; where it does not, nothing is asked. `preview` does the same without taking a turn, so that a plan
can be explained before it is made.
"""

from __future__ import annotations

import random
from collections.abc import Iterable

import msgspec

from flowrouter.canonical.dialect import Dialect
from flowrouter.clock import Clock
from flowrouter.gateway.affinity import Pins, carries_sealed, session_of
from flowrouter.gateway.circumstances import circumstances
from flowrouter.gateway.embeddings import makes_embeddings
from flowrouter.gateway.exchange import Exchange
from flowrouter.gateway.key_scope import scoped
from flowrouter.gateway.ports import StateStore
from flowrouter.gateway.privacy import Privacy, at_home
from flowrouter.gateway.signals import Bare, Moment, Sources
from flowrouter.gateway.world import World
from flowrouter.httpkit.key_policy import KeyPolicy
from flowrouter.httpkit.keys import LOCAL_OWNER
from flowrouter.routing.affinity import Session, place
from flowrouter.routing.course import first_step
from flowrouter.routing.facts import NAME_MAX
from flowrouter.routing.intent import restrict
from flowrouter.routing.names import Asked, draft
from flowrouter.routing.order import order, turning
from flowrouter.routing.plan import Plan
from flowrouter.routing.tree import Draft, Group, Leaf

_TURNS = "turn:"
_CACHEABLE = 4096
"""Bytes of a body below which no vendor caches its prompt (1,024 tokens): there is nothing to stay with."""


class Planner:
    """Plans exchanges; what it needs is given once."""

    def __init__(
        self,
        state: StateStore,
        pins: Pins,
        *,
        sources: Sources,
        privacy: Privacy,
        clock: Clock,
        chance: random.Random | None = None,
    ) -> None:
        self._state = state
        self._pins = pins
        self._sources = sources
        self._privacy = privacy
        self._clock = clock
        self._bare = Bare(sources)
        self._obstacle = sources.obstacle
        self._chance = chance or random.Random()

    def settled(self, exchange: Exchange, world: World) -> Plan | None:
        """Return the plan that was made before for such a request, while nothing stands in its targets' way."""
        if not world.settled or exchange.inbound.operation != "generate":
            return None
        kept, ask = world.facts.plans.get(_settled_key(exchange)), self._obstacle
        if kept is None:
            return None
        if ask is not None:
            for target in kept.targets:
                if ask(target) is not None:
                    return None
        exchange.named, exchange.plan = world.named, kept  # a refusal tells of it too
        return kept

    async def plan(self, exchange: Exchange, world: World) -> Plan:
        """Return the plan of `exchange` (skimmed), which is also written into it, and take its turns.

        Where a prompt must stay is found out first; raises `CallerError` for state of ours that does not open.
        """
        if world.routing.intents:
            await self._privacy.look(exchange, world)
        exchange.named = world.named
        found = drafted(exchange, world)
        rotates, shared = _choices(found, exchange.inbound.dialect)
        if not rotates and not shared:
            # Nothing decides but the written order, and what stands in somebody's way.
            plan = exchange.plan = order(found, self._bare)
            if plan.targets and not plan.obstacles and _is_settled(exchange, world):
                first = first_step(plan.targets, world.limits.under(plan.policy).attempts)
                plan = exchange.plan = msgspec.structs.replace(plan, kept=True, first=first)
                world.facts.keep_plan(_settled_key(exchange), plan)
            return plan
        moment = self._moment(exchange, world)
        await self._find_session(exchange, world, draft=found, moment=moment)
        while rotates and (group := turning(found, moment, moment.turns)) is not None:
            moment.turns[group] = await self._state.add(_TURNS + group, 1, ttl=None) - 1
        plan = exchange.plan = order(found, moment)
        if exchange.stay is not None and plan.targets:
            await self._pins.claim(exchange.stay, plan.targets[0])
        return plan

    async def preview(self, exchange: Exchange, world: World) -> tuple[Plan, Moment]:
        """Return the plan that `exchange` would get now, and the signals it comes from; nothing is changed."""
        await self._privacy.look(exchange, world)
        found, moment = drafted(exchange, world), self._moment(exchange, world)
        rotates, shared = _choices(found, exchange.inbound.dialect)
        if rotates or shared:
            await self._find_session(exchange, world, draft=found, moment=moment)
            exchange.stay = None
            while rotates and (group := turning(found, moment, moment.turns)) is not None:
                moment.turns[group] = int(await self._state.get(_TURNS + group) or 0)
        return order(found, moment), moment

    def _moment(self, exchange: Exchange, world: World) -> Moment:
        seen, seed = circumstances(exchange), str(self._chance.getrandbits(64))
        talks = exchange.inbound.operation == "generate"
        return Moment(self._sources, seen, world, seed=seed, talks=talks)

    async def _find_session(self, exchange: Exchange, world: World, *, draft: Draft, moment: Moment) -> None:
        """Fill in what the session is and where its last answer came from."""
        root, settings, session = draft.root, world.routing.affinity, session_of(exchange)
        if session is None or not isinstance(root, Group):
            return
        moment.session_key = f"{exchange.caller.owner_id}\0{session.key}"
        if settings.enabled and (session.kind != "prefix" or len(exchange.inbound.body) >= _CACHEABLE):
            await self._find_pin(exchange, root.name, session, moment=moment, ttl=settings.minutes * 60)

    async def _find_pin(
        self, exchange: Exchange, group: str, session: Session, *, moment: Moment, ttl: float
    ) -> None:
        key = place(exchange.caller.owner_id, group, session)
        stay = exchange.stay = await self._pins.find(key, session, ttl=ttl)
        before = stay.before
        if before is None:
            return
        if before.warm(self._clock.now()):
            moment.pinned = before
        if before.sealed and carries_sealed(exchange):
            moment.held = before.account


def _settled_key(exchange: Exchange) -> tuple[str, Dialect, str, KeyPolicy]:
    """Return what alone decides the plan of `exchange`, where the world and the operation let it."""
    head, caller = exchange.head, exchange.caller
    assert head is not None
    return head.model, exchange.inbound.dialect, caller.owner_id, caller.policy


def _is_settled(exchange: Exchange, world: World) -> bool:
    """Return whether nothing but `_settled_key` decided a plan, and that is short enough to be kept.

    Rules may look into requests, and what is no conversation is planned otherwise.
    """
    head = exchange.head
    assert head is not None
    return world.settled and exchange.inbound.operation == "generate" and len(head.model) <= NAME_MAX


def drafted(exchange: Exchange, world: World) -> Draft:
    """Return what configuration alone says about the exchange's model, given what conditions see."""
    head = exchange.head
    assert head is not None
    # Where there is no request yet, only a name to be explained, conditions are left open.
    looked_at = world.facts.conditional and bool(exchange.inbound.body)
    now = circumstances(exchange) if looked_at else None
    asked = Asked(
        model=head.model,
        dialect=exchange.inbound.dialect,
        owners=(exchange.caller.owner_id, LOCAL_OWNER),
        now=now,
    )
    where = exchange.confined
    found = draft(world.facts, asked) if where is None else at_home(world, asked, where)
    found = scoped(found, exchange.caller.policy, world)
    return found if exchange.inbound.operation == "generate" else _able(found, exchange, world)


def _able(found: Draft, exchange: Exchange, world: World) -> Draft:
    """Return `found` with those who can do what is asked, so that no others take turns; all where none can."""
    if exchange.inbound.operation == "compact":
        able = restrict(found, lambda target: target.dialect == "openai_responses", "cannot compact")
    else:
        able = restrict(found, lambda target: makes_embeddings(target, world), "makes no embeddings")
    return found if able.root is None else able


def _choices(draft: Draft, dialect: Dialect) -> tuple[bool, bool]:
    """Return what besides the written order may decide: turns and other signals, and whose state a request carries."""
    root = draft.root
    if not isinstance(root, Group):
        return False, False
    rotates = any(_rotates(group) for group in root.groups())
    shared = dialect == "openai_responses" and len(root.members) > 1 and _shares_preset(root.leaves())
    return rotates, shared


def _rotates(group: Group) -> bool:
    return group.strategy != "priority" and len(group.members) > 1


def _shares_preset(leaves: Iterable[Leaf]) -> bool:
    """Return whether several accounts of one preset stand among `leaves`."""
    first: dict[str, str] = {}
    return any(
        first.setdefault(leaf.target.preset, leaf.target.account_id) != leaf.target.account_id
        for leaf in leaves
        if leaf.target.dialect == "openai_responses"
    )


__all__ = ["Planner", "drafted"]
