"""A second attempt at another account when the first word is late, within what hedges may cost.

Off by default (`routing.hedging`). The hedge starts when the first word is later than the learned quantile
of the target (`min_wait` where nothing is learned). Whoever says the first meaningful thing answers; the
other is cut off at once and stays in the receipt as `hedged`: its tokens, estimated, are cost and never
charge. A failure of either leaves the answer to the other, unless the first may not be gone around.

Hedges of the last hour may cost `spend_share` of what all requests of that hour cost, where every one of
them has a price; else their number may be that share of the requests'. A worker counts for itself, so
that all together keep within the share as well. A quiet gateway has no hedges to spend: with 5 % the
first needs twenty requests before it.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any

from flowrouter.clock import Clock
from flowrouter.gateway.begun import Begun
from flowrouter.gateway.blame import BUSY, Failure
from flowrouter.gateway.costs import HEDGED
from flowrouter.gateway.exchange import Exchange
from flowrouter.gateway.first_token import Quantile
from flowrouter.gateway.missing_usage import estimated
from flowrouter.gateway.records import RequestRow
from flowrouter.routing import Target
from flowrouter.settings.routing import Hedging
from flowrouter.tasks import TaskGroup

Begin = Callable[[], Coroutine[Any, Any, Begun | Failure]]
"""Starts an attempt."""

Runner = asyncio.Task[Begun | Failure]

_MINUTE = 60.0
_WINDOW = 60


class _Minute:
    __slots__ = ("at", "cost", "hedge_cost", "hedges", "requests", "unpriced")

    def __init__(self, at: int) -> None:
        self.at = at
        self.requests = self.hedges = self.unpriced = 0
        self.cost = self.hedge_cost = 0


class Spending:
    """What requests and their hedges came to in the last hour, by the minute; time is an argument."""

    def __init__(self) -> None:
        self._minutes: deque[_Minute] = deque()
        # When the last of them ends.
        self._until = -math.inf
        self._under_way = 0

    def settled(self, row: RequestRow, now: float) -> None:
        """Take a finished request."""
        minute, cost = self._at(now) if now >= self._until else self._minutes[-1], row.cost_pusd
        minute.requests += 1
        if cost is None:
            minute.unpriced += 1
        else:
            minute.cost += cost
        if not self._under_way:
            return
        for attempt in row.attempts:
            if attempt.outcome == HEDGED:
                self._under_way -= 1
                minute.hedges += 1
                minute.hedge_cost += attempt.cost_pusd or 0

    def take(self, share: float, now: float) -> bool:
        """Return whether one more hedge is within `share`; if so it is under way until it is settled or forgone."""
        self._at(now)
        requests = sum(minute.requests for minute in self._minutes)
        hedges = sum(minute.hedges for minute in self._minutes) + self._under_way
        cost = sum(minute.cost for minute in self._minutes)
        if cost and not any(minute.unpriced for minute in self._minutes):
            # What the hedges under way will cost is not known; an average request's cost stands for each.
            spent = sum(minute.hedge_cost for minute in self._minutes)
            expected = (self._under_way + 1) * cost / requests
            within = spent + expected <= share * cost
        else:
            within = hedges + 1 <= share * requests
        if within:
            self._under_way += 1
        return within

    def forgone(self) -> None:
        """Take note that a hedge ended of itself: no attempt was cut off for it."""
        self._under_way -= 1

    def _at(self, now: float) -> _Minute:
        """Return the present minute; those of more than an hour ago are forgotten when one begins."""
        minute, minutes = int(now // _MINUTE), self._minutes
        if not minutes or minutes[-1].at != minute:
            minutes.append(_Minute(minute))
            self._until = (minute + 1) * _MINUTE
            while minutes[0].at <= minute - _WINDOW:
                minutes.popleft()
        return minutes[-1]


def hedge_delay(settings: Hedging, learned: float | None) -> float:
    """Return the seconds a target has before a hedge starts; `learned` is its quantile."""
    return max(settings.min_wait, learned or 0.0)


class Contest:
    """Two attempts of one exchange, of which the first that begins answers.

    `rival` starts the second; `lost` hears of the failure of one while the other is still under way. `final`
    tells of a failure of the first that nobody else may be asked after it.
    """

    __slots__ = ("exchange", "final", "first", "lost", "rival", "target")

    def __init__(
        self,
        exchange: Exchange,
        target: Target,
        *,
        first: Begin,
        rival: Begin,
        lost: Callable[[Failure], None] | None,
        final: Callable[[Failure], bool],
    ) -> None:
        self.exchange = exchange
        self.final = final
        self.target = target
        self.first = first
        self.rival = rival
        self.lost = lost


class Hedges:
    """Runs contests within what they may cost; `quantile` is what was learned of a target's first words."""

    def __init__(self, *, tasks: TaskGroup, clock: Clock, quantile: Quantile) -> None:
        self._tasks = tasks
        self._clock = clock
        self._quantile = quantile
        self._spending = Spending()

    def settled(self, _exchange: Exchange, row: RequestRow) -> None:
        """Take a finished request into the account of what hedges may cost."""
        self._spending.settled(row, self._clock.monotonic())

    async def run(self, contest: Contest, settings: Hedging) -> Begun | Failure:
        """Return the answer that began first, or the last failure."""
        exchange, waited, since = contest.exchange, contest.exchange.upstream_wait, self._clock.monotonic()
        delay = hedge_delay(settings, self._quantile(contest.target, settings.quantile))
        runners = [self._tasks.start("attempt", contest.first())]
        hedged = False
        outcome: Begun | Failure | None = None
        try:
            await asyncio.wait(runners, timeout=delay)
            if not runners[0].done() and self._spending.take(settings.spend_share, self._clock.monotonic()):
                hedged = True
                runners.append(self._tasks.start("hedge", contest.rival()))
            outcome = await _first(runners, contest)
            if isinstance(outcome, Begun):  # whoever was asked last has left its own there
                prepared = outcome.opened.prepared
                exchange.lane, exchange.request_losses = prepared.lane, prepared.losses
            return outcome
        finally:
            try:
                await _let_go(runners, outcome)
            finally:
                cut = outcome is not None and _settle_losers(exchange, outcome, self._clock.monotonic())
                if hedged and not cut:
                    self._spending.forgone()
                if hedged:  # two waits at once are one
                    exchange.upstream_wait = waited + self._clock.monotonic() - since


