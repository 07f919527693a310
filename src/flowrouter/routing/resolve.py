"""From a name to a plan in one call, for those who need nothing of the moment: listings and counts."""

from __future__ import annotations

from flowrouter.canonical.dialect import Dialect
from flowrouter.routing.conditions import Circumstances
from flowrouter.routing.facts import Facts
from flowrouter.routing.names import Asked, draft
from flowrouter.routing.order import order
from flowrouter.routing.plan import Plan
from flowrouter.routing.signals import Calm


def build_plan(
    facts: Facts,
    model: str,
    *,
    dialect: Dialect,
    owner_id: str | None = None,
    now: Circumstances | None = None,
) -> Plan:
    """Return the plan for `model` as a client of `dialect` wrote it; no targets if nobody answers it.

    `owner_id` limits the plan to accounts that owner may use (None: all), `now` is what conditions are
    held against (None: they are left open). Nothing is known of the moment: groups stand as written.
    """
    owners = () if owner_id is None else (owner_id,)
    asked = Asked(model=model, dialect=dialect, owners=owners, now=now)
    return order(draft(facts, asked), Calm())


__all__ = ["build_plan"]
