"""Which step comes next for one request: try a target, wait, or give up. No I/O, no clock but an argument.

Targets are tried in the plan's order. Who pauses is passed over while anybody else is left, a request the
provider blames ends the search, and what cannot change within this request (a refused key, a missing model)
is not asked again. When everybody pauses the course waits, if that is short enough, and goes round again,
three times at most. Waiting altogether stays within one budget; tries within another, which a target that
was never fit for the request does not use up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from flowrouter.routing.signals import Obstacle
from flowrouter.routing.target import Target
from flowrouter.routing.tree import Policy
from flowrouter.routing.verdict import Verdict

ROUNDS = 3
"""How often one request goes through the plan."""

SOON = 2.0
"""Seconds a provider may ask for to be waited out on the spot."""

AGAIN = (0.2, 0.5)
"""Seconds before the same target is asked once more after a failure that may have been a moment's."""

QUICK = 10.0
"""Seconds within which a target must have failed to be asked once more: a slow failure costs too much twice."""

LOOK = 1.0
"""Seconds between looks at a target that another request is trying out."""

_SHORTEST = 0.01
_LATE = 0.25
_STEPS_MAX = 200
_NOBODY: Mapping[str, int] = {}

_UNFIT = frozenset(
    {
        "auth",
        "billing",
        "model_missing",
        "request_fault",
        "param_unsupported",
        "context_overflow",
        "content_filter",
    }
)
"""Failures that asking again within this request cannot mend; they use up no try."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What one request may do: tries, seconds of waiting, and whether a policy refusal is asked elsewhere."""

    attempts: int = 8
    wait: float = 5.0
    past_content_filter: bool = False

    def under(self, policy: Policy) -> Limits:
        """Return these limits with those of a plan's own `policy` before them."""
        return Limits(
            attempts=self.attempts if policy.attempts is None else policy.attempts,
            wait=self.wait if policy.wait is None else policy.wait,
            past_content_filter=self.past_content_filter,
        )


class Try(msgspec.Struct, frozen=True, kw_only=True):
    """Ask `target`.

    `trial`: it pauses or did, and only who holds its trial may ask. `fallback` is who was not asked yet and
    could be asked at once instead, `rival` the same where no trial is needed for it; `spare` tells that somebody
    is left beside the rival.
    """

    target: Target
    trial: bool = False
    fallback: Target | None = None
    rival: Target | None = None
    spare: bool = False


class Wait(msgspec.Struct, frozen=True, kw_only=True):
    """Wait `seconds`, less if a pause ends early; `again` is the target whose own next try this is."""

    seconds: float
    again: Target | None = None


class End(msgspec.Struct, frozen=True, kw_only=True):
    """Give up; `soonest` is in how many seconds a target is free again, None where none is or no pause ends."""

    soonest: float | None = None


Step = Try | Wait | End


