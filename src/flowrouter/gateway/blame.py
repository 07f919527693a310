"""Whose error it is: turns what a provider said into what the caller should hear.

The caller's own mistakes keep their status and words. What concerns our accounts becomes 502 and
names the account to its owner only. Exhaustion (429, 503, 529) keeps its status, with the earliest
time at which trying again makes sense.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec

from flowrouter.accounts.oauth import RefreshError
from flowrouter.canonical.problem import Problem
from flowrouter.errors import CallerError, UpstreamError
from flowrouter.gateway.admission import AccountBusyError
from flowrouter.httpkit.caller import Caller
from flowrouter.routing import Target, Verdict
from flowrouter.routing.cooldown import Pause

BUSY = "account_busy"
"""The code of a failure for want of a free slot: nothing was sent, so it tells nothing of the target."""

PAUSED = "targets_paused"
"""The code of a refusal because everybody who could answer pauses."""

_BUSY = frozenset({"rate_limit", "overloaded"})
_EXHAUSTED = frozenset({429, 500, 502, 503, 504, 529})
_TOLD_AS_SAID = frozenset(
    {"request_fault", "param_unsupported", "context_overflow", "content_filter", "model_missing"}
)
_BROKEN = frozenset({"server", "network", "timeout", "bad_reply"})


MISCONFIGURED = "account_misconfigured"
"""The code of a failure to build a request at all: nothing was sent."""


UNREACHABLE = "upstream_egress"
"""The code of a failure because the gateway may not connect there: nothing was sent."""


NO_ACCESS = "access_not_renewed"
"""The code of a failure to get an access token: nothing was sent to the provider itself."""


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """Why an attempt gave no answer; `raw` is the provider's own body, for its own dialect."""

    target: Target
    problem: Problem
    verdict: Verdict
    raw: bytes | None = None


def from_caller_error(error: CallerError) -> Problem:
    """Return the problem a refused request hears of."""
    retry = error.retry
    if retry is None and error.status != 429 and error.status < 500:
        retry = False
    return Problem(
        status=error.status,
        message=error.message,
        code=error.code,
        param=error.param,
        details=dict(error.details) if error.details is not None else None,
        retry=retry,
        retry_after=error.retry_after,
    )


def from_upstream_error(error: UpstreamError) -> Problem:
    """Return the problem an unanswered attempt amounts to."""
    status = 504 if error.kind == "timeout" else 502
    return Problem(status=status, message=error.message, code=f"upstream_{error.kind}")


def without_access(error: RefreshError) -> Problem:
    """Return the problem of an account that has no access token to show."""
    return Problem(
        status=401 if error.lasting else 503,
        message=error.message,
        code=NO_ACCESS,
        retry_after=error.retry_after,
    )


def no_access(error: RefreshError) -> Verdict:
    """Return the verdict on an account that has no access token to show."""
    return Verdict(
        failure="auth" if error.lasting else "overloaded",
        failover=True,
        scope="account",
        reason="access not renewed",
    )


def from_busy(error: AccountBusyError, target: Target) -> Failure:
    """Return the failure of a target whose account had no slot free; nothing was sent."""
    problem = Problem(status=429, message=error.message, code=BUSY, retry_after=1.0)
    return Failure(target=target, problem=problem, verdict=Verdict(failure="rate_limit", failover=True))


def without_quota(closed: Pause, target: Target) -> Failure:
    """Return the failure of a target whose quota was taken up between its choice and its turn; nothing was sent."""
    problem = Problem(status=429, message=closed.reason, code=BUSY, retry_after=1.0)
    return Failure(target=target, problem=problem, verdict=Verdict(failure="rate_limit", failover=True))


def deciding(failures: Sequence[Failure]) -> Failure:
    """Return the failure the caller hears of: one that ended the search, else the one that may pass.

    A busy target tells when to try again, a broken one that it is worth trying; either says more than an
    account that will not be let in. A fallback that could not even express the request says least.
    """
    ended = next((f for f in reversed(failures) if not f.verdict.failover), None)
    if ended is not None:
        return ended
    for hopes in (_BUSY, _BROKEN):
        passing = [f for f in failures if f.verdict.failure in hopes]
        if passing:
            return passing[-1]
    asked = [f for f in failures if f.verdict.failure != "request_fault"]
    return (asked or failures)[-1]