async def _first(runners: list[Runner], contest: Contest) -> Begun | Failure:
    """Return the first answer that begins, or the failure that came last or decides."""
    left = list(runners)
    while True:
        await asyncio.wait(left, return_when=asyncio.FIRST_COMPLETED)
        for runner in [runner for runner in left if runner.done()]:
            left.remove(runner)
            outcome = runner.result()
            if isinstance(outcome, Begun) or not left or (runner is runners[0] and contest.final(outcome)):
                return outcome
            if contest.lost is not None and outcome.problem.code != BUSY:
                contest.lost(outcome)


async def _let_go(runners: list[Runner], outcome: Begun | Failure | None) -> None:
    """Cut off what is still under way, and close what began too late."""
    for runner in runners:
        runner.add_done_callback(lambda ended: _close(ended, outcome))
        runner.cancel()
    try:
        if left := [runner for runner in runners if not runner.done()]:
            await asyncio.wait(left)
    except BaseException:  # nobody takes the answer any more
        if isinstance(outcome, Begun):
            outcome.close()
        raise


def _close(runner: Runner, outcome: Begun | Failure | None) -> None:
    if runner.cancelled() or runner.exception() is not None:
        return
    result = runner.result()
    if isinstance(result, Begun) and result is not outcome:
        result.close()


def _settle_losers(exchange: Exchange, outcome: Begun | Failure, now: float) -> bool:
    """Write into the exchange who decided and who was cut off; return whether anybody was."""
    if isinstance(outcome, Begun):
        decided, why = outcome.opened.log, "began to answer first"
    else:
        logs = (log for log in reversed(exchange.attempts) if log.target == outcome.target)
        decided, why = next(logs, None), "was refused, and nobody else may be asked"
    cut = [log for log in exchange.attempts if log is not decided and log.verdict == "open"]
    for log in cut:
        log.verdict, log.error = HEDGED, f"{outcome.target.account} {why}"
        log.ended, log.usage = now, estimated(exchange, 0)
    if decided is not None:
        # The attempt that decided stands last, whenever it began.
        exchange.attempts.remove(decided)
        exchange.attempts.append(decided)
    return bool(cut)


__all__ = ["Begin", "Contest", "Hedges", "Runner", "Spending", "hedge_delay"]
