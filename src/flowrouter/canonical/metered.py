"""What else a provider bills by than tokens of the five kinds, and what it says the bill is.

Read from a provider's own usage object once, when an exchange is settled; each dialect knows its own
(`Codec.metered`). What its hosts state of their prices is the same everywhere and is read here.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from flowrouter.canonical.usage import TOKENS_MAX
from flowrouter.wire.members import as_object

_TIERS = frozenset({"batch", "fast", "flex", "priority"})
_TICKS = Decimal(10**10)
_USD = Decimal(1)
_DIGITS = 40
_LARGEST = Decimal(10**4)
"""USD for one request: who states more is mistaken."""


class Metered(msgspec.Struct, frozen=True, kw_only=True):
    """Counts beside those of `Usage`, and parts of them: `*_input` include what is `*_cached`.

    `searches` are web searches that are billed. `tier` is one that has prices of its own, None for the
    standard one. `cost` is the bill in USD where the provider states it.
    """

    audio_input: int = 0
    audio_cached: int = 0
    audio_output: int = 0
    image_input: int = 0
    image_cached: int = 0
    image_output: int = 0
    video_input: int = 0
    searches: int = 0
    tier: str | None = None
    cost: Decimal | None = None


PLAIN = Metered()
"""Nothing besides."""


def special_tier(name: object) -> str | None:
    """Return the tier that `name` means, if it is one with prices of its own."""
    if not isinstance(name, str):
        return None
    plain = name.lower()
    return plain if plain in _TIERS else None


def stated_cost(raw: Mapping[str, Any]) -> Decimal | None:
    """Return the USD that a usage object says were charged, None where it says nothing.

    OpenRouter: `cost`, and for keys of one's own (`is_byok`) what their vendor charges besides
    (openrouter.ai/docs/use-cases/usage-accounting). Perplexity: `cost.total_cost`. xAI:
    `cost_in_usd_ticks`, 10^10 to the dollar (docs.x.ai/developers/cost-tracking). November 2026.
    """
    ticks = _amount(raw["cost_in_usd_ticks"], unit=_TICKS) if "cost_in_usd_ticks" in raw else None
    if ticks is not None or "cost" not in raw:
        return ticks
    parts = as_object(raw["cost"])
    charged = _amount(raw["cost"] if parts is None else parts.get("total_cost"))
    if charged is None or not raw.get("is_byok"):
        return charged
    details = as_object(raw.get("cost_details")) or {}
    return charged + (_amount(details.get("upstream_inference_cost")) or 0)


def count(value: object) -> int:
    """Return a count as a usage object holds it, 0 for what is none."""
    return value if type(value) is int and 0 < value <= TOKENS_MAX else 0


def _amount(value: object, *, unit: Decimal = _USD) -> Decimal | None:
    """Return the USD that `value` states, so many `unit` to the dollar; None where it is no bill."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    text = str(value)
    try:
        amount = Decimal(text) if len(text) <= _DIGITS else None
    except InvalidOperation:
        return None
    if amount is None or not amount.is_finite() or not 0 <= amount <= _LARGEST * unit:
        return None
    return amount / unit


__all__ = ["PLAIN", "Metered", "count", "special_tier", "stated_cost"]