def for_caller(
    failures: Sequence[Failure],
    caller: Caller,
    *,
    account_owner: str | None,
    soonest: float | None = None,
) -> tuple[Problem, bytes | None]:
    """Return what to tell the caller after `failures`, and the provider's own body if it may pass.

    If the deciding target was busy, they hear the earliest time at which any is free again; `soonest` is in
    how many seconds the first pause ends. `account_owner` owns the deciding account.
    """
    decisive = deciding(failures)
    problem, failure = decisive.problem, decisive.verdict.failure
    if failure in ("auth", "billing"):
        return _account_problem(decisive, told=caller.owner_id == account_owner), None
    waits = [f.problem.retry_after for f in failures if f.problem.retry_after is not None]
    if failure in _BUSY:
        soonest = min((*waits, *(() if soonest is None else (soonest,))), default=None)
        if problem.status not in _EXHAUSTED:  # a guard's page says 403, which is no word about the caller
            return msgspec.structs.replace(_gateway_problem(problem), retry_after=soonest), None
        return msgspec.structs.replace(problem, retry_after=soonest), decisive.raw
    if failure in _TOLD_AS_SAID:
        return msgspec.structs.replace(problem, retry=False), decisive.raw
    return _gateway_problem(problem), decisive.raw if problem.status == 500 else None


def from_pauses(
    pauses: Sequence[Pause], caller: Caller, *, asked: str, targets: int, soonest: float | None
) -> Problem:
    """Return what the caller hears where nobody was asked because all `targets` of `asked` pause.

    429 if all of them are at a limit, the status of the one cause if it is the account's or the model's, else
    503. Accounts are named to their owner only.
    """
    classes = {pause.failure for pause in pauses}
    who = "the only target" if targets == 1 else f"all {targets} targets"
    verb = "pauses" if targets == 1 else "pause"
    when = "is tried again just now" if soonest is None else f"is free in {spoken(soonest)}"
    which = "it" if targets == 1 else "the first"
    own = [pause for pause in pauses if pause.owner_id == caller.owner_id]
    why = "; ".join(dict.fromkeys(f"{pause.account!r}: {pause.told(', ')}" for pause in own[:4]))
    message = f"{who} of {asked!r} {verb}; {which} {when}" + (f" ({why})" if why else "")
    wait = 1.0 if soonest is None else soonest
    status, code, retry = _PAUSED.get(next(iter(classes)), _ANY) if len(classes) == 1 else _ANY
    if own and code in ("upstream_auth", "upstream_billing"):
        message += f"; once that is mended: `flow-router providers test {own[0].account}`"
    return Problem(status=status, message=message, code=code, retry=retry, retry_after=wait)


def spoken(seconds: float) -> str:
    """Return a time as people say it: `1m 20s`, never less than a second."""
    whole = max(1, math.ceil(seconds))
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    parts = [f"{value}{unit}" for value, unit in ((hours, "h"), (minutes, "m"), (rest, "s")) if value]
    return " ".join(parts[:2])


_ANY: tuple[int, str, bool | None] = (503, PAUSED, None)
_PAUSED: dict[str, tuple[int, str, bool | None]] = {
    "rate_limit": (429, PAUSED, None),
    "auth": (502, "upstream_auth", False),
    "billing": (502, "upstream_billing", False),
    "model_missing": (404, "model_not_found", False),
}


def _account_problem(failure: Failure, *, told: bool) -> Problem:
    who = f"the account {failure.target.account!r}" if told else "an account of this gateway"
    if failure.verdict.failure == "billing":
        what, code = "has no credit left at its provider", "upstream_billing"
    else:
        what, code = f"was refused by its provider ({failure.problem.status})", "upstream_auth"
    if failure.problem.code == MISCONFIGURED:
        why = f": {failure.problem.message}" if told else ""
        return Problem(status=502, message=f"{who} is not set up to be called{why}", code=code, retry=False)
    if failure.problem.code == UNREACHABLE:
        why = f": {failure.problem.message}" if told else ""
        return Problem(status=502, message=f"{who} may not be reached{why}", code=code, retry=False)
    if failure.problem.code == NO_ACCESS:
        why = f": {failure.problem.message}" if told else ""
        return Problem(status=502, message=f"{who} has no access{why}", code=code, retry=False)
    hint = "; check its key with `flow-router providers test`" if told else ""
    return Problem(status=502, message=f"{who} {what}{hint}", code=code, retry=False)


def _gateway_problem(problem: Problem) -> Problem:
    """Return a provider's failure under our own name: its 5xx bodies speak of its machines, not ours."""
    if problem.status == 500:
        return problem
    return msgspec.structs.replace(problem, status=504 if problem.status in (408, 504) else 502)


__all__ = [
    "BUSY",
    "MISCONFIGURED",
    "NO_ACCESS",
    "PAUSED",
    "UNREACHABLE",
    "Failure",
    "deciding",
    "for_caller",
    "from_busy",
    "from_caller_error",
    "from_pauses",
    "from_upstream_error",
    "no_access",
    "spoken",
    "without_access",
    "without_quota",
]
