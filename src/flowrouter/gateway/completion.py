"""Goes on from another target with an answer that broke off behind the content commit.

Who is asked: the targets of the plan that have not been and do not pause, in its order, then the one that broke,
if it was a mere cut. Each is asked in the ways its record allows (`completable.ways`); an answer of which nothing has left
yet may be given up for the next. Only a join that is sure reaches the client (`joins`, `joiner`); where
none is found the client is told of the failure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Protocol

from flowrouter.canonical import events as e
from flowrouter.canonical.events import Event
from flowrouter.canonical.fold import replay
from flowrouter.canonical.problem import Problem
from flowrouter.canonical.receipt import Seam
from flowrouter.canonical.request import Request
from flowrouter.canonical.think_tags import split_response
from flowrouter.canonical.usage import Usage, merge
from flowrouter.clock import Clock
from flowrouter.errors import CallerError, UpstreamError
from flowrouter.gateway.begun import Begun
from flowrouter.gateway.blame import Failure, from_upstream_error
from flowrouter.gateway.carrying_on import ContinueWith
from flowrouter.gateway.completable import asked, obstacle, ways
from flowrouter.gateway.costs import HEDGED
from flowrouter.gateway.exchange import Exchange, parsed
from flowrouter.gateway.joiner import Joiner
from flowrouter.gateway.joins import MATCHES, Way
from flowrouter.gateway.missing_usage import at_least
from flowrouter.gateway.secrecy import redacted
from flowrouter.gateway.sinks import Sink, edited
from flowrouter.gateway.tries import Tries
from flowrouter.gateway.world import World
from flowrouter.routing import Target, Verdict, judge
from flowrouter.routing.verdict import network
from flowrouter.settings.routing import Completion as Policy

TRIES = 4
"""Attempts that one answer may take to be completed, within those its request may take."""

_MERE_CUT = frozenset({"network", "timeout", "bad_reply", "server"})
_NO_JOIN = "no_join"
"""The verdict of an attempt whose answer could not be joined to what had left."""


class Heard(Protocol):
    """Hears of an attempt that failed, and how many seconds it took."""

    def __call__(self, failure: Failure, /, *, took: float) -> None:
        """Take it in."""
        ...


class Completion:
    """Completes broken answers; what it needs is given once.

    `failed` hears of attempts that failed, `pauses` says why a target is better not asked now.
    """

    def __init__(
        self,
        tries: Tries,
        *,
        world: Callable[[], World],
        clock: Clock,
        failed: Heard,
        pauses: Callable[[Target], object],
    ) -> None:
        self._tries = tries
        self._world = world
        self.clock = clock
        self.pauses = pauses
        self.failed = failed

    async def go_on(
        self,
        exchange: Exchange,
        begun: Begun,
        *,
        sink: Sink,
        problem: Problem,
        continue_with: ContinueWith,
    ) -> bool:
        """Carry the answer on behind `sink.cursor`; False if it has no end, and nothing false has left."""
        log = begun.opened.log
        log.verdict, log.error, log.ended = "cut", problem.message[:300], self.clock.monotonic()
        kept = exchange.lane, exchange.request_losses, exchange.upstream_wait
        run = _Run(self, exchange, begun.target, sink=sink, problem=problem, continue_with=continue_with)
        try:
            return await run.complete()
        finally:
            # These tell of the attempt that began the answer, and of the time before its first word.
            exchange.lane, exchange.request_losses, exchange.upstream_wait = kept
            exchange.amend = None

    async def begin(
        self, exchange: Exchange, target: Target, way: Way, *, sent: str, last: bool
    ) -> Begun | Failure:
        """Return the answer of `target`, asked in a way to go on behind `sent`, once it has begun."""
        world = self._world()
        limit = None if last else self._tries.first_token(exchange, world, target)
        exchange.amend = None if way == "restart" else partial(asked, way, sent=sent)
        since = self.clock.monotonic()
        begun = await self._tries.begin(exchange, world, target, first_token=limit)
        if isinstance(begun, Failure):
            self.failed(begun, took=self.clock.monotonic() - since)
        return begun

    @property
    def world(self) -> World:
        """Return the world as it is now."""
        return self._world()


class _Run:
    """One answer on its way to its end."""

    def __init__(
        self,
        completion: Completion,
        exchange: Exchange,
        broken: Target,
        *,
        sink: Sink,
        problem: Problem,
        continue_with: ContinueWith,
    ) -> None:
        self._completion = completion
        self._exchange = exchange
        self._broken = broken
        self._sink = sink
        self._problem = problem
        self._continue_with = continue_with
        self._policy: Policy = _policy(exchange, completion.world)
        self._down: set[str] = set()

    async def complete(self) -> bool:
        """Try until the answer has its end; False where nobody can give it one."""
        exchange, request = self._exchange, self._request()
        if isinstance(request, str):
            exchange.not_completed = request
            return False
        for target, way, last in self._attempts(request):
            if await self._try(target, way, last=last):
                return True
            if reason := obstacle(request, self._sink.cursor):
                # What has left since may forbid that anybody goes on.
                exchange.not_completed = reason
                return False
        exchange.not_completed = exchange.not_completed or "no other target went on with the same text"
        return False

    def _request(self) -> Request | str:
        """Return what was asked, or why its answer is not completed."""
        exchange = self._exchange
        if self._policy == "error":
            return "the policy is to end broken answers with an error"
        if exchange.inbound.operation != "generate":
            return "only conversations go on"
        if not judge(self._problem).failover:
            return "the failure was the provider's decision"
        try:
            request = parsed(exchange)
        except CallerError as error:
            return f"the request cannot be read: {error.message}"
        return obstacle(request, self._sink.cursor) or request

    def _attempts(self, request: Request) -> Iterator[tuple[Target, Way, bool]]:
        """Yield whom to ask in which way, and whether it is the last, within the limits."""
        exchange, world = self._exchange, self._completion.world
        plan = exchange.plan
        own = None if plan is None else plan.policy.attempts
        left = min(TRIES, (own or world.routing.attempts) - len(exchange.attempts))
        steps: list[tuple[Target, Way]] = [
            (target, way) for target in self._targets() for way in self._ways(request, target)
        ]
        if not steps or left <= 0:
            exchange.not_completed = "no target is left to ask"
        for place, (target, way) in enumerate(steps):
            if left <= 0:
                return
            # What has left since, or a change of the configuration, may have closed the way.
            if target.key not in self._down and way in self._ways(request, target):
                left -= 1
                yield target, way, left == 0 or place == len(steps) - 1

    def _targets(self) -> list[Target]:
        exchange, plan = self._exchange, self._exchange.plan
        if plan is None:
            return []
        if exchange.continuation is not None:
            try:
                plan = exchange.continuation.lead(plan)
            except CallerError:
                return []
        tried = {log.target.key for log in exchange.attempts if log.verdict != HEDGED}
        pauses = self._completion.pauses
        others = [target for target in plan.targets if target.key not in tried and not pauses(target)]
        again = [self._broken] if judge(self._problem).failure in _MERE_CUT else []
        return [*others, *again]

    def _ways(self, request: Request, target: Target) -> Sequence[Way]:
        world = self._completion.world
        preset = world.presets.get(target.account_id)
        if preset is None:
            return ()
        capabilities = world.capabilities(preset, target.model, target.dialect)
        return ways(request, self._sink.cursor, capabilities, policy=self._policy)

    async def _try(self, target: Target, way: Way, *, last: bool) -> bool:
        sent, exchange = self._sink.cursor.text, self._exchange
        begun = await self._completion.begin(exchange, target, way, sent=sent, last=last)
        if isinstance(begun, Failure):
            if begun.verdict.failover:  # else it is the way that it refused
                self._down.add(target.key)
            return False
        joiner = Joiner(MATCHES[way](sent), self._sink.cursor)
        attempt = _Attempt(begun, exchange, joiner, continue_with=self._continue_with)
        try:
            await attempt.run()
        except UpstreamError as error:
            attempt.fail(from_upstream_error(error), network(error.kind))
        finally:
            begun.close()
            attempt.book(self._completion.clock.monotonic())
            if joiner.told:
                seam = Seam(
                    at=len(sent),
                    way=way,
                    account=target.account,
                    model=target.model,
                    reason=self._problem.message[:300],
                )
                exchange.seams.append(seam)
        attempt.note()
        if self._sink.cursor.ended:
            return True
        if (failed := attempt.failed) is not None:
            self._down.add(target.key)
            took = self._completion.clock.monotonic() - begun.opened.log.started
            self._completion.failed(failed, took=took)
            self._problem = failed.problem if joiner.told else self._problem
        return False


class _Attempt:
    """One attempt to go on, from its first step to its end or its failure."""

    def __init__(
        self, begun: Begun, exchange: Exchange, joiner: Joiner, *, continue_with: ContinueWith
    ) -> None:
        self.joiner = joiner
        self.failed: Failure | None = None
        self._begun = begun
        self._exchange = exchange
        self._continue_with = continue_with
        self._usage: Usage | None = None
        self._characters = 0

    async def run(self) -> None:
        """Bring what is new to the client, until the answer ends or there is no join."""
        prepared, source = self._begun.opened.prepared, self._begun.source
        if (response := source.response) is not None:
            whole = split_response(response) if prepared.capabilities.think_tags else response
            await self._pass(replay(whole))
            return
        while self.joiner.failed is None and self.failed is None and (steps := await source.more()):
            await self._pass([event for _, events in steps for event in events])

    async def _pass(self, events: Sequence[Event]) -> None:
        out: list[Event] = []
        for event in edited(events, self._begun.opened.prepared.edits(self._exchange)):
            if type(event) is e.StreamError:
                problem = redacted(event.problem, self._begun.opened.prepared.account)
                self.fail(problem, judge(problem))
                break
            if type(event) is e.UsageUpdate:
                self._usage = merge(self._usage, event.usage)
            elif type(event) is e.PartDelta:
                self._characters += len(event.text)
            out += self.joiner.feed(event)
            if self.joiner.failed is not None:
                break
        if out:
            await self._continue_with(out, self._begun)

    def fail(self, problem: Problem, verdict: Verdict) -> None:
        """Take note that the target failed."""
        self.failed = Failure(target=self._begun.target, problem=problem, verdict=verdict)

    def book(self, now: float) -> None:
        """Write into the attempt's entry when it ended, and what it costs where nobody reads to its end."""
        log = self._begun.opened.log
        log.ended = now
        if not self.joiner.told:
            # The provider counts at the end, but what was said is paid for.
            log.usage = at_least(self._exchange, self._usage, self._characters)

    def note(self) -> None:
        """Write into the attempt's entry what came of it, where it did not end the answer."""
        log, joiner = self._begun.opened.log, self.joiner
        if joiner.failed is not None:
            log.verdict, log.error = "cut" if joiner.told else _NO_JOIN, joiner.failed[:300]
        elif self.failed is not None:
            log.verdict = "cut" if joiner.told else self.failed.verdict.failure
            log.error = self.failed.problem.message[:300]
        elif not joiner.told:
            log.verdict, log.error = _NO_JOIN, "the answer ended before a join was found"


def _policy(exchange: Exchange, world: World) -> Policy:
    """Return what becomes of a broken answer: as the key says, else the combo, else the setting."""
    plan = exchange.plan
    combo = None if plan is None else plan.policy.completion
    return exchange.caller.policy.completion or combo or world.routing.completion


__all__ = ["TRIES", "Completion", "Heard"]
