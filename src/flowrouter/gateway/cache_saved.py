"""What caches of providers saved: reads at their price instead of that of fresh input, less what writes cost above it.

Who served a model is known by the day, how much it read by the hour: where a model is had at several accounts,
their prices count by the shares of these days.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import msgspec

from flowrouter.gateway.records import UsageLine
from flowrouter.gateway.traffic import ServedLine
from flowrouter.gateway.world import World, hosts_of
from flowrouter.providers.catalog import Catalog
from flowrouter.usage.pricing import Price


class _Rates(msgspec.Struct, frozen=True):
    """Pico-USD that a token saves when it is read, and costs more when it is written."""

    read: int
    write: int


def cache_saved(
    by_model: Iterable[UsageLine],
    served: Sequence[ServedLine],
    price_of: Callable[[ServedLine], Price | None],
    *,
    now: float,
) -> int | None:
    """Return pico-USD, negative where writes cost more than reads saved; None where no price is known."""
    total, known, unknown = 0, False, False
    for line in by_model:
        if not line.cache_read_tokens and not line.cache_write_tokens:
            continue
        hosts = [(each, _rates(price_of(each), now)) for each in served if each.model == line.group]
        priced = [(each, rates) for each, rates in hosts if rates is not None]
        known, unknown = known or bool(priced), unknown or not priced
        reads, writes = (
            sum(each.cache_read_tokens for each, _ in hosts),
            sum(each.cache_write_tokens for each, _ in hosts),
        )
        for each, rates in priced:
            total += _share(line.cache_read_tokens * rates.read, each.cache_read_tokens, reads)
            total -= _share(line.cache_write_tokens * rates.write, each.cache_write_tokens, writes)
    return None if unknown and not known else total


def prices_in(world: World, catalog: Catalog) -> Callable[[ServedLine], Price | None]:
    """Return how to find the price of a model where it was served, be the account gone or not."""

    def price_of(line: ServedLine) -> Price | None:
        account = world.accounts.get(line.account_id or "")
        preset = world.presets.get(line.account_id or "")
        if preset is None:
            preset = catalog.find(line.preset or "")
        if preset is None or line.model is None:
            return None
        hosts = hosts_of(preset, None if account is None else account.base_url)
        return world.prices.of(preset, line.model, host=next(iter(hosts.values()), ""))

    return price_of


def _rates(price: Price | None, now: float) -> _Rates | None:
    if price is None:
        return None
    fresh, read, written = (
        price.per_million(kind, now=now) for kind in ("input", "cache_read", "cache_write")
    )
    if fresh is None or read is None or written is None:
        return None
    return _Rates(read=round((fresh - read) * 10**6), write=round((written - fresh) * 10**6))


def _share(amount: int, part: int, whole: int) -> int:
    return amount * part // whole if whole else 0


__all__ = ["cache_saved", "prices_in"]
