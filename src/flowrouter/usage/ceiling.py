"""The most that a request may cost: every token at the dearest rate that could apply to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import ROUND_CEILING, Decimal

import msgspec

from flowrouter.usage.pricing import Price

_INPUT = ("input", "cache_write")
_LONG = "cache_write_1h"
_OUTPUT = ("output", "reasoning")
_MEDIA_IN = ("audio_input", "image_input", "video_input")
_MEDIA_OUT = ("audio_output", "image_output")

SEARCHES = 10
"""Searches that a request with a search tool is taken to make at most; providers name no bound."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What of a request decides which rates may apply; `prompt` is the upper bound of its tokens."""

    prompt: int
    tiers: bool = False
    media: bool = False
    long_cache: bool = False
    searches: bool = False


class Ceiling(msgspec.Struct, frozen=True, kw_only=True):
    """The dearest rates: pico-USD per token read and written, and for the request as such; rounded up."""

    input: int = 0
    output: int = 0
    fixed: int = 0


def ceiling(price: Price, asked: Asked, *, now: float) -> Ceiling:
    """Return the dearest rates of `price` for what is asked at `now` (seconds since the epoch)."""
    inputs = (*_INPUT, *((_LONG,) if asked.long_cache else ()), *(_MEDIA_IN if asked.media else ()))
    outputs = (*_OUTPUT, *(_MEDIA_OUT if asked.media else ()))
    most = Ceiling()
    for sheet in price.sheets(asked.prompt, now=now, tiers=asked.tiers):
        fixed = _whole(sheet.get("request", 0))
        if asked.searches:
            fixed += SEARCHES * _whole(sheet.get("web_search", 0))
        here = Ceiling(input=_dearest(sheet, inputs), output=_dearest(sheet, outputs), fixed=fixed)
        most = dearest((most, here))
    return most


def dearest(ceilings: Iterable[Ceiling]) -> Ceiling:
    """Return the dearest of each rate."""
    found = Ceiling()
    for each in ceilings:
        found = Ceiling(
            input=max(found.input, each.input),
            output=max(found.output, each.output),
            fixed=max(found.fixed, each.fixed),
        )
    return found


def _dearest(sheet: Mapping[str, int | Decimal], kinds: Iterable[str]) -> int:
    return max((_whole(sheet[kind]) for kind in kinds if kind in sheet), default=0)


def _whole(amount: int | Decimal) -> int:
    return amount if isinstance(amount, int) else int(amount.to_integral_value(rounding=ROUND_CEILING))


__all__ = ["SEARCHES", "Asked", "Ceiling", "ceiling", "dearest"]
