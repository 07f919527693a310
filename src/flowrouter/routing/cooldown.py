"""How long a target pauses after a failure, and when one request may find out whether it is back.

A pause belongs to a scope: an account, one model of an account, or a host. Its length is the time the
provider named, else one that doubles with each failure in a row. All failures of attempts that were
under way when a pause began are one burst, and count once. After its end a pause stands *half open*:
one request at a time tries the target, the others go on as if it paused still; a success ends the pause
and its count, another failure begins the next. Jitter only lengthens, so that a time a provider named
is never undercut.
"""

from __future__ import annotations

import msgspec

from flowrouter.routing.target import Target
from flowrouter.routing.verdict import FailureClass, Scope, Verdict

JITTER = 0.1
"""The share by which a pause is lengthened at most."""

SHORT_MAX = 20.0
"""Seconds that a pause without a named end may last where the provider, not the account, is at fault."""

NEWS = 1.0
"""Seconds until every worker has heard of a pause: failures of attempts begun until then are the same burst."""

KEPT = 3_600.0
"""Seconds for which a pause is remembered after its end, if nobody tries its target."""

SKEW = 60.0
"""Seconds by which the clocks of several machines may differ."""

NAMED_EARLY = 0.1
"""Provider clocks are coarse: what is named to be over sooner than this needs no pause."""


class Backoff(msgspec.Struct, frozen=True):
    """How a class of failure is waited out.

    The first pause lasts `first` seconds, each further one twice as long up to `most`. `named` says that
    a time the provider names counts instead. `risk`: so many seconds after the failure one request may
    try all the same, if everything it could ask instead pauses as well.
    """

    first: float
    most: float
    named: bool
    risk: float


BACKOFFS: dict[FailureClass, Backoff] = {
    "auth": Backoff(300.0, 1_800.0, False, 15.0),
    "billing": Backoff(1_800.0, 1_800.0, False, 30.0),
    "model_missing": Backoff(3_600.0, 12 * 3_600.0, False, 10.0),
    "rate_limit": Backoff(1.0, 240.0, True, 10.0),
    "overloaded": Backoff(5.0, SHORT_MAX, True, 2.0),
    "server": Backoff(15.0, SHORT_MAX, True, 2.0),
    "network": Backoff(10.0, SHORT_MAX, True, 2.0),
    "timeout": Backoff(15.0, 16.5, True, 5.0),
    "bad_reply": Backoff(15.0, 16.5, True, 2.0),
}
"""The classes that pause anything."""


class Pause(msgspec.Struct, frozen=True, kw_only=True):
    """One scope's pause; times are wall seconds.

    `level` counts failures in a row, 0 where nothing failed and the provider only said that its limit is
    used up. `named` says that the provider named the end. `mark` tells the account's credentials and
    address from later ones: a pause does not outlive what caused it. `quota`: nobody failed, a window of the
    account is used up or its rest kept back.
    """

    failure: FailureClass
    reason: str
    since: float
    until: float
    level: int = 1
    named: bool = False
    account_id: str = ""
    account: str = ""
    model: str = ""
    owner_id: str = ""
    mark: str = ""
    quota: bool = False

    def told(self, joint: str = ": ") -> str:
        """Return its cause in a few words: the class, and what was said."""
        if self.quota or not self.reason:
            return self.reason or self.failure
        return f"{self.failure}{joint}{self.reason}"

    def over(self, now: float) -> bool:
        """Return whether the time is up; a clock that was set back does not make it longer."""
        return now >= self.until or self.ahead(now)

    def ahead(self, now: float) -> bool:
        """Return whether it seems to have begun in the future: then the clock was set back meanwhile."""
        return now < self.since - SKEW

    def gone(self, now: float) -> bool:
        """Return whether nothing of it is left: it asks for no trial, or nobody made one for long."""
        return now >= self.until + (KEPT if self.level else 0.0)

    def riskable(self, now: float) -> float | None:
        """Return the seconds until one request may be risked before the end; None where never."""
        if self.named or not self.level:
            return None
        return max(0.0, self.since + BACKOFFS[self.failure].risk - now)


