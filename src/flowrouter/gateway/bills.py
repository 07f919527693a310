"""What exchanges cost at their targets: estimated before they are sent, settled when they are over."""

from __future__ import annotations

from collections.abc import Callable

from flowrouter.canonical.metered import PLAIN
from flowrouter.canonical.usage import Usage
from flowrouter.clock import Clock
from flowrouter.dialects import codec
from flowrouter.gateway.world import World
from flowrouter.routing import Target
from flowrouter.usage import Price
from flowrouter.usage.pricing import bill


class Bills:
    """Prices of the world as it is, at the time it is; amounts in pico-USD, None where unknown."""

    def __init__(self, world: Callable[[], World], *, clock: Clock) -> None:
        self._world = world
        self._clock = clock

    def estimate(
        self, target: Target, *, input_tokens: int, output_tokens: int, cached_tokens: int
    ) -> int | None:
        """Return what a request would cost there; `input_tokens` includes the cached."""
        price = self.price(target)
        if price is None:
            return None
        return price.estimate(
            input_tokens=input_tokens,
            output_tokens=output_tokens,
            cached_tokens=cached_tokens,
            now=self._clock.now(),
        )

    def settle(self, target: Target, usage: Usage) -> int | None:
        """Return what `usage` cost there: as the provider states it, else by its prices."""
        metered = PLAIN
        if usage.origin is not None and usage.raw is not None:
            metered = codec(usage.origin).metered(usage)
        price = self.price(target)
        if price is None and metered.cost is None:
            return None
        return bill(price, usage, metered, now=self._clock.now())

    def price(self, target: Target) -> Price | None:
        """Return the price of the target's model, None where nobody knows it."""
        world = self._world()
        preset = world.presets.get(target.account_id)
        if preset is None:
            return None
        return world.prices.of(preset, target.model, host=target.host)


__all__ = ["Bills"]
