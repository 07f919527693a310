"""One try at a target, up to its first meaningful event: a slot, a reply, and a look at how it begins.

What comes of it is either `Begun`, which must be delivered (`Relay`) or closed, or a `Failure`, which has
let go of everything. A client's stream has got nothing of the answer yet, so another target may be tried.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import msgspec

from flowrouter.clock import Clock
from flowrouter.config import Timeouts
from flowrouter.errors import UpstreamError
from flowrouter.gateway.admission import Admission, Slot
from flowrouter.gateway.attempts import Attempts, Opened
from flowrouter.gateway.begun import HAIR, TIMEOUT_HEADER, Begun, out_of_time
from flowrouter.gateway.blame import Failure, from_busy
from flowrouter.gateway.exchange import Exchange
from flowrouter.gateway.first_token import FirstTokenLimits
from flowrouter.gateway.hedging import Contest, Hedges
from flowrouter.gateway.lines import AccountBusyError
from flowrouter.gateway.source import Source, Terms
from flowrouter.gateway.world import World
from flowrouter.routing import Target


class Tries:
    """Begins attempts; what it needs is given once."""

    def __init__(
        self,
        attempts: Attempts,
        admission: Admission,
        *,
        limits: FirstTokenLimits,
        hedges: Hedges,
        clock: Clock,
        timeouts: Timeouts,
    ) -> None:
        self._attempts = attempts
        self._admission = admission
        self._limits = limits
        self._hedges = hedges
        self._clock = clock
        self._timeouts = timeouts

    def first_token(self, exchange: Exchange, world: World, target: Target) -> float | None:
        """Return the seconds `target` has to begin, if another target could be asked after it."""
        return self._limits.limit(exchange, world, target)

    def time_left(self, exchange: Exchange) -> float | None:
        """Return the seconds the client still gives (`x-flowrouter-timeout`), None where it said none.

        What is no number of seconds changes nothing, and an answer that has begun may take its time.
        """
        said = exchange.inbound.headers.get(TIMEOUT_HEADER)
        if said is None or exchange.first_content_at is not None:
            return None
        try:
            seconds = float(said)
        except ValueError:
            return None
        if not 0 < seconds < math.inf:
            return None
        return exchange.inbound.started + seconds - self._clock.monotonic()

    async def begin(
        self,
        exchange: Exchange,
        world: World,
        target: Target,
        *,
        first_token: float | None = None,
        wait: float = 0.0,
        rival: Target | None = None,
        spare: bool = False,
        lost: Callable[[Failure], None] | None = None,
    ) -> Begun | Failure:
        """Return the answer of `target` once it has begun, or why there is none.

        `first_token` is how many seconds it has to begin (see `first_token`), None where nobody else could be
        asked; `wait` how long a full account is waited for.

        `rival` is whom a hedge may ask, where `routing.hedging` allows one: the target that would be tried
        next, None where no further attempt may be made; `spare` tells that somebody is left beside it. The answer
        may then be the rival's (`Begun.target`). If both fail, the last failure is returned and `lost` hears of
        the first.
        """
        terms = Terms(
            first_token=math.inf if first_token is None else first_token,
            slow_tokens=world.routing.slow_tokens if first_token is not None else 0.0,
        )
        left = self.time_left(exchange)
        if left is not None:
            if left <= HAIR:
                return out_of_time(target)
            terms = msgspec.structs.replace(terms, deadline=self._clock.monotonic() + left)
        begin = partial(self._try, exchange, world)
        hedging = world.routing.hedging
        if not hedging.enabled or rival is None or not _may_hedge(exchange, target, rival):
            return await begin(target, terms=terms, wait=wait)
        limit = self._limits.limit(exchange, world, rival) if spare else None
        last = msgspec.structs.replace(
            terms,
            first_token=math.inf if limit is None else limit,
            slow_tokens=0.0 if limit is None else terms.slow_tokens,
        )
        contest = Contest(
            exchange,
            target,
            first=partial(begin, target, terms=terms, wait=wait),
            rival=partial(begin, rival, terms=last, wait=0.0),
            lost=lost,
            final=partial(_is_final, past_filter=world.routing.failover_on_content_filter),
        )
        return await self._hedges.run(contest, hedging)

    async def _try(
        self, exchange: Exchange, world: World, target: Target, *, terms: Terms, wait: float
    ) -> Begun | Failure:
        limit, owner_id = slots(world, target), exchange.caller.owner_id
        wait = min(wait, terms.deadline - self._clock.monotonic())
        try:
            slot = await self._admission.take(target.account_id, limit, wait=wait, owner_id=owner_id)
        except AccountBusyError as busy:
            return from_busy(busy, target)
        try:
            begun = await self._begin(exchange, world, target, terms=terms, slot=slot)
        except BaseException:
            slot.release()
            raise
        if isinstance(begun, Failure):
            slot.release()
            return self._in_time(begun, exchange, terms)
        return begun

    async def _begin(
        self, exchange: Exchange, world: World, target: Target, *, terms: Terms, slot: Slot
    ) -> Begun | Failure:
        follows = exchange.continuation
        if follows is not None:
            exchange.carry(follows.body_for(target))
        left = terms.deadline - self._clock.monotonic()
        opened = await self._attempts.open(exchange, world, target, first_token=min(terms.first_token, left))
        if isinstance(opened, Failure):
            exchange.continuation = follows and follows.without_vendor(opened.problem)
            if exchange.continuation is follows:
                return opened
            return await self._begin(exchange, world, target, terms=terms, slot=slot)
        source = Source(opened, exchange, clock=self._clock, timeouts=self._timeouts, terms=terms)
        return await self._peeked(opened, source, slot)

    async def _peeked(self, opened: Opened, source: Source, slot: Slot) -> Begun | Failure:
        """Look at how the reply begins; whatever is no answer is closed."""
        failure: Failure | None = None
        begun = False
        try:
            problem = await source.peek()
            begun = problem is None
            if problem is not None:
                failure = self._attempts.refused(opened, problem)
        except UpstreamError as error:
            failure = self._attempts.broken(opened.log, opened.prepared.target, error)
        finally:
            if not begun:
                opened.log.usage = source.usage
                opened.reply.close()
        return failure or Begun(opened, source, slot)

    def _in_time(self, failure: Failure, exchange: Exchange, terms: Terms) -> Failure:
        """Return `failure`, or that the client's own time is over."""
        if failure.verdict.failure != "timeout" or self._clock.monotonic() < terms.deadline - HAIR:
            return failure
        return out_of_time(failure.target, exchange.attempts[-1])


def slots(world: World, target: Target) -> int:
    """Return how many requests may be in flight at the target's account."""
    account = world.accounts[target.account_id]
    return account.max_concurrency or world.presets[target.account_id].max_concurrency


def _is_final(failure: Failure, *, past_filter: bool) -> bool:
    """Return whether nobody else may be asked after `failure`."""
    verdict = failure.verdict
    return not verdict.failover and not (past_filter and verdict.failure == "content_filter")


def _may_hedge(exchange: Exchange, target: Target, rival: Target) -> bool:
    """Return whether a second attempt makes sense: a conversation, bound to no account, at another one."""
    free = exchange.continuation is None and exchange.inbound.operation == "generate"
    return free and rival.account_id != target.account_id


__all__ = ["Tries", "slots"]
