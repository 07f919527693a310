"""`/api/models` and `/api/plan`: what may be asked for, and who would answer."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from flowrouter.api.admin.call import Call
from flowrouter.api.admin.envelope import Reply, refusal
from flowrouter.api.admin.paging import paged
from flowrouter.api.admin.reading import closest
from flowrouter.api.models import entries
from flowrouter.canonical.dialect import Dialect
from flowrouter.dialects import available
from flowrouter.routing import Target, build_plan
from flowrouter.routing.plan import Note


class PlanQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A model as a client would write it, and the client's dialect."""

    model: Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
    dialect: Dialect = "openai_chat"


class PlannedTarget(Target, frozen=True, kw_only=True):
    """A target and the lane a request would take to it."""

    lane: Literal["passthrough", "translate"]


class PlanShown(msgspec.Struct, frozen=True, kw_only=True):
    """Targets in the order they are tried; `step` is the rule that found them, `notes` the reasons.

    No target: nobody answers this name; `suggestions` are close to it.
    """

    asked: str
    dialect: Dialect
    step: str
    targets: tuple[PlannedTarget, ...]
    notes: tuple[Note, ...]
    suggestions: tuple[str, ...]


async def list_models(call: Call) -> Reply:
    """Return every name that can be asked for."""
    return paged(entries(call.world), call.query, key=lambda entry: (entry.id,))


async def explain_plan(call: Call) -> Reply:
    """Return the plan for a model; asks nobody."""
    query: PlanQuery = call.query
    if query.dialect not in available():
        raise refusal(
            f"no client speaks {query.dialect} to this version",
            param="dialect",
            fix=closest(query.dialect, available()),
        )
    plan = build_plan(call.world.facts, query.model, dialect=query.dialect, owner_id=call.visitor.owner_id)
    return Reply(
        data=PlanShown(
            asked=plan.asked,
            dialect=query.dialect,
            step=plan.step,
            targets=tuple(_planned(target, query.dialect) for target in plan.targets),
            notes=plan.notes,
            suggestions=plan.suggestions,
        )
    )


def _planned(target: Target, dialect: Dialect) -> PlannedTarget:
    lane: Literal["passthrough", "translate"] = "passthrough" if target.dialect == dialect else "translate"
    return PlannedTarget(lane=lane, **{name: getattr(target, name) for name in target.__struct_fields__})


__all__ = ["PlanQuery", "PlanShown", "PlannedTarget", "explain_plan", "list_models"]
