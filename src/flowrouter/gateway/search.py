"""One request's course put into practice: try, wait, let pause, until somebody answers or nobody is left."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from functools import partial

import msgspec

from flowrouter.canonical.problem import Problem
from flowrouter.clock import Clock
from flowrouter.gateway import retry_after
from flowrouter.gateway.attempt_log import AttemptLog
from flowrouter.gateway.begun import TIMEOUT_HEADER, Begun
from flowrouter.gateway.blame import BUSY, Failure
from flowrouter.gateway.client import Client
from flowrouter.gateway.cooldowns import Cooldowns
from flowrouter.gateway.exchange import Exchange
from flowrouter.gateway.relay import Relay
from flowrouter.gateway.tries import Tries
from flowrouter.gateway.world import World
from flowrouter.routing import Plan, Target, judge
from flowrouter.routing.cooldown import Pause
from flowrouter.routing.course import Course, End, Try, Wait
from flowrouter.routing.verdict import Verdict, of_class

Settle = Callable[[Exchange], None]


class Lost(msgspec.Struct, frozen=True, kw_only=True):
    """Why nobody answered: the failures in order, who pauses, and in how many seconds the first is free."""

    failures: tuple[Failure, ...]
    pauses: tuple[Pause, ...]
    soonest: float | None


class Search:
    """Finds who answers; what it needs is given once. `wait` is how long the last full account is waited for."""

    def __init__(
        self,
        *,
        tries: Tries,
        relay: Relay,
        cooldowns: Cooldowns,
        clock: Clock,
        wait: float,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._tries = tries
        self._relay = relay
        self._cooldowns = cooldowns
        self._clock = clock
        self._wait = wait
        self._draw = draw

    async def run(
        self, exchange: Exchange, client: Client, plan: Plan, *, world: World, settle: Settle
    ) -> Lost | None:
        """Answer the client; return why nobody did. `settle` is `Relay.deliver`'s."""
        cooldowns, now, limits = self._cooldowns, self._clock.now, world.limits
        if (
            TIMEOUT_HEADER in exchange.inbound.headers
            and (left := self._tries.time_left(exchange)) is not None
        ):
            limits = msgspec.structs.replace(limits, wait=max(0.0, min(limits.wait, left)))
        course = Course(
            plan,
            limits,
            obstacle=cooldowns.obstacle,
            riskable=cooldowns.riskable,
            context=world.window,
            draw=self._draw,
        )
        failures: list[Failure] = []
        while not isinstance(step := course.next(now()), End):
            if isinstance(step, Wait):
                await self._pass(step, exchange)
                continue
            begun = await self._begin(step, exchange, course, world=world, failures=failures)
            if begun is None:
                continue
            began = now()
            failure = await self._relay.deliver(begun, exchange, client, settle=settle)
            if failure is None:
                if begun.opened.log.verdict == "cut":
                    await self._look_back(begun, exchange)
                return None
            await self._take_in(failure, course, failures, began=began, trial=step.trial)
        pauses = [pause for target in plan.targets if (pause := cooldowns.cause(target)) is not None]
        return Lost(failures=tuple(failures), pauses=tuple(pauses), soonest=step.soonest)

    async def _begin(
        self, step: Try, exchange: Exchange, course: Course, *, world: World, failures: list[Failure]
    ) -> Begun | None:
        """Return the begun answer of a target, None where there is none; what failed is taken in."""
        trial = None
        if step.trial:
            trial = await self._cooldowns.begin_trial(
                step.target, head_came=partial(_head_came, exchange, step.target, len(exchange.attempts))
            )
            if trial is None:
                course.denied(step.target)
                return None
        began, before = self._clock.now(), len(exchange.attempts)
        lost: list[Failure] = []
        begun: Begun | Failure | None = None
        try:
            begun = await self._tries.begin(
                exchange,
                world,
                step.target,
                first_token=self._tries.first_token(exchange, world, step.target) if step.fallback else None,
                wait=0.0 if step.fallback else self._wait,
                rival=step.rival,
                spare=step.spare,
                lost=lost.append,
            )
            answers = isinstance(begun, Begun)
            if not answers:
                lost.append(begun)
            for failure in lost:
                trial_of = step.trial and failure.target == step.target
                pause = await self._take_in(
                    failure, course, failures, began=began, trial=trial_of, over=answers
                )
                if pause is not None:
                    _note_pause(exchange.attempts[before:], failure, pause.until - self._clock.now())
            if not answers:
                return None
            left = retry_after.used_up(begun.opened.reply.headers, now=self._clock.now())
            if left is not None or self._cooldowns.known:
                await self._cooldowns.answered(begun.target, began=began, left=left)
            return begun
        except BaseException:  # a client that leaves now must not leave its answer open
            if isinstance(begun, Begun):
                begun.close()
            raise
        finally:
            if trial is not None:
                for log in exchange.attempts[before:]:
                    log.trial = log.target.key == step.target.key
                await self._cooldowns.end_trial(trial)

    async def _take_in(
        self,
        failure: Failure,
        course: Course,
        failures: list[Failure],
        *,
        began: float,
        trial: bool,
        over: bool = False,
    ) -> Pause | None:
        """Write a failure down, and let what it blames pause unless it is asked again at once; return the pause.

        `over`: another answers already, so that nobody is asked again.
        """
        failures.append(failure)
        if failure.problem.code == BUSY:
            course.busy(failure.target)
            return None
        again = course.failed(
            failure.target,
            failure.verdict,
            retry_after=failure.problem.retry_after,
            took=self._clock.now() - began,
            trial=trial,
        )
        if over or not again:
            return await self._cooldowns.failed(failure, began=began)
        return None

    async def _pass(self, step: Wait, exchange: Exchange) -> None:
        """Wait; before the same target's next try whole, else until there is news."""
        since = self._clock.monotonic()
        await self._cooldowns.news(step.seconds, early=step.again is None)
        waited = self._clock.monotonic() - since
        exchange.waited += waited
        exchange.upstream_wait += waited

    async def _look_back(self, begun: Begun, exchange: Exchange) -> None:
        """Let a target pause whose answer broke off behind the commit, whoever completed it."""
        log = begun.opened.log
        problem, verdict = exchange.problem, of_class("network", reason="its answer broke off")
        if problem is None:
            problem = Problem(status=502, message=log.error or verdict.reason)
        else:
            verdict = _if_lasting(judge(problem), verdict)
        failure = Failure(target=begun.target, problem=problem, verdict=verdict)
        took = self._clock.monotonic() - log.started
        pause = await self._cooldowns.failed(failure, began=self._clock.now() - took)
        if pause is not None:
            log.paused = max(0.0, pause.until - self._clock.now())


def _head_came(exchange: Exchange, target: Target, before: int) -> bool:
    """Return whether an attempt at `target` behind the first `before` ones was answered with status 200."""
    return any(log.status == 200 and log.target.key == target.key for log in exchange.attempts[before:])


def _note_pause(attempts: Sequence[AttemptLog], failure: Failure, seconds: float) -> None:
    """Note at the attempt that failed for how long its target pauses."""
    for log in reversed(attempts):
        if log.target.key == failure.target.key:
            log.paused = max(0.0, seconds)
            return


def _if_lasting(judged: Verdict, otherwise: Verdict) -> Verdict:
    """Return the provider's own word on why a stream ended, `otherwise` where that is no class of its own."""
    return otherwise if judged.failure == "server" else judged


__all__ = ["Lost", "Search"]
