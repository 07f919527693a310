"""Whose error it is: turns what a provider said into what the caller should hear.

The caller's own mistakes keep their status and words. What concerns our accounts becomes 502 and
names the account to its owner only. Exhaustion (429, 503, 529) keeps its status, with the earliest
time at which trying again makes sense.
"""

from __future__ import annotations

import msgspec

from flowrouter.canonical.problem import Problem
from flowrouter.errors import CallerError, UpstreamError
from flowrouter.gateway.admission import AccountBusyError
from flowrouter.httpkit.caller import Caller
from flowrouter.routing import Target, Verdict

_BUSY = frozenset({"rate_limit", "overloaded"})
_BROKEN = frozenset({"server", "network", "timeout", "bad_reply"})


MISCONFIGURED = "account_misconfigured"
"""The code of a failure to build a request at all: nothing was sent."""


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """Why an attempt gave no answer; `raw` is the provider's own body, for its own dialect."""

    target: Target
    problem: Problem
    verdict: Verdict
    raw: bytes | None = None


def from_caller_error(error: CallerError) -> Problem:
    """Return the problem a refused request hears of."""
    retry = None if error.status == 429 or error.status >= 500 else False
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


def from_busy(error: AccountBusyError, target: Target) -> Failure:
    """Return the failure of a target whose account had no slot free; nothing was sent."""
    problem = Problem(status=429, message=error.message, code="account_busy", retry_after=1.0)
    return Failure(target=target, problem=problem, verdict=Verdict(failure="rate_limit", failover=True))


def deciding(failures: list[Failure]) -> Failure:
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
    failures: list[Failure], caller: Caller, *, account_owner: str | None
) -> tuple[Problem, bytes | None]:
    """Return what to tell the caller after `failures`, and the provider's own body if it may pass.

    If the deciding target was busy, they hear the earliest time at which any is free again.
    `account_owner` owns the deciding account.
    """
    decisive = deciding(failures)
    problem, failure = decisive.problem, decisive.verdict.failure
    if failure in ("auth", "billing"):
        return _account_problem(decisive, told=caller.owner_id == account_owner), None
    waits = [f.problem.retry_after for f in failures if f.problem.retry_after is not None]
    if failure in _BUSY:
        soonest = min(waits, default=None)
        return msgspec.structs.replace(problem, retry_after=soonest), decisive.raw
    if failure in ("request_fault", "context_overflow", "content_filter", "model_missing"):
        return msgspec.structs.replace(problem, retry=False), decisive.raw
    return _gateway_problem(problem), decisive.raw if problem.status == 500 else None


def _account_problem(failure: Failure, *, told: bool) -> Problem:
    who = f"the account {failure.target.account!r}" if told else "an account of this gateway"
    if failure.verdict.failure == "billing":
        what, code = "has no credit left at its provider", "upstream_billing"
    else:
        what, code = f"was refused by its provider ({failure.problem.status})", "upstream_auth"
    if failure.problem.code == MISCONFIGURED:
        why = f": {failure.problem.message}" if told else ""
        return Problem(status=502, message=f"{who} is not set up to be called{why}", code=code, retry=False)
    hint = "; check its key with `flow-router providers test`" if told else ""
    return Problem(status=502, message=f"{who} {what}{hint}", code=code, retry=False)


def _gateway_problem(problem: Problem) -> Problem:
    """Return a provider's failure under our own name: its 5xx bodies speak of its machines, not ours."""
    if problem.status == 500:
        return problem
    return msgspec.structs.replace(problem, status=504 if problem.status in (408, 504) else 502)


__all__ = [
    "MISCONFIGURED",
    "Failure",
    "deciding",
    "for_caller",
    "from_busy",
    "from_caller_error",
    "from_upstream_error",
]
