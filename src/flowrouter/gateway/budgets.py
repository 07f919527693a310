"""Keeps keys, and the gateway as a whole, within their budgets.

Before anything is sent, what an exchange may cost at most is held; what it did cost is settled when it is
over. A key without a budget costs a look at its policy. Holds are written to the shared state, so that
every worker can tell what is in use: while that is away, hard budgets let nothing pass and soft ones
go on. The counters themselves are in the store (`purses`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from functools import partial

import msgspec

from flowrouter import logs
from flowrouter.clock import Clock, iso
from flowrouter.errors import CallerError, StorageError
from flowrouter.gateway.bills import Bills
from flowrouter.gateway.blame import spoken
from flowrouter.gateway.exchange import Exchange
from flowrouter.gateway.holds import Hold, Share
from flowrouter.gateway.limit import Limit, key_limits
from flowrouter.gateway.ports import StateStore
from flowrouter.gateway.purses import Purse, Purses
from flowrouter.gateway.tariff import Bounds, Tariff, bounds_of, tariff_of
from flowrouter.gateway.world import World
from flowrouter.httpkit.caller import Caller
from flowrouter.routing import Plan
from flowrouter.settings.budgets import Budget
from flowrouter.tasks import TaskGroup
from flowrouter.usage.pricing import usd

EXCEEDED = "budget_exceeded"
HELD = "budget_held"
UNPRICED = "model_unpriced"
UNAVAILABLE = "budget_unavailable"

LEAST_OUTPUT = 16
"""Tokens of output below which an answer is not worth sending; OpenAI takes no lower limit."""

SOFT_OUTPUT = 4_096
"""Tokens of output that a soft budget holds at first; longer answers are topped up."""

HOLD_SECONDS = 20.0
"""For how long a hold outlives the worker that made it."""

_RENEW_SECONDS = 6.0

_log = logs.get("budgets")

Replan = Callable[[Exchange, World], Awaitable[Plan]]


class BudgetSpentError(CallerError):
    """A budget has not enough left for a request; `limit` may have another model asked instead."""

    def __init__(self, limit: Limit, refusal: CallerError) -> None:
        super().__init__(
            refusal.message,
            status=refusal.status,
            code=refusal.code,
            retry=refusal.retry,
            retry_after=refusal.retry_after,
        )
        self.limit = limit


class Budgets:
    """Holds and settles; what it needs is given once."""

    def __init__(
        self, purses: Purses, *, bills: Bills, state: StateStore, clock: Clock, tasks: TaskGroup
    ) -> None:
        self.purses = purses
        self._bills = bills
        self._state = state
        self._clock = clock
        self._tasks = tasks
        self._open: dict[str, Hold] = {}
        self._renewing: asyncio.Task[None] | None = None

    async def admit(self, exchange: Exchange, plan: Plan, *, world: World, replan: Replan) -> Plan:
        """Hold what `exchange` may cost and return its plan, which is another one where it is downgraded.

        Raises `CallerError`: 402 where a budget is used up or a price unknown, 429 where the rest is in
        use, 503 where nobody knows what is left.
        """
        limits = limits_of(exchange.caller, world)
        try:
            return await self._hold(exchange, plan, limits, world=world)
        except BudgetSpentError as error:
            model = error.limit.budget.downgrade
            if model is None or exchange.inbound.operation != "generate":
                raise
            refusal, whose = error, error.limit.whose
        head = exchange.head
        assert head is not None
        exchange.head = msgspec.structs.replace(head, model=model)
        try:
            plan = await replan(exchange, world)
        finally:
            exchange.head = head
        reason = f"the budget of {whose} is used up: {model!r} is asked instead of {head.model!r}"
        plan = exchange.plan = msgspec.structs.replace(plan, reasons=(reason, *plan.reasons), chosen=True)
        beyond = frozenset(
            limit.id for limit in limits if limit.budget.downgrade and limit.budget.mode == "soft"
        )
        try:
            return await self._hold(exchange, plan, limits, world=world, beyond=beyond)
        except BudgetSpentError:
            raise refusal from None

    async def _hold(
        self,
        exchange: Exchange,
        plan: Plan,
        limits: tuple[Limit, ...],
        *,
        world: World,
        beyond: frozenset[str] = frozenset(),
    ) -> Plan:
        plan = self._priced(plan, limits)
        bounds = bounds_of(exchange, plan.targets, world)
        shares: list[Share] = []
        try:
            for limit in limits:
                tariff = tariff_of(
                    limit.budget.metric,
                    bounds,
                    plan.targets,
                    price=self._bills.price,
                    now=self._clock.now(),
                )
                shares.append(await self._share(limit, tariff, bounds, force=limit.id in beyond))
        except BaseException:
            for share in shares:
                self.purses.give_up(share.purse, share.amount)
            raise
        hold = self._made(exchange, shares, bounds)
        try:
            await self._publish(hold, exchange)
        except BaseException:
            hold.give_up()
            raise
        exchange.hold, exchange.plan = hold, plan
        exchange.budget_warning = self._warning(shares)
        return plan

    def _priced(self, plan: Plan, limits: Iterable[Limit]) -> Plan:
        """Return `plan` without targets of unknown price, where a budget in USD binds; raises `CallerError`."""
        strict = [each for each in limits if each.budget.metric == "usd" and each.budget.unpriced == "refuse"]
        if not strict:
            return plan
        priced = tuple(target for target in plan.targets if self._bills.price(target) is not None)
        if priced:
            return plan if len(priced) == len(plan.targets) else msgspec.structs.replace(plan, targets=priced)
        raise CallerError(
            f"the price of {plan.asked!r} is unknown, and {strict[0].whose} has a budget in USD; "
            'give it a price (`[prices]`), or let the budget allow such models (`unpriced = "allow"`)',
            status=402,
            code=UNPRICED,
            param="model",
            retry=False,
        )

    async def _share(self, limit: Limit, tariff: Tariff, bounds: Bounds, *, force: bool) -> Share:
        purse = self.purses.of(limit)
        least, most = _range(limit.budget, tariff, bounds)
        try:
            amount = await self.purses.reserve(purse, least=least, most=most, force=force)
        except StorageError:
            if limit.budget.mode == "hard":
                raise _unavailable(limit.whose) from None
            return Share(purse, tariff, 0)
        if most and not amount:
            raise BudgetSpentError(limit, self._refusal(purse, least))
        return Share(purse, tariff, amount)

    def _made(self, exchange: Exchange, shares: list[Share], bounds: Bounds) -> Hold:
        """Return the hold of `shares`, cut to the output that all of them buy."""
        hard = any(share.hard for share in shares)
        output = bounds.output if hard else min(bounds.output, SOFT_OUTPUT)
        sent = None
        if hard and not bounds.capped:
            bought = [share.tariff.output_for(share.amount) for share in shares if share.hard]
            output = sent = min([output, *(tokens for tokens in bought if tokens is not None)])
        for share in shares:
            extra = share.amount - share.tariff.amount(output)
            if extra > 0:
                self.purses.give_up(share.purse, extra)
                share.amount -= extra
        return Hold(
            self.purses,
            shares,
            output=output,
            copies=bounds.copies,
            sent=sent,
            told=(bounds.capped and output == bounds.output) or sent is not None,
            ended=partial(self._ended, exchange.inbound.request_id),
        )

    async def _publish(self, hold: Hold, exchange: Exchange) -> None:
        """Write the hold where all workers see it; raises `CallerError` where a hard budget cannot."""
        request_id = exchange.inbound.request_id
        self._open[request_id] = hold  # from here on its end removes what is written
        try:
            await self._put(request_id, hold)
        except StorageError:
            if hold.hard:
                whose = next(share.purse.limit.whose for share in hold.shares if share.hard)
                raise _unavailable(whose) from None
        if self._renewing is None or self._renewing.done():
            self._renewing = self._tasks.start("budget holds", self._renew())

    async def _put(self, request_id: str, hold: Hold) -> None:
        state = self._state.strict
        for share in hold.shares:
            if share.amount:
                key = hold_key(share.purse.limit.id, request_id)
                await state.put(key, b"%d" % share.amount, ttl=HOLD_SECONDS)

    def _ended(self, request_id: str, hold: Hold) -> None:
        if self._open.pop(request_id, None) is not None:
            self._tasks.start("budget holds", self._remove(request_id, hold))

    async def _remove(self, request_id: str, hold: Hold) -> None:
        for share in hold.shares:
            try:
                await self._state.strict.delete(hold_key(share.purse.limit.id, request_id))
            except StorageError:
                return  # it lapses by itself

    async def _renew(self) -> None:
        """Begin the time of long exchanges' holds anew, while there are any."""
        while self._open:
            await asyncio.sleep(_RENEW_SECONDS)
            for request_id, hold in list(self._open.items()):
                if request_id not in self._open:
                    continue
                try:
                    await self._put(request_id, hold)
                except StorageError:
                    break
                if request_id not in self._open:  # it ended meanwhile, and may have been removed before
                    await self._remove(request_id, hold)

    def _refusal(self, purse: Purse, least: int) -> CallerError:
        limit, budget = purse.limit, purse.limit.budget
        left = max(0, limit.amount - purse.used)
        wait = purse.span.end - self._clock.now()
        when = f"it begins anew at {iso(purse.span.end)}, in {spoken(wait)}"
        has = f"{limit.whose} may use {told(budget, limit.amount)} a {budget.period}"
        if left >= least:
            return CallerError(
                f"{has}, and what is left ({told(budget, left)}) is held by requests in flight; try again soon",
                status=429,
                code=HELD,
                retry_after=1.0,
                retry=True,
            )
        if left <= 0:
            why = "all of it is used up"
        else:
            why = f"{told(budget, left)} is left, and this request may take {told(budget, least)}"
        return CallerError(f"{has}: {why}; {when}", status=402, code=EXCEEDED, retry=False)

    def _warning(self, shares: Iterable[Share]) -> str:
        """Return what callers are told of a budget that is nearly used up; the log hears of it once."""
        for share in shares:
            purse, limit = share.purse, share.purse.limit
            if purse.used < limit.budget.warn * limit.amount:
                continue
            part = min(999, purse.used * 100 // limit.amount)
            if not purse.warned:
                purse.warned = True
                _log.warning("a budget is nearly used up", budget=limit.id, used_percent=part)
            ends = iso(purse.span.end)
            return f"{part}% of {told(limit.budget, limit.amount)}/{limit.budget.period}; resets {ends}"
        return ""


def hold_key(budget_id: str, request_id: str) -> str:
    """Return the name of a hold in the shared state."""
    return f"hold:{budget_id}:{request_id}"


def limits_of(caller: Caller, world: World) -> tuple[Limit, ...]:
    """Return the budgets that bind `caller`: those of its key and those of the gateway."""
    own: tuple[Limit, ...] = ()
    if caller.policy.budgets and caller.key_id is not None:
        own = key_limits(caller.policy.budgets, caller.key_id, name=caller.key_name, owner_id=caller.owner_id)
    return (*own, *world.budgets)


def told(budget: Budget, amount: int) -> str:
    """Return an amount as people say it: `$1.25`, `20,000 tokens`."""
    if budget.metric != "usd":
        return f"{amount:,} {budget.metric}"
    text = usd(amount) or "0"
    whole, _, cents = text.partition(".")
    return f"${int(whole):,}.{cents[:6].rstrip('0').ljust(2, '0')}"


def _range(budget: Budget, tariff: Tariff, bounds: Bounds) -> tuple[int, int]:
    """Return the least and the most that a request holds of a budget."""
    if budget.mode == "soft":
        amount = tariff.amount(min(bounds.output, SOFT_OUTPUT))
        return amount, amount
    most = tariff.amount(bounds.output)
    return (most if bounds.capped else tariff.amount(min(LEAST_OUTPUT, bounds.output))), most


def _unavailable(whose: str) -> CallerError:
    return CallerError(
        f"what is left of the budget of {whose} cannot be read now; try again soon",
        status=503,
        code=UNAVAILABLE,
        retry_after=2.0,
    )


__all__ = [
    "EXCEEDED", "HELD", "LEAST_OUTPUT", "SOFT_OUTPUT", "UNAVAILABLE", "UNPRICED", "BudgetSpentError", "Budgets", "hold_key",
    "limits_of", "told",
]  # fmt: skip
