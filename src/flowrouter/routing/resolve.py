"""From a name to a plan in one call, for those who need nothing of the moment: listings and counts."""

from __future__ import annotations

from flowrouter.canonical.dialect import Dialect
from flowrouter.routing.facts import Facts
from flowrouter.routing.names import Asked, draft
from flowrouter.routing.order import order
from flowrouter.routing.plan import Plan
from flowrouter.routing.signals import Calm


def build_plan(facts: Facts, model: str, *, dialect: Dialect) -> Plan:
    """Return the plan for `model` as a client of `dialect` wrote it; no targets if nobody answers it.

    All accounts may be used, conditions are left open, and groups stand as written.
    """
    return order(draft(facts, Asked(model=model, dialect=dialect)), Calm())


__all__ = ["build_plan"]