class Failed(msgspec.Struct, frozen=True, kw_only=True):
    """A failure as a pause sees it; `began` is when its attempt began, `named` the seconds a provider asked for."""

    failure: FailureClass
    reason: str
    began: float
    named: float | None = None


def key_of(scope: Scope, target: Target) -> str:
    """Return the name of a target's scope; a host nobody named is the account's own."""
    match scope:
        case "account":
            return f"account:{target.account_id}"
        case "model":
            return f"model:{target.key}"
        case "host":
            return f"host:{target.host or target.account_id}"


def keys_of(target: Target) -> tuple[str, str, str]:
    """Return the names of every scope that may pause a target, the widest first."""
    return key_of("host", target), key_of("account", target), key_of("model", target)


def scope_key(verdict: Verdict, target: Target) -> str | None:
    """Return the name of what a verdict pauses, None for nothing."""
    if verdict.scope is None or verdict.failure not in BACKOFFS:
        return None
    return key_of(verdict.scope, target)


def paused(before: Pause | None, failed: Failed, *, now: float, draw: float, most: float) -> Pause:
    """Return the pause after a failure.

    `before` is the scope's pause so far, `draw` a random number in [0, 1), `most` the most seconds that a
    named time may count.
    """
    backoff = BACKOFFS[failed.failure]
    named = failed.named if backoff.named and failed.named is not None else None
    if before is not None and not before.ahead(now) and _same_burst(before, failed.began):
        return _stretched(before, named, now=now, draw=draw, most=most)
    level = 1 if before is None else before.level + 1
    if named is not None:
        seconds = min(named * (1 + JITTER * draw), max(most, 0.0))
    else:
        steps = min(level - 1, 20)
        seconds = min(backoff.first * 2**steps * (1 + JITTER * draw), backoff.most)
    return Pause(
        failure=failed.failure,
        reason=failed.reason,
        since=now,
        until=now + seconds,
        level=level,
        named=named is not None,
    )


def used_up(before: Pause | None, seconds: float, *, now: float, most: float) -> Pause | None:
    """Return the pause after a good answer that said nothing is left for `seconds`; None where it needs none."""
    until = now + min(seconds, most)
    if seconds < NAMED_EARLY or (before is not None and before.until >= until):
        return before
    return Pause(
        failure="rate_limit",
        reason="the provider said that nothing is left until its limit resets",
        since=now,
        until=until,
        level=0,
        named=True,
    )


def survives(pause: Pause, began: float, *, now: float) -> bool:
    """Return whether a pause outlasts a success of an attempt begun at `began`: one before it proves nothing."""
    return began <= pause.since and not pause.ahead(now)


def worth_keeping(pause: Pause) -> bool:
    """Return whether a pause is long enough to be kept over a restart: a minute or more."""
    return pause.until - pause.since >= 60.0


def believable(pause: Pause, now: float, *, most: float) -> bool:
    """Return whether a kept pause can still stand: not over, and no longer than any that is made now."""
    longest = max(most, *(backoff.most for backoff in BACKOFFS.values())) * (1 + JITTER)
    return now < pause.until <= now + longest


def _same_burst(before: Pause, began: float) -> bool:
    return before.level > 0 and began <= before.since + min(NEWS, max(0.0, before.until - before.since))


def _stretched(before: Pause, named: float | None, *, now: float, draw: float, most: float) -> Pause:
    if named is None:
        return before
    until = now + min(named * (1 + JITTER * draw), most)
    return msgspec.structs.replace(before, until=until, named=True) if until > before.until else before


__all__ = [
    "BACKOFFS", "JITTER", "KEPT", "NEWS", "SHORT_MAX", "Backoff", "Failed", "Pause", "believable", "key_of",
    "keys_of", "paused", "scope_key", "survives", "used_up", "worth_keeping",
]  # fmt: skip