class Course(msgspec.Struct, eq=False):
    """The steps of one request; tell it what came of each try with `failed`, `denied` or `busy`.

    `obstacle` tells who pauses now, `draw` a number in [0, 1), `riskable` in how many seconds one who pauses may be
    asked all the same (None: not), `context` the tokens a target can read (None: unknown). `clear`: nobody pauses as
    the course begins, and no target stands there twice, so that its first step asks for no obstacle.
    """

    _targets: tuple[Target, ...]
    _limits: Limits
    _obstacle: Callable[[Target], Obstacle | None]
    _draw: Callable[[], float]
    _riskable: Callable[[Target], float | None] = lambda _: None
    _context: Callable[[Target], int | None] = lambda _: None
    _clear: bool = False

    # How each begins; never changed in place. Most courses are one step long and write hardly any of it.
    _dropped: frozenset[str] = frozenset()
    _tried: Mapping[str, int] = _NOBODY
    _repeated: frozenset[str] = frozenset()
    _again: tuple[Target, float] | None = None
    _round: int = 1
    _tries: int = 0
    _steps: int = 0
    _waited: float = 0.0
    _waiting_since: float | None = None
    _ended: bool = False

    __repr__ = object.__repr__

    @property
    def waited(self) -> float:
        """Return the seconds spent waiting so far."""
        return self._waited

    def next(self, now: float) -> Step:
        """Return the next step at `now`, wall seconds."""
        if not self._steps:  # of the first step nothing of what follows can be true
            self._steps = 1
            targets = self._targets
            if len(targets) == 1:
                if self._clear or self._obstacle(targets[0]) is None:
                    return Try(target=targets[0])
            elif self._clear:
                return self._first(targets)
        else:
            if self._waiting_since is not None:
                self._waited += max(0.0, now - self._waiting_since)
                self._waiting_since = None
            if self._ended or self._steps >= _STEPS_MAX or self._tries >= self._limits.attempts:
                return self._end(now)
            if self._again is not None and (step := self._repeat(now)) is not None:
                self._steps += 1
                return step
            self._steps += 1
        return self._open() or self._later(now) or self._end(now)

    def begun(self, first: Try) -> None:
        """Take in that the first step of all was taken, which `first_step` told."""
        self._steps = 1
        if len(self._targets) > 1:
            self._tried = {first.target.key: self._round}

    def failed(
        self,
        target: Target,
        verdict: Verdict,
        *,
        retry_after: float | None,
        took: float = 0.0,
        trial: bool = False,
    ) -> bool:
        """Take in a failure that took so many seconds; return whether the same target is asked once more.

        If so, it need not pause yet.
        """
        self._tried = {**self._tried, target.key: self._round}
        if verdict.failure not in _UNFIT:
            self._tries += 1
        filtered = verdict.failure == "content_filter" and self._limits.past_content_filter
        if not verdict.failover and not filtered:
            self._ended = True
            return False
        if verdict.failure == "context_overflow":
            self._drop_smaller(target)
        if verdict.failure in _UNFIT or verdict.scope is None:
            self._drop(target)
            return False
        if trial or took > QUICK:
            return False
        return self._plan_again(target, verdict, retry_after=retry_after)

    def denied(self, target: Target) -> None:
        """Take in that somebody else has the trial of `target`."""
        self._tried = {**self._tried, target.key: self._round}

    def busy(self, target: Target) -> None:
        """Take in that the account of `target` had no place free; that is no failure of it."""
        self._drop(target)

    def _drop(self, target: Target) -> None:
        self._dropped |= {target.key}

    def _plan_again(self, target: Target, verdict: Verdict, *, retry_after: float | None) -> bool:
        if target.key in self._repeated:
            return False
        left = self._limits.wait - self._waited
        if verdict.same_target:
            pause = AGAIN[0] + (AGAIN[1] - AGAIN[0]) * self._draw()
            held = True
        elif verdict.failure == "rate_limit" and retry_after is not None and retry_after <= SOON:
            pause = retry_after * (1 + 0.1 * self._draw())
            held = False
        else:
            return False
        if pause > left or self._tries >= self._limits.attempts:
            return False
        self._repeated |= {target.key}
        self._again = (target, pause)
        return held

    def _repeat(self, now: float) -> Step | None:
        """Return the step of asking the same target once more, if that is what comes next."""
        assert self._again is not None
        target, pause = self._again
        obstacle = self._obstacle(target)
        if pause > 0:
            if obstacle is not None and obstacle.until is not None:
                pause = max(pause, obstacle.until - now)
            self._again = (target, 0.0)
            if pause <= self._limits.wait - self._waited:
                return self._wait(pause, now, again=target)
            self._again = None
            return None
        if obstacle is not None and obstacle.until is not None and 0 < obstacle.until - now <= _LATE:
            # A timer may ring a moment before the pause it was set for ends.
            return self._wait(max(_SHORTEST, obstacle.until - now), now, again=target)
        self._again = None
        if obstacle is None or obstacle.probe:
            return self._try(target, trial=obstacle is not None)
        return None

    def _first(self, targets: Sequence[Target]) -> Try:
        """Return what `_open` does where nothing stands in the way of several."""
        first = first_step(targets, self._limits.attempts)
        self.begun(first)
        return first

    def _open(self) -> Step | None:
        """Return a try at the first target of this round in whose way nothing stands."""
        for target in self._left() if self._tried or self._dropped else self._targets:
            obstacle = self._obstacle(target)
            if obstacle is None or obstacle.probe:
                return self._try(target, trial=obstacle is not None)
        return None

    def _later(self, now: float) -> Step | None:
        """Return what is left when nobody is open: a trial before its time, a wait, or another round."""
        budget = self._limits.wait - self._waited
        soonest: float | None = None
        for target in self._left():
            risk = self._riskable(target) if target.key not in self._tried else None
            if risk is not None and risk <= 0:
                return self._try(target, trial=True)
            soonest = _least(soonest, self._ready(target, now), risk)
        if self._round < ROUNDS:
            for target in self._targets:
                if self._tried.get(target.key) == self._round and target.key not in self._dropped:
                    soonest = _least(soonest, self._ready(target, now))
        if soonest is None or soonest > budget or (soonest <= 0 and not self._new_round()):
            return None
        if soonest <= 0:
            return self._open()
        return self._wait(soonest, now)

    def _new_round(self) -> bool:
        if self._round >= ROUNDS:
            return False
        self._round += 1
        return True

    def _left(self) -> Sequence[Target]:
        """Return who was not asked in this round yet and is worth asking."""
        return [
            target
            for target in self._targets
            if target.key not in self._dropped and self._tried.get(target.key) != self._round
        ]

    def _ready(self, target: Target, now: float) -> float:
        """Return in how many seconds it is worth looking at `target` again."""
        obstacle = self._obstacle(target)
        if obstacle is None or obstacle.probe:
            return 0.0
        if obstacle.until is None:
            return min(LOOK, max(_SHORTEST, self._limits.wait - self._waited))
        return max(_SHORTEST, obstacle.until - now)

    def _try(self, target: Target, *, trial: bool) -> Try:
        if len(self._targets) == 1:  # what comes of it is noted then: no rival's answer can come of it
            return Try(target=target, trial=trial)
        self._tried = {**self._tried, target.key: self._round}
        fallback = rival = None
        several = False
        if self._tries + 1 < self._limits.attempts:
            for other in self._targets:  # who was never asked and could be asked now
                if other.key in self._tried or other.key in self._dropped:
                    continue
                obstacle = self._obstacle(other)
                if obstacle is None or obstacle.probe:
                    several = fallback is not None
                    fallback = fallback or other
                    if obstacle is None:
                        rival = rival or other
                    if several and rival is not None:
                        break
        spare = several and self._tries + 2 < self._limits.attempts
        return Try(target=target, trial=trial, fallback=fallback, rival=rival, spare=spare)

    def _wait(self, seconds: float, now: float, *, again: Target | None = None) -> Wait:
        self._waiting_since = now
        return Wait(seconds=seconds, again=again)

    def _drop_smaller(self, target: Target) -> None:
        """Drop who cannot read more than `target` could; unknown counts as larger."""
        window = self._context(target)
        if window is None:
            return
        for other in self._targets:
            known = self._context(other)
            if known is not None and known <= window:
                self._drop(other)

    def _end(self, now: float) -> End:
        self._ended = True
        waits = [
            max(0.0, obstacle.until - now)
            for target in self._targets
            if (obstacle := self._obstacle(target)) is not None and obstacle.until is not None
        ]
        return End(soonest=min(waits, default=None))


def first_step(targets: Sequence[Target], attempts: int) -> Try:
    """Return what comes first, in so many attempts, where nothing stands in anybody's way."""
    if len(targets) == 1 or attempts < 2:
        return Try(target=targets[0])
    other = targets[1]
    return Try(target=targets[0], fallback=other, rival=other, spare=len(targets) > 2 and attempts > 2)


def _least(*values: float | None) -> float | None:
    return min((value for value in values if value is not None), default=None)


__all__ = [
    "AGAIN", "LOOK", "QUICK", "ROUNDS", "SOON", "Course", "End", "Limits", "Step", "Try", "Wait", "first_step",
]  # fmt: skip
