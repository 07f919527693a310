"""What an attempt's failure means: its class, whether anybody else may be asked, and what pauses.

The class comes from a table of rows (`routing.rules`), what follows from a class from the table below.
A row that read the provider's message never pauses anybody for a status that blames the request: such
a message may quote the request, and one caller's words must not shut a target for all others.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from flowrouter.canonical.dialect import Dialect
from flowrouter.canonical.problem import Problem
from flowrouter.routing.rules import Rules, blames_request, by_text
from flowrouter.settings.routing import FailureName

FailureClass = FailureName
"""The classes of failure; `cancelled` is the client's own going, and stands in records only."""

Scope = Literal["account", "model", "host"]
"""What pauses: the whole account, one model of it, or every account behind one host."""


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What a failure means.

    `failover`: another target may be asked; `same_target`: this one may be asked once more; `scope` is what
    pauses, None for nothing; `reason` is the row's that decided.
    """

    failure: FailureClass
    failover: bool
    same_target: bool = False
    scope: Scope | None = None
    reason: str = ""


class Consequence(msgspec.Struct, frozen=True):
    """What follows from a class."""

    failover: bool
    same_target: bool
    scope: Scope | None


CONSEQUENCES: dict[FailureClass, Consequence] = {
    "request_fault": Consequence(False, False, None),
    "param_unsupported": Consequence(False, False, None),
    "context_overflow": Consequence(True, False, None),
    "content_filter": Consequence(False, False, None),
    "auth": Consequence(True, False, "account"),
    "billing": Consequence(True, False, "account"),
    "model_missing": Consequence(True, False, "model"),
    "rate_limit": Consequence(True, False, "model"),
    "overloaded": Consequence(True, False, "model"),
    "server": Consequence(True, True, "model"),
    "network": Consequence(True, True, "model"),
    "timeout": Consequence(True, False, "model"),
    "cancelled": Consequence(False, False, None),
    "bad_reply": Consequence(True, True, "model"),
}
"""May another be asked, may the same be asked once more, what pauses."""

_SHIPPED = Rules()

_KINDS: dict[str, FailureClass] = {"timeout": "timeout", "protocol": "bad_reply", "empty": "bad_reply"}


def judge(
    problem: Problem, rules: Rules = _SHIPPED, *, preset: str = "", dialect: Dialect | None = None
) -> Verdict:
    """Return the verdict on an upstream's refusal or failure."""
    rule = rules.find(problem, preset=preset, dialect=dialect)
    verdict = of_class(rule.failure, reason=rule.reason)
    if verdict.scope is not None and by_text(rule) and blames_request(problem.status):
        return msgspec.structs.replace(verdict, scope=None)
    return verdict


def of_class(failure: FailureClass, *, reason: str = "") -> Verdict:
    """Return what follows from a class."""
    follows = CONSEQUENCES[failure]
    return Verdict(
        failure=failure,
        failover=follows.failover,
        same_target=follows.same_target,
        scope=follows.scope,
        reason=reason,
    )


def network(kind: str) -> Verdict:
    """Return the verdict on a failure without an answer: `connect`, `reset`, `timeout`, `protocol`, `empty`.

    Where no connection comes about (name, address, TLS), it is the host that pauses; where the gateway itself
    may not connect (`egress`), nothing does: it is a matter of its settings.
    """
    if kind == "egress":
        return Verdict(failure="auth", failover=True, reason="not allowed by [egress]")
    verdict = of_class(_KINDS.get(kind, "network"))
    return msgspec.structs.replace(verdict, scope="host") if kind == "connect" else verdict


__all__ = [
    "CONSEQUENCES", "Consequence", "FailureClass", "Scope", "Verdict", "judge", "network", "of_class",
]  # fmt: skip
