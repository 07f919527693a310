"""What decoders and encoders must know of one attempt and its client."""

from __future__ import annotations

from flowrouter.canonical.parts import Provenance
from flowrouter.dialects.codec import DecodeOptions, EncodeOptions
from flowrouter.gateway.attempts import Opened
from flowrouter.gateway.exchange import Exchange
from flowrouter.routing import Target
from flowrouter.routing.names import AUTO


def provenance(opened: Opened) -> Provenance:
    """Return who issues the reasoning state of this reply."""
    target = opened.prepared.target
    return Provenance(dialect=target.dialect, family=target.model, account_id=target.account_id)


def decode_options(opened: Opened) -> DecodeOptions:
    """Return how the upstream's stream is to be read."""
    capabilities = opened.prepared.capabilities
    return DecodeOptions(
        provenance=provenance(opened), lax_finish=capabilities.lax_finish, think_tags=capabilities.think_tags
    )


def bare_options(exchange: Exchange, now: float) -> EncodeOptions:
    """Return what is known of the client's stream before anybody answers."""
    inbound, follows = exchange.inbound, exchange.continuation
    asked = inbound.body if follows is None else follows.body
    return EncodeOptions(now=now, asked=asked, framing=inbound.framing)


def encode_options(exchange: Exchange, now: float, *, target: Target | None = None) -> EncodeOptions:
    """Return the client's wishes for the answer of `target` (None: of the last attempt).

    A name that led straight to its first target is echoed as asked. Where a combo or a fallback chose,
    the reply names who answered, unless the setting `reply_model` has every name echoed.
    """
    head, attempts = exchange.head, exchange.attempts
    assert head is not None
    first, plan = attempts[0].target, exchange.plan
    last = attempts[-1].target if target is None else target
    straight = (last is first or last == first) and exchange.step != AUTO
    as_asked = exchange.named or (straight and (plan is None or not plan.chosen))
    inbound, follows = exchange.inbound, exchange.continuation
    return EncodeOptions(
        now=now,
        asked=inbound.body if follows is None else follows.body,
        framing=inbound.framing,
        include_usage=head.include_usage is True,
        model=head.model if as_asked else None,
        legacy_calls=head.legacy_calls,
    )


__all__ = ["bare_options", "decode_options", "encode_options", "provenance"]
