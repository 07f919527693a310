"""One try at a target, up to its first meaningful event: a slot, a reply, and a look at how it begins.

What comes of it is either `Begun`, which must be delivered (`Relay`) or closed, or a `Failure`, which has
let go of everything. A client's stream has got nothing of the answer yet, so another target may be tried.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from functools import partial

import msgspec

from flowrouter.canonical.problem import Problem
from flowrouter.clock import Clock
from flowrouter.config import Timeouts
from flowrouter.errors import UpstreamError
from flowrouter.gateway.admission import Admission
from flowrouter.gateway.attempts import Attempts, Opened
from flowrouter.gateway.begun import HAIR, TIMEOUT_HEADER, Begun, out_of_time
from flowrouter.gateway.blame import Failure, from_busy
from flowrouter.gateway.continuation import Continuation
from flowrouter.gateway.exchange import Exchange
from flowrouter.gateway.first_token import FirstTokenLimits
from flowrouter.gateway.hedging import Contest, Hedges
from flowrouter.gateway.lines import AccountBusyError
from flowrouter.gateway.source import Source, Terms
from flowrouter.gateway.world import Destination, World
from flowrouter.routing import Target

_NO_TERMS = Terms()


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
        self.first_token = limits.limit
        """Returns the seconds a target has to begin, if another target could be asked after it."""
        self._hedges = hedges
        self._clock = clock
        self._timeouts = timeouts

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

    def begin(
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
    ) -> Awaitable[Begun | Failure]:
        """Return the answer of `target` once it has begun, or why there is none.

        `first_token` is how many seconds it has to begin (see `first_token`), None where nobody else could be
        asked; `wait` how long a full account is waited for.

        `rival` is whom a hedge may ask, where `routing.hedging` allows one: the target that would be tried
        next, None where no further attempt may be made; `spare` tells that somebody is left beside it. The answer
        may then be the rival's (`Begun.target`). If both fail, the last failure is returned and `lost` hears of
        the first.
        """
        left = self.time_left(exchange) if TIMEOUT_HEADER in exchange.inbound.headers else None
        if first_token is None and left is None:
            terms = _NO_TERMS
        elif left is not None and left <= HAIR:
            return _at_once(out_of_time(target))
        else:
            terms = Terms(
                first_token=math.inf if first_token is None else first_token,
                deadline=math.inf if left is None else self._clock.monotonic() + left,
                slow_tokens=world.routing.slow_tokens if first_token is not None else 0.0,
            )
        if rival is None:
            return self.open(exchange, world, target, terms=terms, wait=wait)
        hedging = world.routing.hedging
        if not hedging.enabled or not _may_hedge(exchange, target, rival):
            return self.open(exchange, world, target, terms=terms, wait=wait)
        limit = self.first_token(exchange, world, rival) if spare else None
        last = msgspec.structs.replace(
            terms,
            first_token=math.inf if limit is None else limit,
            slow_tokens=0.0 if limit is None else terms.slow_tokens,
        )
        begin = partial(self.open, exchange, world)
        contest = Contest(
            exchange,
            target,
            first=partial(begin, target, terms=terms, wait=wait),
            rival=partial(begin, rival, terms=last, wait=0.0),
            lost=lost,
            final=partial(_is_final, past_filter=world.routing.failover_on_content_filter),
        )
        return self._hedges.run(contest, hedging)

    async def open(
        self, exchange: Exchange, world: World, target: Target, *, wait: float, terms: Terms = _NO_TERMS
    ) -> Begun | Failure:
        """Do the same on `terms`: without any, nobody else can be asked, and the client gave no time of its own."""
        destination = world.destination(target)
        slot = self._admission.take_free(target.account_id, destination.slots)
        if slot is None:
            wait, owner_id = min(wait, terms.deadline - self._clock.monotonic()), exchange.caller.owner_id
            try:
                slot = await self._admission.take(
                    target.account_id, destination.slots, wait=wait, owner_id=owner_id
                )
            except AccountBusyError as busy:
                return from_busy(busy, target)
        begun: Begun | None = None
        try:
            if exchange.continuation is not None:
                opened = await self._follow(
                    exchange,
                    world,
                    target,
                    destination=destination,
                    terms=terms,
                    follows=exchange.continuation,
                )
            else:
                first_token = math.inf if terms is _NO_TERMS else self._to_begin(terms)
                opened = await self._attempts.open(
                    exchange, world, target, destination=destination, first_token=first_token
                )
            if isinstance(opened, Failure):
                return self._in_time(opened, exchange, terms)
            source = Source(opened, exchange, self._clock, self._timeouts, terms)
            try:
                problem = source.peek()
                if problem is not None and not isinstance(problem, Problem):
                    problem = await problem
                if problem is None:
                    begun = Begun(opened, source, slot)
                    return begun
                failure = self._attempts.refused(opened, problem)
            except UpstreamError as error:
                failure = self._attempts.broken(opened.log, target, error)
            finally:
                if begun is None:  # what is no answer is closed
                    opened.log.usage = source.usage
                    opened.reply.close()
            return self._in_time(failure, exchange, terms)
        finally:
            if begun is None:
                slot.release()

    def _to_begin(self, terms: Terms) -> float:
        """Return the seconds from now that an attempt has to begin."""
        return min(terms.first_token, terms.deadline - self._clock.monotonic())

    async def _follow(
        self,
        exchange: Exchange,
        world: World,
        target: Target,
        *,
        destination: Destination,
        terms: Terms,
        follows: Continuation,
    ) -> Opened | Failure:
        """Open an attempt at going on from an earlier answer: by its name, else with the history written out."""
        while True:
            exchange.carry(follows.body_for(target))
            opened = await self._attempts.open(
                exchange, world, target, destination=destination, first_token=self._to_begin(terms)
            )
            if isinstance(opened, Opened):
                return opened
            before, follows = follows, follows.without_vendor(opened.problem)
            if follows is before:
                return opened
            exchange.continuation = follows

    def _in_time(self, failure: Failure, exchange: Exchange, terms: Terms) -> Failure:
        """Return `failure`, or that the client's own time is over."""
        if failure.verdict.failure != "timeout" or self._clock.monotonic() < terms.deadline - HAIR:
            return failure
        return out_of_time(failure.target, exchange.attempts[-1])


async def _at_once(failure: Failure) -> Failure:
    return failure


def _is_final(failure: Failure, *, past_filter: bool) -> bool:
    """Return whether nobody else may be asked after `failure`."""
    verdict = failure.verdict
    return not verdict.failover and not (past_filter and verdict.failure == "content_filter")


def _may_hedge(exchange: Exchange, target: Target, rival: Target) -> bool:
    """Return whether a second attempt makes sense: a conversation, bound to no account, at another one."""
    free = exchange.continuation is None and exchange.inbound.operation == "generate"
    return free and rival.account_id != target.account_id


__all__ = ["Tries"]
