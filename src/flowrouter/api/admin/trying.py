"""`/api/try/{dialect}`: a request as clients send it, answered as the data plane answers, for a person at a page."""

from __future__ import annotations

from typing import Any

import msgspec

from flowrouter.api.admin.call import AdminRoute as Row
from flowrouter.api.admin.call import Call, missing
from flowrouter.api.admin.envelope import Reply, refusal
from flowrouter.api.trying import Asked, spoken
from flowrouter.canonical.dialect import Dialect
from flowrouter.httpkit.auth import authenticate
from flowrouter.httpkit.bodies import Receive
from flowrouter.httpkit.caller import LOCAL, Caller
from flowrouter.httpkit.replies import Send


class TryQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the address of Gemini's requests says; the other dialects say it in the body."""

    model: str = ""
    stream: bool | None = None


async def try_request(call: Call) -> Reply:
    """Answer a request as the data plane would, for the visitor's owner."""
    query: TryQuery = call.query
    known: dict[str, Dialect] = {each: each for each in spoken()}
    dialect = known.get(call.rest)
    if dialect is None:
        raise missing(
            f"no dialect {call.rest[:100]} is spoken here, only {', '.join(known)}", code="dialect_not_found"
        )
    if dialect == "gemini" and not query.model:
        raise refusal("`model` is missing", code="missing_field", param="model", fix="add `?model=MODEL`")
    if dialect != "gemini" and (query.model or query.stream is not None):
        param = "model" if query.model else "stream"
        raise refusal(
            f"`{param}` stands in the body of this dialect", param=param, fix="leave it out of the address"
        )
    converse = call.deps.converse
    if converse is None:
        raise refusal("this gateway serves no models", status=409, code="no_data_plane")
    asked = Asked(
        caller=_caller(call),
        dialect=dialect,
        headers=call.headers,
        model=query.model,
        stream=bool(query.stream),
    )

    async def write(receive: Receive, send: Send) -> None:
        call.target = await converse(asked, receive, send)

    return Reply(write=write)


def _caller(call: Call) -> Caller:
    """Return as whom the visitor asks: who came with a gateway key has what that key has, and no more."""
    visitor, deps = call.visitor, call.deps
    if visitor.key_id is None:
        return Caller(owner_id=visitor.home, policy=LOCAL.policy)
    now_ms = int(deps.clock.now() * 1000)
    return authenticate(call.headers, deps.world().ring, now_ms=now_ms, protected=True)


TRY_ROUTES: tuple[Row, ...] = (
    Row(
        method="POST",
        path="/api/try/{dialect}",
        summary="Try a request of a dialect",
        answer=try_request,
        reply=dict[str, Any],
        bare=True,
        also="text/event-stream",
        relays=True,
        query=TryQuery,
        body=dict[str, Any],
        fails=(402, 408, 422, 429, 502, 504, 529),
        example={"model": "gpt-5.4-mini", "messages": [{"role": "user", "content": "Hello"}]},
    ),
)

__all__ = ["TRY_ROUTES", "TryQuery", "try_request"]
