"""A shelf of kept answers in memory, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from flowrouter.gateway.exchange import Exchange, Inbound
from flowrouter.gateway.stored_responses import StoredResponses
from flowrouter.httpkit.caller import LOCAL
from flowrouter.routing import Target
from flowrouter.storage import MemoryStateStore
from flowrouter.tasks import TaskGroup
from flowrouter.wire.json import dumps
from tests.playbooks.stage import VirtualClock, VirtualLoop


class Blobs:
    """Sealed values in a dictionary; each `put` takes `slow` seconds."""

    def __init__(self) -> None:
        self.held: dict[tuple[str, str, str], bytes] = {}
        self.slow = 0.0

    async def put(
        self, owner_id: str, kind: str, blob_id: str, *, value: bytes, expires_at_ms: int | None = None
    ) -> None:
        del expires_at_ms
        await asyncio.sleep(self.slow)
        self.held[owner_id, kind, blob_id] = value

    async def get(self, owner_id: str, kind: str, blob_id: str) -> bytes | None:
        return self.held.get((owner_id, kind, blob_id))

    async def delete(self, owner_id: str, kind: str, blob_id: str) -> bool:
        return self.held.pop((owner_id, kind, blob_id), None) is not None


class Shelf:
    """Answers kept as the gateway keeps them; `vendor` says whether their host knows the ids."""

    def __init__(self) -> None:
        clock = VirtualClock()
        self.blobs = Blobs()
        self.vendor = True
        self.failures: list[tuple[str, BaseException]] = []
        tasks = TaskGroup(lambda name, error: self.failures.append((name, error)))
        self.stored = StoredResponses(MemoryStateStore(clock), self.blobs, clock=clock, tasks=tasks)

    async def keep(
        self,
        response: dict[str, Any],
        *,
        owner_id: str = "local",
        account_id: str = "host",
        copied: bool = True,
        **asked: Any,
    ) -> None:
        """Keep `response` as the answer of a host to a request with the members `asked`."""
        members = {name: value for name, value in asked.items() if value is not None}
        body = dumps({"model": "m", "input": "hi", **members})
        inbound = Inbound(
            request_id="req_shelf",
            dialect="openai_responses",
            operation="generate",
            endpoint="/v1/responses",
            headers={},
            body=body,
            wall=0.0,
            started=0.0,
        )
        exchange = Exchange(inbound)
        policy = msgspec.structs.replace(LOCAL.policy, responses_store=copied)
        exchange.caller = msgspec.structs.replace(LOCAL, owner_id=owner_id, policy=policy)
        exchange.continuation = await self.stored.follow(body, owner_id=owner_id)
        target = Target(
            account_id=account_id, account=account_id, preset="p", model="m", dialect="openai_responses"
        )
        given = str(response.get("id")) if self.vendor else ""
        await self.stored.keep(exchange, dumps(response), target=target, given=given)


def shelf(scene: Callable[[Shelf], Awaitable[None]]) -> None:
    """Play `scene` with a new shelf, to its end."""

    async def play() -> None:
        kept = Shelf()
        await scene(kept)
        await asyncio.sleep(60)
        assert not kept.failures, kept.failures

    loop = VirtualLoop()
    try:
        loop.run_until_complete(play())
    finally:
        loop.close()


__all__ = ["Blobs", "Shelf", "shelf"]
