"""`POST /v1/responses/compact`: by the provider where it can, else by a summary that we ask for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from flowrouter.api.call import Call
from flowrouter.canonical.problem import Problem
from flowrouter.clock import Clock
from flowrouter.dialects import codec
from flowrouter.errors import CallerError
from flowrouter.gateway.compaction import Compaction
from flowrouter.gateway.envelopes import holds_envelopes
from flowrouter.gateway.exchange import Inbound, skimmed
from flowrouter.gateway.stored_responses import StoredResponses
from flowrouter.gateway.world import World
from flowrouter.httpkit import replies
from flowrouter.httpkit.caller import Caller
from flowrouter.httpkit.keys import LOCAL_OWNER
from flowrouter.httpkit.replies import Headers, Send
from flowrouter.httpkit.visit import AsgiWay, Way
from flowrouter.routing import build_plan

Run = Callable[[Inbound, Call, Way], Awaitable[None]]
"""Runs one exchange whose answer goes the given way."""

_HAS_NONE = frozenset({404, 405, 501})
"""What hosts answer that speak Responses without this route."""


class Compactor:
    """Answers compaction requests with the conversation's user messages and one compaction item."""

    def __init__(
        self, compaction: Compaction, stored: StoredResponses, *, world: Callable[[], World], clock: Clock
    ) -> None:
        self._compaction = compaction
        self._stored = stored
        self._world = world
        self._clock = clock

    async def answer(self, inbound: Inbound, call: Call, *, caller: Caller, run: Run) -> None:
        """Answer what arrived (its operation is `compact`); raises `CallerError`."""
        head = skimmed(inbound)
        if self._has_vendor(inbound, head.model, caller):
            captured = _Captured()
            await run(inbound, call, AsgiWay(captured.send))
            if captured.status not in _HAS_NONE:
                await captured.release(call.visit.send)
                return
            inbound = msgspec.structs.replace(inbound, request_id=f"{inbound.request_id}s")
        await self._summarise(inbound, call, caller=caller, run=run)

    def _has_vendor(self, inbound: Inbound, model: str, caller: Caller) -> bool:
        """Return whether the first target can compact, and may see the items as they are."""
        if holds_envelopes(inbound.body, inbound.dialect):
            return False
        facts = self._world().facts.seen_by((caller.owner_id, LOCAL_OWNER))
        plan = build_plan(facts, model, dialect=inbound.dialect)
        return bool(plan.targets) and plan.targets[0].dialect == inbound.dialect

    async def _summarise(self, inbound: Inbound, call: Call, *, caller: Caller, run: Run) -> None:
        body = await self._stored.resolve(inbound.body, owner_id=caller.owner_id)
        follows = await self._stored.follow(body, owner_id=caller.owner_id)
        written_out = None if follows is None else follows.expanded()
        asked = body if written_out is None else written_out
        codec(inbound.dialect).parse_request(asked)
        named = follows is not None and written_out is None
        if follows is not None and follows.kept is None:
            raise CallerError(
                "a conversation is kept by its vendor; send the history as `input`",
                param="conversation",
                code="unsupported_parameter",
            )
        question = msgspec.structs.replace(
            inbound, operation="generate", body=self._compaction.request(asked, named=named)
        )
        captured = _Captured()
        with call.away():
            await run(question, call, AsgiWay(captured.send))
        if captured.status != 200:
            await captured.release(call.visit.send)
            return
        try:
            body = self._compaction.answer(
                asked, captured.body, owner_id=caller.owner_id, now=self._clock.now()
            )
        except ValueError as error:
            problem = Problem(status=502, message=f"the conversation could not be compacted: {error}")
            await call.refuse(problem)
            return
        await replies.send_json(call.visit.send, 200, body, extra=captured.told)


class _Captured:
    """A whole answer kept instead of sent."""

    __slots__ = ("_head", "body", "status")

    def __init__(self) -> None:
        self.status = 0
        self.body = b""
        self._head: dict[str, Any] = {}

    async def send(self, message: Any) -> None:
        """Keep one message of the answer."""
        if message["type"] == "http.response.start":
            self._head, self.status = message, message["status"]
        else:
            self.body += message.get("body", b"")

    @property
    def told(self) -> Headers:
        """Return the headers of the answer that are about the exchange, not about its body."""
        return [pair for pair in self._head.get("headers", ()) if pair[0] not in _ABOUT_BODY]

    async def release(self, send: Send) -> None:
        """Send what was kept."""
        await send(self._head)
        await send({"type": "http.response.body", "body": self.body})


_ABOUT_BODY = frozenset({b"content-type", b"content-length"})

__all__ = ["Compactor", "Run"]
