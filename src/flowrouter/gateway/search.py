"""One request's course put into practice: try, wait, let pause, until somebody answers or nobody is left."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Sequence
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
from flowrouter.gateway.trials import Trial
from flowrouter.gateway.tries import Tries
from flowrouter.gateway.world import World
from flowrouter.routing import Plan, Target, judge
from flowrouter.routing.cooldown import Pause
from flowrouter.routing.course import Course, End, Limits, Step, Try, Wait
from flowrouter.routing.tree import NO_POLICY
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
        self, exchange: Exchange, client: Client, plan: Plan, *, world: World, settle: Settle, clear: bool
    ) -> Lost | None:
        """Answer the client; return why nobody did. `settle` is `Relay.deliver`'s, `clear` is `Course`'s."""
        cooldowns, now, timed = self._cooldowns, self._clock.now, TIMEOUT_HEADER in exchange.inbound.headers
        # Nearly always the plan's first step answers: the course is set out for once that fails.
        step: Step | None = plan.first if clear and not timed else None
        course = self._course(exchange, plan, world, clear=clear) if step is None else None
        failures: list[Failure] = []
        while True:
            began = now()
            step = step if course is None else course.next(began)
            if not isinstance(step, Try):
                assert step is not None
                if isinstance(step, End):
                    return self._lost(plan, failures, soonest=step.soonest)
                await self._pass(step, exchange)
                continue
            trial = None
            if course is not None and step.trial:
                if (trial := await self._begin_trial(step.target, exchange, course)) is None:
                    continue
                began = now()
            before, begun = len(exchange.attempts), None
            lost: list[Failure] = []
            try:
                if timed or step.fallback is not None:
                    begun = await self._begin(step, exchange, world, lost=lost)
                else:
                    begun = await self._tries.open(exchange, world, step.target, wait=self._wait)
                if (
                    lost
                    or cooldowns.known
                    or isinstance(begun, Failure)
                    or not retry_after.says_nothing(begun.opened.reply.headers)
                ):  # else an answer of which nothing is to be learned, as nearly always
                    course = course or self._course(exchange, plan, world, clear=clear, first=step)
                    await self._learn(
                        begun,
                        step,
                        exchange,
                        course=course,
                        lost=lost,
                        failures=failures,
                        began=began,
                        before=before,
                    )
            finally:
                if trial is not None:
                    await self._end_trial(trial, exchange.attempts[before:], of=step.target, begun=begun)
            if not isinstance(begun, Begun):
                continue
            began = now()
            failure = await self._relay.deliver(begun, exchange, client, settle=settle)
            if failure is None:
                if begun.opened.log.verdict == "cut":
                    await self._look_back(begun, exchange)
                return None
            course = course or self._course(exchange, plan, world, clear=clear, first=step)
            await self._take_in(failure, course, failures, began=began, trial=step.trial)

    def _course(
        self, exchange: Exchange, plan: Plan, world: World, *, clear: bool, first: Try | None = None
    ) -> Course:
        """Return what a request may do, behind its `first` step if that has been taken."""
        limits, cooldowns = world.limits, self._cooldowns
        if plan.policy is not NO_POLICY or TIMEOUT_HEADER in exchange.inbound.headers:
            limits = self._limited(limits, exchange, plan)
        course = Course(
            plan.targets, limits, cooldowns.obstacle, self._draw, cooldowns.riskable, world.window, clear
        )
        if first is not None:
            course.begun(first)
        return course

    def _lost(self, plan: Plan, failures: list[Failure], *, soonest: float | None) -> Lost:
        causes = [self._cooldowns.cause(target) for target in plan.targets]
        pauses = tuple([pause for pause in causes if pause is not None])
        return Lost(failures=tuple(failures), pauses=pauses, soonest=soonest)

    def _limited(self, limits: Limits, exchange: Exchange, plan: Plan) -> Limits:
        """Return what the request may do: no longer than its client waits, and by the plan's own policy."""
        if (left := self._tries.time_left(exchange)) is not None:
            limits = msgspec.structs.replace(limits, wait=max(0.0, min(limits.wait, left)))
        return limits if plan.policy is NO_POLICY else limits.under(plan.policy)

    async def _begin_trial(self, target: Target, exchange: Exchange, course: Course) -> Trial | None:
        """Return the right to try `target` out, None where somebody else has it."""
        came = partial(_head_came, exchange, target, len(exchange.attempts))
        trial = await self._cooldowns.begin_trial(target, head_came=came)
        if trial is None:
            course.denied(target)
        return trial

    async def _end_trial(
        self, trial: Trial, attempts: Sequence[AttemptLog], *, of: Target, begun: Begun | Failure | None
    ) -> None:
        for log in attempts:
            log.trial = log.target.key == of.key
        try:
            await self._cooldowns.end_trial(trial)
        except BaseException:  # as in `_learn`
            if isinstance(begun, Begun):
                begun.close()
            raise

    def _begin(
        self, step: Try, exchange: Exchange, world: World, *, lost: list[Failure]
    ) -> Awaitable[Begun | Failure]:
        """Begin a try within its time: the client's, or what it has since somebody else can be asked.

        `lost` takes a lost hedge's failure.
        """
        alone = step.fallback is None
        return self._tries.begin(
            exchange,
            world,
            step.target,
            first_token=None if alone else self._tries.first_token(exchange, world, step.target),
            wait=self._wait if alone else 0.0,
            rival=step.rival,
            spare=step.spare,
            lost=lost.append,
        )

    async def _learn(
        self,
        begun: Begun | Failure,
        step: Try,
        exchange: Exchange,
        *,
        course: Course,
        lost: list[Failure],
        failures: list[Failure],
        began: float,
        before: int,
    ) -> None:
        """Take in what failed, those that were `lost` first, and what an answer disproves."""
        try:
            answers = isinstance(begun, Begun)
            for failure in lost if answers else (*lost, begun):
                trial = step.trial and failure.target == step.target
                pause = await self._take_in(failure, course, failures, began=began, trial=trial, over=answers)
                if pause is not None:
                    _note_pause(exchange.attempts[before:], failure, pause.until - self._clock.now())
            if answers:
                left = retry_after.used_up(begun.opened.reply.headers, now=self._clock.now())
                if left is not None or self._cooldowns.known:
                    await self._cooldowns.answered(begun.target, began=began, left=left)
        except BaseException:  # a client that leaves now must not leave its answer open
            if isinstance(begun, Begun):
                begun.close()
            raise

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
        if pause is not None and not exchange.settled:  # though it may be entered yet
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
