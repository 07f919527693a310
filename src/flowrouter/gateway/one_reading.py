"""Sees to it that providers read a body as we do, where something is decided by what stands in it.

A member may stand twice in an object. We read the last one; a provider may read the first, which nobody checked.
So a body that scopes, limits or budgets are held against, or that rules look into, leaves with each member once.
"""

from __future__ import annotations

import asyncio
from functools import partial

from flowrouter.errors import CallerError
from flowrouter.gateway.beside import politely
from flowrouter.gateway.exchange import Exchange, skimmed
from flowrouter.gateway.world import World
from flowrouter.wire.json import JsonError
from flowrouter.wire.splice import once, unambiguous

LARGE = 256 * 1024
"""Bytes from which on a body is looked at beside the event loop."""

_DECISIVE = (
    "model",
    "stream",
    "max_tokens",
    "max_completion_tokens",
    "max_output_tokens",
    "n",
    "service_tier",
    "generationConfig",
    "generation_config",
    "maxOutputTokens",
    "candidateCount",
    "candidate_count",
    "serviceTier",
)
"""Members that scopes, limits and budgets go by."""


async def settle_body(exchange: Exchange, world: World) -> None:
    """Settle the body of an exchange that has its caller, as far as its key or a rule of `world` asks for it.

    Raises `CallerError` where that cannot be done: parts that a skim passes over may be no JSON.
    """
    body = exchange.inbound.body
    if world.routing.intents or world.routing.tiers.enabled:
        settled = partial(once, body)
    elif exchange.caller.held or world.decided:
        settled = partial(unambiguous, body, _DECISIVE)
    else:
        return
    try:
        exchange.carry(await asyncio.to_thread(politely, settled) if len(body) > LARGE else settled())
    except JsonError as error:
        skimmed(exchange.inbound)  # tells what is wrong in the dialect's own words, if it sees it
        raise CallerError(f"the body is not valid JSON: {error}", code="invalid_json") from None


__all__ = ["LARGE", "settle_body"]
