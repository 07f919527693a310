"""Our bills against those of `genai-prices`, over every model it knows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from genai_prices import Usage as TheirUsage
from genai_prices import types as theirs
from genai_prices.data import providers

from flowrouter.canonical.metered import Metered
from flowrouter.canonical.usage import Usage
from flowrouter.providers.preset import DialectUrls, Preset
from flowrouter.usage import Prices, packaged
from flowrouter.usage.pricing import PICO, rounded

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
MOMENTS = {"noon": NOON, "night": NOON.replace(hour=2), "a year ago": NOON.replace(year=2025)}
USAGES = {
    "plain": Usage(input=1_234, output=567),
    "cached": Usage(input=1_000, output=99, cache_read=5_000, cache_write=300, cache_write_1h=100),
    "long": Usage(input=250_001, output=10, cache_read=7),
    "very long": Usage(input=1_500_001, output=10),
    "nothing made": Usage(input=2_000, output=0),
    "at the step": Usage(input=200_000, output=1),
}
TIERS = {
    "batch": {"processing": "batch"},
    "flex": {"service_tier": "flex"},
    "priority": {"service_tier": "priority"},
}

# Where we say "unknown" and the package says 0, or leaves a part out.
FREE_OR_UNKNOWN = (
    "no price is written at all: it means free to them, unknown to us unless the name ends in :free"
)
NOT_BY_TOKENS = "billed by hours, pages or characters, which no request of ours counts"
NO_OUTPUT = "no price for output: an embedding model that is said to have written something"


def preset(provider: str) -> Preset:
    return Preset(id="any", name="any", vendor="any", dialects=DialectUrls(openai_chat=""), prices=provider)


def names(match: Any) -> Iterator[str]:
    for kind in ("equals", "starts_with", "ends_with", "contains"):
        if hasattr(match, kind):
            yield getattr(match, kind).lower()
    for inner in (*getattr(match, "or_", ()), *getattr(match, "and_", ())):
        yield from names(inner)


def kinds(model: theirs.ModelInfo) -> set[str]:
    sets = [each.prices for each in model.prices] if isinstance(model.prices, list) else [model.prices]
    return {kind for prices in sets for kind, price in prices.__dict__.items() if price is not None}


def their_bill(
    model: theirs.ModelInfo, provider: theirs.Provider, usage: Usage, *, at: datetime, **context: str
) -> int | None:
    counted = TheirUsage(
        input_tokens=usage.total_input,
        output_tokens=usage.output,
        cache_read_tokens=usage.cache_read,
        cache_write_tokens=usage.cache_write,
        cache_write_1h_tokens=usage.cache_write_1h,
    )
    bill = model.calc_price(counted, provider, genai_request_timestamp=at, price_context=context or None)
    return rounded(bill.total_price * PICO)


def expected(model: theirs.ModelInfo, usage: Usage, name: str) -> str | None:
    """Return the reason why ours is None although theirs is a number, None where they must agree."""
    known = kinds(model)
    if not known:
        return None if name.endswith(":free") else FREE_OR_UNKNOWN
    if "input_mtok" not in known:
        return NOT_BY_TOKENS
    if "output_mtok" not in known and usage.output:
        return NO_OUTPUT
    return None


@pytest.mark.parametrize("provider", providers, ids=[provider.id for provider in providers])
def test_every_model(provider: theirs.Provider) -> None:
    if provider.id not in packaged():
        assert not any("input_mtok" in kinds(model) for model in provider.models)
        return
    prices, compared = Prices(), 0
    for name in dict.fromkeys(name for model in provider.models for name in names(model.match)):
        model = provider.find_model(name, all_providers=providers)
        ours = prices.of(preset(provider.id), name)
        if model is None:
            assert ours is None, name
            continue
        for case, usage in USAGES.items():
            for moment, at in MOMENTS.items():
                bill = None if ours is None else ours.bill(usage, now=at.timestamp())
                if expected(model, usage, name) is not None:
                    assert bill is None, (name, case, moment)
                else:
                    assert bill == their_bill(model, provider, usage, at=at), (name, case, moment)
                    compared += 1
    assert compared or not any("input_mtok" in kinds(model) for model in provider.models)


@pytest.mark.parametrize("tier", TIERS)
def test_service_tiers(tier: str) -> None:
    prices, compared = Prices(), 0
    for provider in providers:
        for model in provider.models:
            offered = [each.when for each in model.price_variants or ()]
            if TIERS[tier] not in offered or "input_mtok" not in kinds(model):
                continue
            name = next(names(model.match))
            assert provider.find_model(name) is model
            ours = prices.of(preset(provider.id), name)
            assert ours is not None
            for usage in (USAGES["plain"], USAGES["long"], USAGES["cached"]):
                if "output_mtok" not in kinds(model):
                    continue
                theirs_ = their_bill(model, provider, usage, at=NOON, **TIERS[tier])
                assert ours.bill(usage, Metered(tier=tier), now=NOON.timestamp()) == theirs_, (name, tier)
                compared += 1
    assert compared > 10


def test_audio_and_searches() -> None:
    usage = Usage(input=1_000, output=500, cache_read=200)
    metered = Metered(audio_input=300, audio_output=100, searches=3)
    compared = 0
    for provider in providers:
        for model in provider.models:
            if not {"input_audio_mtok", "output_audio_mtok", "cache_audio_read_mtok"} <= kinds(model):
                continue
            found = Prices().of(preset(provider.id), next(names(model.match)))
            assert found is not None
            counted = TheirUsage(
                input_tokens=1_200, output_tokens=500, cache_read_tokens=200, cache_audio_read_tokens=0,
                input_audio_tokens=300, output_audio_tokens=100, web_searches=3,
            )  # fmt: skip
            bill = model.calc_price(counted, provider, genai_request_timestamp=NOON).total_price
            ours = found.bill(usage, metered, now=NOON.timestamp())
            if "web_searches_kcount" not in kinds(model):
                assert ours is None, "searches without a price are unknown, not free"
                ours = found.bill(usage, Metered(audio_input=300, audio_output=100), now=NOON.timestamp())
            assert ours == rounded(bill * PICO), model.id
            compared += 1
    assert compared


def test_one_price_by_hand() -> None:
    """Claude Opus 5, platform.claude.com/docs/en/about-claude/pricing: 5, 25, 0.5, 6.25, 10; 10 a 1,000 searches."""
    found = Prices().of(preset("anthropic"), "claude-opus-5")
    assert found is not None
    usage = Usage(input=100, cache_read=2_000, cache_write=700, cache_write_1h=200, output=40, reasoning=10)
    dollars = Decimal(5) * 100 + Decimal("0.5") * 2_000 + Decimal("6.25") * 500 + 10 * 200 + 25 * 50
    searches = Decimal(10) * 2 / 1_000
    assert found.bill(usage, Metered(searches=2), now=NOON.timestamp()) == int(
        (dollars / 10**6 + searches) * 10**12
    )
