"""`/api/plan`: who would answer."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from flowrouter.api.admin.call import Call
from flowrouter.api.admin.envelope import Reply, refusal
from flowrouter.api.admin.reading import closest
from flowrouter.canonical.dialect import Dialect
from flowrouter.dialects import available
from flowrouter.gateway.explain import Question, explain
from flowrouter.httpkit.caller import Caller
from flowrouter.httpkit.keys import LOCAL_OWNER
from flowrouter.wire import json


class PlanQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A model as a client would write it, and the client's dialect."""

    model: Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
    dialect: Dialect = "openai_chat"


class PlanQuestion(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request as a client of `dialect` would send it, or none (an empty body) and just a model.

    `model` is for bodies without one (Gemini's). `headers` tell the session and the client where rules
    ask for them.
    """

    body: dict[str, Any] = {}
    dialect: Dialect = "openai_chat"
    model: Annotated[str, msgspec.Meta(min_length=1, max_length=500)] | None = None
    headers: dict[str, str] = {}


async def explain_plan(call: Call) -> Reply:
    """Return the plan for a model; asks nobody."""
    query: PlanQuery = call.query
    return await _explained(call, Question(dialect=query.dialect, model=query.model))


async def explain_request(call: Call) -> Reply:
    """Return the plan for a request, with its size and what it would cost; asks nobody."""
    asked: PlanQuestion = call.body
    question = Question(
        dialect=asked.dialect,
        model=asked.model,
        body=json.dumps(asked.body) if asked.body else None,
        headers={name.lower(): value for name, value in asked.headers.items()},
    )
    return await _explained(call, question)


async def _explained(call: Call, question: Question) -> Reply:
    if question.dialect not in available():
        raise refusal(
            f"no client speaks {question.dialect} to this version",
            param="dialect",
            fix=closest(question.dialect, available()),
        )
    caller = Caller(owner_id=call.visitor.owner_id or LOCAL_OWNER)
    found = await explain(call.deps.planner, question, world=call.world, caller=caller, clock=call.deps.clock)
    return Reply(data=found)


__all__ = ["PlanQuery", "PlanQuestion", "explain_plan", "explain_request"]
