"""What an attempt's failure means: who is to blame, and whether another target may be asked.

Classes after the vendors' published errors (November 2026). A request-class status (400, 413, 422)
is never re-read by a text rule except for what vendors hide there: a context overflow, a model the
provider does not have, and Anthropic's own sentence for an account without credit. Those rules read
fixed sentences, because the rest of a message may quote the request.
"""

from __future__ import annotations

import re
from typing import Literal

import msgspec

from flowrouter.canonical.problem import Problem

FailureClass = Literal[
    "request_fault",
    "context_overflow",
    "content_filter",
    "auth",
    "billing",
    "model_missing",
    "rate_limit",
    "overloaded",
    "server",
    "network",
    "timeout",
    "bad_reply",
]


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """`failover`: the next target may be asked; `same_target`: this one may be asked once more."""

    failure: FailureClass
    failover: bool
    same_target: bool = False


_BY_CLASS: dict[FailureClass, tuple[bool, bool]] = {
    "request_fault": (False, False),
    "context_overflow": (True, False),
    "content_filter": (False, False),
    "auth": (True, False),
    "billing": (True, False),
    "model_missing": (True, False),
    "rate_limit": (True, False),
    "overloaded": (True, False),
    "server": (True, True),
    "network": (True, True),
    "timeout": (True, False),
    "bad_reply": (True, True),
}

_BY_STATUS: dict[int, FailureClass] = {
    400: "request_fault",
    401: "auth",
    402: "billing",
    403: "auth",
    404: "model_missing",
    408: "timeout",
    409: "request_fault",
    413: "request_fault",
    415: "request_fault",
    422: "request_fault",
    429: "rate_limit",
    503: "overloaded",
    504: "timeout",
    529: "overloaded",
}

_BY_CODE: dict[str, FailureClass] = {
    "context_length_exceeded": "context_overflow",
    "content_policy_violation": "content_filter",
    "content_filter": "content_filter",
    "insufficient_quota": "billing",
    "invalid_api_key": "auth",
    "model_decommissioned": "model_missing",
    "model_not_supported": "model_missing",
    "rate_limit_exceeded": "rate_limit",
    "billing_hard_limit_reached": "billing",
    "model_not_found": "model_missing",
}

_CONTEXT_PHRASES = ("context length", "context window", "prompt is too long", "maximum context")
_NO_MODEL = re.compile(
    r"""(?:unknown|invalid|unsupported)\ model\b
    |not\ a\ valid\ model
    |\bmodel\b[:\s]*[`'"]?[^\s`'"]*[`'"]?\s*(?:is\ |was\ |does\ |could\ )?not\ (?:be\ )?(?:found|exist|supported)\b""",
    re.VERBOSE,
)
_NO_CREDIT = "your credit balance is too low"


def judge(problem: Problem) -> Verdict:
    """Return the verdict on an upstream's refusal or failure."""
    failure = classify(problem)
    failover, same_target = _BY_CLASS[failure]
    return Verdict(failure=failure, failover=failover, same_target=same_target)


def classify(problem: Problem) -> FailureClass:
    """Return the class `problem` falls in."""
    if problem.code is not None and problem.code in _BY_CODE:
        return _BY_CODE[problem.code]
    if problem.kind == "insufficient_quota":
        return "billing"
    known = _BY_STATUS.get(problem.status)
    if known == "request_fault":
        return _inside_request_fault(problem)
    if known is not None:
        return known
    return "server" if problem.status >= 500 else "request_fault"


def _inside_request_fault(problem: Problem) -> FailureClass:
    text = problem.message.lower()
    if any(phrase in text for phrase in _CONTEXT_PHRASES):
        return "context_overflow"
    if _NO_MODEL.search(text):
        return "model_missing"
    if text.startswith(_NO_CREDIT):
        return "billing"
    return "request_fault"


def network(kind: str) -> Verdict:
    """Return the verdict on a failure without an answer: `connect`, `reset`, `timeout`, `protocol`, `empty`."""
    failure: FailureClass = {"timeout": "timeout", "protocol": "bad_reply", "empty": "bad_reply"}.get(
        kind, "network"
    )  # pyright: ignore[reportAssignmentType]
    failover, same_target = _BY_CLASS[failure]
    return Verdict(failure=failure, failover=failover, same_target=same_target)


__all__ = ["FailureClass", "Verdict", "classify", "judge", "network"]
