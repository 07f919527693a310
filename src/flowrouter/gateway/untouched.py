"""Whole answers that nobody edits on their way: they need not be told event by event."""

from __future__ import annotations

from flowrouter.canonical.outline import Outline
from flowrouter.canonical.parts import Text, ToolCall
from flowrouter.canonical.response import Response
from flowrouter.clock import Clock
from flowrouter.dialects import codec
from flowrouter.gateway.exchange import Exchange
from flowrouter.gateway.options import encode_options
from flowrouter.gateway.prepare import Prepared
from flowrouter.gateway.reasoning import concerned
from flowrouter.routing import Target

_WORDS: frozenset[type] = frozenset({Text})


def untouched(response: Response, exchange: Exchange, prepared: Prepared) -> Outline | None:
    """Return the outline of a translated answer that leaves in one piece as it is; None of any other.

    That is one which being told event by event, and `prepared`'s editors, would leave as it is.
    """
    head, usage = exchange.head, response.usage
    if prepared.rewriters or usage is None or usage.input is None or usage.output is None:
        return None
    if head is None or head.stream or prepared.lane != "translate" or prepared.capabilities.think_tags:
        return None
    # Told event by event, choices come in order, and what bears one number is one.
    last, finish, called = -1, None, ()
    for choice in response.choices:
        index, parts = choice.index, choice.parts
        if choice.finish is None or index <= last:
            return None
        if not _WORDS.issuperset(map(type, parts)):
            if prepared.reasoning is not None and concerned(parts, marks=prepared.marks):
                return None
            called += tuple([part.name for part in parts if isinstance(part, ToolCall)])
        if index == 0:
            finish = choice.finish
        last = index
    return Outline(response.id, response.model, usage, finish, called) if last >= 0 else None


def rendered(response: Response, exchange: Exchange, *, target: Target, clock: Clock) -> bytes:
    """Return the body of the answer of `target` for its client; what that cannot say is noted."""
    options = encode_options(exchange, clock.now(), target=target)
    reply = codec(exchange.inbound.dialect).render_response(response, options)
    exchange.reply_losses = reply.losses
    return reply.body


__all__ = ["rendered", "untouched"]
