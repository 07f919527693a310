"""Asks the account that gave an answer about it: read it, list its input, cancel it, delete it."""

from __future__ import annotations

import asyncio
from typing import Literal
from urllib.parse import quote, urlencode

import msgspec

from flowrouter.canonical.problem import Problem
from flowrouter.config import Timeouts
from flowrouter.dialects import codec
from flowrouter.errors import ConfigError, UpstreamError
from flowrouter.gateway.continuation import Kept
from flowrouter.gateway.secrecy import may_pass, redacted
from flowrouter.gateway.world import World
from flowrouter.providers import adapter
from flowrouter.upstream import Reply, Transport

_BODY_MAX = 64 * 1024 * 1024

_FORWARDED = frozenset(
    {"after", "before", "include", "include[]", "include_obfuscation", "limit", "order", "starting_after"}
)
"""Members of a query that pass; whatever else stands there may be the caller's key."""


class VendorAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What the vendor said; `problem` is set where it did not answer 200, `body` where it may pass."""

    status: int
    body: bytes = b""
    problem: Problem | None = None


class VendorResponses:
    """Calls the vendor's own routes for one kept answer."""

    def __init__(self, transport: Transport, *, timeouts: Timeouts) -> None:
        self._transport = transport
        self._timeouts = timeouts

    async def ask(
        self,
        kept: Kept,
        world: World,
        *,
        method: Literal["GET", "POST", "DELETE"],
        part: str = "",
        query: dict[str, str] | None = None,
    ) -> VendorAnswer:
        """Return what the vendor says of `kept`; `part` is `/cancel` or `/input_items`."""
        account = world.accounts.get(kept.account_id)
        if account is None or not account.enabled:
            return _away("the account that gave this answer is not set up any more")
        try:
            request = adapter.build(
                world.presets[account.id],
                "openai_responses",
                api_key=account.api_key.reveal() if account.api_key else None,
                base_url=account.base_url,
                account_headers={name: value.reveal() for name, value in account.headers},
            )
            told = {name: value for name, value in (query or {}).items() if name in _FORWARDED}
            asked = f"?{urlencode(told)}" if told else ""
            url = f"{request.url}/{quote(kept.id, safe='')}{part}{asked}"
            async with asyncio.timeout(self._timeouts.first_byte_plain):
                reply = await self._transport.send(
                    msgspec.structs.replace(request, method=method, url=url, body=b"")
                )
                try:
                    body = await _read(reply)
                finally:
                    reply.close()
        except (ConfigError, UpstreamError, TimeoutError):
            return _away("the provider that gave this answer cannot be reached")
        if reply.status == 200:
            return VendorAnswer(status=200, body=body)
        problem = redacted(codec("openai_responses").problem_of(reply.status, body), account)
        return VendorAnswer(
            status=reply.status, body=body if may_pass(body, account) else b"", problem=problem
        )


async def _read(reply: Reply) -> bytes:
    pieces: list[bytes] = []
    size = 0
    while piece := await reply.read():
        size += len(piece)
        if size > _BODY_MAX:
            raise UpstreamError("the provider's answer is too large", kind="protocol")
        pieces.append(piece)
    return b"".join(pieces)


def _away(why: str) -> VendorAnswer:
    return VendorAnswer(status=502, problem=Problem(status=502, message=why, code="upstream_unavailable"))


__all__ = ["VendorAnswer", "VendorResponses"]
