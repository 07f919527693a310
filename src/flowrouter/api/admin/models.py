"""`/api/plan`: who would answer.

A combo may be tried before it is kept: the plan is then made as if it had been saved.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from flowrouter.api.admin.call import Call
from flowrouter.api.admin.combos import ComboDraft, config_of
from flowrouter.api.admin.envelope import Reply, refusal
from flowrouter.api.admin.reading import closest
from flowrouter.canonical.dialect import Dialect
from flowrouter.dialects import available
from flowrouter.gateway.explain import Question, explain
from flowrouter.gateway.world import World
from flowrouter.httpkit.caller import Caller
from flowrouter.httpkit.key_policy import KeyPolicy, Tag
from flowrouter.httpkit.keys import LOCAL_OWNER
from flowrouter.routing.facts import Combo
from flowrouter.wire import json


class PlanQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A model as a client would write it, and the client's dialect."""

    model: Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
    dialect: Dialect = "openai_chat"


class PlanQuestion(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request as a client of `dialect` would send it, or none (an empty body) and just a model.

    `model` is for bodies without one (Gemini's). `headers` tell the session and the client, `tags` are those
    of the key, where rules ask for them. `combo` is one that is not saved: it stands in for the one of its
    name, and is what is asked where neither `model` nor the body says.
    """

    body: dict[str, Any] = {}
    dialect: Dialect = "openai_chat"
    model: Annotated[str, msgspec.Meta(min_length=1, max_length=500)] | None = None
    headers: dict[str, str] = {}
    tags: tuple[Tag, ...] = ()
    combo: ComboDraft | None = None


async def explain_plan(call: Call) -> Reply:
    """Return the plan for a model; asks nobody."""
    query: PlanQuery = call.query
    return await _explained(call, Question(dialect=query.dialect, model=query.model), call.world)


async def explain_request(call: Call) -> Reply:
    """Return the plan for a request, with its size and what it would cost; asks nobody."""
    asked: PlanQuestion = call.body
    model, body, world = asked.model, asked.body, call.world
    if asked.combo is not None:
        world = _besides(world, asked.combo, call.visitor.home)
        model = model or (None if body.get("model") else asked.combo.name)
    if body and model and "model" not in body and asked.dialect != "gemini":
        body = {"model": model, **body}  # its dialect knows no request without one
    question = Question(
        dialect=asked.dialect,
        model=model,
        body=json.dumps(body) if body else None,
        headers={name.lower(): value for name, value in asked.headers.items()},
    )
    return await _explained(call, question, world, tags=asked.tags)


def _besides(world: World, draft: ComboDraft, owner_id: str) -> World:
    """Return `world` as it would be if `draft` was saved."""
    combo = Combo(name=draft.name, owner_id=owner_id, config=config_of(draft))
    taken = (draft.name.lower(), owner_id)
    others = (each for each in world.facts.combos if (each.name.lower(), each.owner_id) != taken)
    facts = msgspec.structs.replace(world.facts, combos=(*others, combo))
    return msgspec.structs.replace(world, facts=facts)


async def _explained(call: Call, question: Question, world: World, *, tags: tuple[str, ...] = ()) -> Reply:
    if question.dialect not in available():
        raise refusal(
            f"no client speaks {question.dialect} to this version",
            param="dialect",
            fix=closest(question.dialect, available()),
        )
    caller = Caller(owner_id=call.visitor.owner_id or LOCAL_OWNER, policy=KeyPolicy(tags=tags))
    found = await explain(call.deps.planner, question, world=world, caller=caller, clock=call.deps.clock)
    return Reply(data=found)


__all__ = ["PlanQuery", "PlanQuestion", "explain_plan", "explain_request"]
