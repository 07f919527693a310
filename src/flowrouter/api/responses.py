"""`/v1/responses/…`: answers by their id, and the compaction of a conversation."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any

from flowrouter.api.call import Call
from flowrouter.canonical.problem import Problem
from flowrouter.errors import CallerError
from flowrouter.gateway.continuation import Kept, Turn, not_found
from flowrouter.gateway.response_items import listed
from flowrouter.gateway.stored_responses import StoredResponses, own_items
from flowrouter.gateway.vendor_responses import VendorAnswer, VendorResponses
from flowrouter.gateway.world import World
from flowrouter.httpkit.caller import Caller
from flowrouter.wire.json import dumps, loads

_PAGE = 20
_PAGE_MAX = 100


class ResponseRoutes:
    """Answers what is asked about kept answers; an id of another owner is unknown."""

    def __init__(
        self, stored: StoredResponses, vendor: VendorResponses, *, world: Callable[[], World]
    ) -> None:
        self._stored = stored
        self._vendor = vendor
        self._world = world
        self.answers: dict[str, Callable[[Call, Caller], Awaitable[None]]] = {
            "get_response": self._get,
            "delete_response": self._delete,
            "cancel_response": self._cancel,
            "list_input_items": self._input_items,
        }

    async def _get(self, call: Call, caller: Caller) -> None:
        kept = await self._found(call, caller)
        if call.query.get("stream") == "true":
            raise CallerError(
                "a kept answer is told whole, not as events; leave `stream` out",
                param="stream",
                code="unsupported_parameter",
            )
        if kept.copied:
            await call.answer(200, kept.response)
        else:
            await self._pass(call, await self._ask(kept, call))

    async def _delete(self, call: Call, caller: Caller) -> None:
        """Delete our copy and the vendor's; where the vendor's could not be, that can be asked again."""
        kept = await self._found(call, caller)
        if kept.vendor:
            await self._stored.bare(kept, owner_id=caller.owner_id)
            with call.away():
                said = await self._vendor.ask(kept, self._world(), method="DELETE")
            if said.status not in (200, 404):
                problem = said.problem if said.problem is None else _for_anybody(said.problem)
                why = problem.message if problem is not None else "it did not say why"
                raise CallerError(
                    f"our copy is deleted, the provider's may not be: {why}",
                    status=502,
                    code="upstream_unavailable",
                )
        await self._stored.forget(kept.id, owner_id=caller.owner_id)
        await call.answer(200, dumps({"id": kept.id, "object": "response", "deleted": True}))

    async def _cancel(self, call: Call, caller: Caller) -> None:
        kept = await self._found(call, caller)
        if kept.copied or not kept.vendor:
            raise CallerError("only a background response can be cancelled; this one has ended")
        await self._pass(call, await self._ask(kept, call, method="POST", part="/cancel"))

    async def _input_items(self, call: Call, caller: Caller) -> None:
        kept = await self._found(call, caller)
        if not kept.copied:
            await self._pass(call, await self._ask(kept, call, part="/input_items"))
            return
        history = await self._stored.history(kept, owner_id=caller.owner_id)
        items = own_items(kept) if history is None else _asked(history)
        await call.answer(200, dumps(_page(_with_ids(items, kept), call.query)))

    async def _found(self, call: Call, caller: Caller) -> Kept:
        kept = await self._stored.find(call.rest, owner_id=caller.owner_id)
        if kept is None:
            raise not_found(call.rest)
        return kept

    async def _ask(self, kept: Kept, call: Call, *, method: Any = "GET", part: str = "") -> VendorAnswer:
        with call.away():
            return await self._vendor.ask(kept, self._world(), method=method, part=part, query=call.query)

    async def _pass(self, call: Call, said: VendorAnswer) -> None:
        if said.problem is None:
            await call.answer(200, said.body)
            return
        problem = _for_anybody(said.problem)
        await call.refuse(problem, said.body or None if problem is said.problem else None)


def _for_anybody(problem: Problem) -> Problem:
    """Return a vendor's problem as any caller may hear it: what concerns our account is only named."""
    if problem.status not in (401, 402, 403):
        return problem
    return Problem(status=502, message="the provider refused our account", code="upstream_auth")


def _asked(history: tuple[Turn, ...]) -> list[bytes]:
    """Return all items that the last turn of `history` was asked with."""
    before = [item for turn in history[:-1] for item in (*turn.input, *turn.output)]
    return [*before, *history[-1].input]


def _with_ids(items: list[bytes], kept: Kept) -> list[dict[str, Any]]:
    """Return the items, each with an id: the vendor's lists have one, requests need not."""
    stem = kept.id.removeprefix("resp_")[:40]
    return [listed(loads(raw), label=f"item_{stem}_{number}") for number, raw in enumerate(items)]


def _page(items: list[dict[str, Any]], query: dict[str, str]) -> dict[str, Any]:
    """Return one page in the vendor's form: newest first unless `order=asc`; raises `CallerError`."""
    if query.get("order", "desc") == "desc":
        items.reverse()
    text = query.get("limit", str(_PAGE))
    limit = int(text) if re.fullmatch("[0-9]{1,4}", text) else 0
    if not 1 <= limit <= _PAGE_MAX:
        raise CallerError(f"`limit` must be a number from 1 to {_PAGE_MAX}", param="limit")
    start = 0
    if after := query.get("after"):
        ids = [item["id"] for item in items]
        if after not in ids:
            raise CallerError("`after` names no item of this list", param="after")
        start = ids.index(after) + 1
    page = items[start : start + limit]
    return {
        "object": "list",
        "data": page,
        "first_id": page[0]["id"] if page else None,
        "last_id": page[-1]["id"] if page else None,
        "has_more": start + limit < len(items),
    }


__all__ = ["ResponseRoutes"]
