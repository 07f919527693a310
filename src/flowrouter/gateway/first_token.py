"""How long a target has to say its first word while somebody else could still be asked.

Counted from sending to the first meaningful event, so that it covers a host that accepts and is silent, one
that sends its head and nothing else, and one that only pings. A long prompt takes time to read, a model
that reasons takes time to think, and a target that is known to be slow gets three times what it
usually takes. Without a fallback the timeouts of the configuration hold alone: a late answer is then better
than none.
"""

from __future__ import annotations

from collections.abc import Callable

from flowrouter.canonical.estimate import BYTES_PER_TOKEN
from flowrouter.gateway.exchange import Exchange
from flowrouter.gateway.incoming import UNASKED, asks_to_reason
from flowrouter.gateway.world import World
from flowrouter.routing import Target
from flowrouter.wire.marks import holds

BASE = 12.0
THINKS = 60.0
"""Seconds for a model that thinks without being asked, which it seldom does for long."""

PATIENT = 300.0
READ_RATE = 2_000.0
WRITE_RATE = 10.0
LEARNED_SHARE = 0.95
LEARNED_TIMES = 3.0

_SMALL = 64 * 1024
"""Bytes of a body in which media are not looked for: they could add seconds at most."""

Quantile = Callable[[Target, float], float | None]
"""The seconds within which a share of the target's first tokens came; None where nothing is known."""


def first_token_limit(tokens: float, learned: float | None, *, patience: float = BASE) -> float:
    """Return the seconds to the first word for `tokens` of uncached input.

    `learned` is the 95th percentile of the target's first tokens, `patience` what it has for no input at all:
    longer where it thinks unseen, or is on this machine, where loading a model takes minutes.
    """
    return max(patience + tokens / READ_RATE, LEARNED_TIMES * (learned or 0.0))


class FirstTokenLimits:
    """Says how long each target has; `quantile` is what was learned of it."""

    def __init__(self, quantile: Quantile) -> None:
        self._quantile = quantile

    def limit(self, exchange: Exchange, world: World, target: Target) -> float | None:
        """Return the seconds `target` has to begin, if another target could be asked after it.

        None leaves it to the timeouts: for whole answers whose length nobody limited, and for what is no
        conversation. A combo's own `first_token` goes before the rule.
        """
        head, inbound, plan = exchange.head, exchange.inbound, exchange.plan
        assert head is not None
        if inbound.operation != "generate" or not (head.stream or head.max_tokens):
            return None
        own = None if plan is None else plan.policy.first_token
        if own is None:
            own = first_token_limit(
                text_bytes(inbound.body) / BYTES_PER_TOKEN,
                self._quantile(target, LEARNED_SHARE),
                patience=_patience(exchange, world, target),
            )
        return own if head.stream else own + (head.max_tokens or 0) / WRITE_RATE


def text_bytes(body: bytes) -> int:
    """Return the bytes of a request's body without its base64 media, which are not read token by token."""
    size = len(body)
    if size <= _SMALL:
        return size
    return size - _spans(body, b";base64,") - _spans(body, b'"data"')


def _spans(body: bytes, mark: bytes) -> int:
    """Return the bytes of the strings that begin at each `mark` (inside the string, or its member's name)."""
    if not holds(body, mark):
        return 0
    total, at = 0, body.find(mark)
    while at >= 0:
        start = at + len(mark)
        if mark.endswith(b'"'):
            start = body.find(b'"', start) + 1
            if not start:
                break
        end = body.find(b'"', start)
        if end < 0:
            break
        if not body.startswith(b"data:", start):  # else the other mark counts it
            total += end - start
        at = body.find(mark, end)
    return total


def _patience(exchange: Exchange, world: World, target: Target) -> float:
    destination = world.destination(target)
    if destination.preset.local or asks_to_reason(exchange.inbound.body):
        return PATIENT
    return THINKS if destination.capabilities.thinking_style in UNASKED else BASE


__all__ = ["FirstTokenLimits", "Quantile", "first_token_limit", "text_bytes"]
