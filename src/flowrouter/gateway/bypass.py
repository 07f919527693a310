"""Answers requests that need no model, in the client's own dialect and form; nobody is asked, nothing is spent."""

from __future__ import annotations

import re

from flowrouter.canonical.fold import replay
from flowrouter.canonical.parts import Text
from flowrouter.canonical.response import Choice, Response
from flowrouter.canonical.usage import Usage
from flowrouter.dialects import codec
from flowrouter.dialects.codec import EncodeOptions
from flowrouter.errors import CallerError
from flowrouter.gateway.client import Client
from flowrouter.gateway.exchange import Exchange
from flowrouter.gateway.world import World
from flowrouter.routing.bypass import STEP, Bypassed, bypassed, may_fit
from flowrouter.wire.splice import remove, splice

_USAGE = Usage(input=1, output=1, estimated=True)


async def answered(exchange: Exchange, world: World, client: Client) -> bool:
    """Return whether `exchange` (skimmed) needed no model; its answer has then been sent."""
    settings = world.routing.bypass
    if not settings.enabled or exchange.inbound.operation != "generate":
        return False
    found = _found(exchange, world)
    if found is None:
        return False
    exchange.step, exchange.bypass = STEP, found.rule
    await _answer(exchange, client, found.text)
    exchange.outcome = "ok"
    return True


def _found(exchange: Exchange, world: World) -> Bypassed | None:
    inbound, settings = exchange.inbound, world.routing.bypass
    if not may_fit(settings, inbound.body) or _goes_on(inbound.body):
        return None
    spoken = codec(inbound.dialect)
    try:
        tools = spoken.skim_counts(inbound.body).tools
    except CallerError:
        return None
    return bypassed(settings, spoken.skim_texts(inbound.body), tools=tools)


async def _answer(exchange: Exchange, client: Client, text: str) -> None:
    head, inbound = exchange.head, exchange.inbound
    assert head is not None
    spoken = codec(inbound.dialect)
    # Only an answer whose origin is another dialect gets an id that its own would derive.
    origin = "anthropic" if inbound.dialect != "anthropic" else "openai_chat"
    response = Response(
        origin=origin,
        id=inbound.request_id,
        model=head.model,
        created=int(inbound.wall),
        choices=(Choice(parts=(Text(text=text),), finish="stop"),),
        usage=_USAGE,
    )
    options = EncodeOptions(
        now=inbound.wall,
        asked=_unkept(inbound.body) if inbound.dialect == "openai_responses" else inbound.body,
        framing=inbound.framing,
        include_usage=bool(head.include_usage),
        model=head.model,
        legacy_calls=head.legacy_calls,
    )
    exchange.usage, exchange.finish, exchange.answered_model = _USAGE, "stop", head.model
    if not head.stream:
        await client.answer(200, spoken.render_response(response, options).body)
        return
    encoder = spoken.encoder(options)
    await client.write(b"".join(encoder.feed(event) for event in replay(response)))
    await client.end()


def _goes_on(body: bytes) -> bool:
    """Return whether a request names a history that stands elsewhere: then its words are not all of it."""
    return _HISTORY.search(body) is not None


_HISTORY = re.compile(rb'"(?:previous_response_id|conversation)"\s*:\s*["{]')


def _unkept(body: bytes) -> bytes:
    """Return a Responses request whose answer says that it is kept nowhere, as is the case."""
    return splice(remove(body, "store"), {"store": b"false"}, old={})


__all__ = ["answered"]
