"""The shape of `[prices]`: what models cost where the price lists do not know it, or know it wrongly."""

from __future__ import annotations

from typing import Annotated

import msgspec

from flowrouter.settings.section import Section

Usd = Annotated[float, msgspec.Meta(ge=0, le=1_000_000)]


class ModelPrice(Section, frozen=True):
    """USD per million tokens of the models under one name or glob; 0 is free.

    `input` is for what is read from no cache, `output` includes reasoning. What is left out of the cache's
    prices costs what `input` does, `cache_write_1h` what `cache_write` does. `request` is USD per thousand requests.
    """

    input: Usd
    output: Usd
    cache_read: Usd | None = None
    cache_write: Usd | None = None
    cache_write_1h: Usd | None = None
    request: Usd | None = None


__all__ = ["ModelPrice", "Usd"]
