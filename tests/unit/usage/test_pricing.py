"""Whose price is taken, and what must hold for every bill."""

from __future__ import annotations

import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowrouter.canonical.metered import Metered
from flowrouter.canonical.usage import Usage
from flowrouter.providers import catalog
from flowrouter.settings.prices import ModelPrice
from flowrouter.usage import FREE, Price, Prices, packaged
from flowrouter.usage.pricing import LARGEST, PICO, bill, rounded, usd
from flowrouter.usage.rates import Card, RateFile, Step

NOW = 1_795_000_000.0
ROOT = Path(__file__).resolve().parents[3]
KNOWN = catalog.packaged()


def price(
    provider: str, model: str, *, host: str = "", own: dict[str, ModelPrice] | None = None
) -> Price | None:
    return Prices(own).of(KNOWN.get(provider), model, host=host)


def test_the_file_is_made_of_what_is_installed() -> None:
    script = "import sys; sys.path.insert(0, 'tools'); import prices; sys.stdout.write(prices.made())"
    made = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, check=True).stdout
    assert made == (ROOT / "src/flowrouter/usage/rates.json").read_bytes(), "run `make prices`"
    assert RateFile(made).sha256 == packaged().sha256


def test_every_preset_has_a_list_or_needs_none() -> None:
    for preset in KNOWN:
        listed = preset.prices or preset.id
        assert preset.local or preset.needs_url or listed in packaged(), preset.id
        assert not preset.prices or preset.prices in packaged(), preset.id


@pytest.mark.parametrize(
    ("model", "like"),
    [
        ("claude-opus-5-20261011", "claude-opus-5"),
        ("claude-opus-5@20261011", "claude-opus-5"),
        ("claude-fable-5-2-2026-11-02", "claude-fable-5-2"),
        ("CLAUDE-OPUS-5", "claude-opus-5"),
    ],
)
def test_a_version_of_a_model_costs_what_the_model_does(model: str, like: str) -> None:
    found, plain = price("anthropic", model), price("anthropic", like)
    assert found is not None
    assert plain is not None
    assert found.per_million("input", now=NOW) == plain.per_million("input", now=NOW)


def test_a_date_with_a_price_of_its_own() -> None:
    old, new = price("openai", "gpt-4o-20240513"), price("openai", "gpt-4o")
    assert old is not None
    assert new is not None
    assert old.per_million("input", now=NOW) == 5
    assert new.per_million("input", now=NOW) == Decimal("2.5")


def test_a_near_name_is_no_name() -> None:
    assert price("openai", "gpt-5.5-of-somebody") is None
    assert price("openai", "no-such-model") is None
    mini, whole = price("openai", "gpt-4o-mini"), price("openai", "gpt-4o")
    assert mini is not None
    assert whole is not None
    assert mini.per_million("input", now=NOW) != whole.per_million("input", now=NOW)


def test_free_variants_and_local_servers_cost_nothing() -> None:
    found = price("openrouter", "some/new-model:free")
    assert found is not None
    assert found.bill(Usage(input=10**9, output=10**9), now=NOW) == 0
    for preset in KNOWN:
        if preset.local:
            assert price(preset.id, "whatever") is FREE


def test_a_host_without_a_list_charges_what_the_maker_does() -> None:
    found = price("custom-openai", "gpt-5.5", host="llm.example.com:443")
    assert found is not None
    assert found.source == "openai"
    vendored = price("custom-openai", "anthropic/claude-opus-5", host="llm.example.com:443")
    assert vendored is not None
    assert vendored.source == "anthropic"


@pytest.mark.parametrize(
    "host", ["127.0.0.1:8000", "localhost:8000", "[::1]:8000", "10.0.0.5:80", "box.lan:80", "workshop:8000"]
)
def test_on_this_network_nobody_knows(host: str) -> None:
    assert price("custom-openai", "gpt-5.5", host=host) is None


def test_what_the_owner_wrote_wins() -> None:
    own = {
        "gpt-*": ModelPrice(input=1, output=2),
        "gpt-5.5*": ModelPrice(input=3, output=4, cache_read=0.5),
        "openai/gpt-5.5-pro": ModelPrice(input=9, output=9),
        "Llama-3": ModelPrice(input=0, output=0),
        "custom-openai/*": ModelPrice(input=0.25, output=0.25),
    }
    for model, dollars in (("gpt-4o", 1), ("gpt-5.5-x", 3), ("gpt-5.5-pro", 9)):
        found = price("openai", model, own=own)
        assert found is not None
        assert found.per_million("input", now=NOW) == dollars
        assert found.source.startswith("prices.")
    local = price("ollama", "llama-3", own={"llama-3": ModelPrice(input=1, output=1)})
    assert local is not None
    assert local.bill(Usage(input=1, output=0), now=NOW) == 10**6
    anywhere = price("custom-openai", "x", host="10.0.0.1:80", own=own)
    assert anywhere is not None
    assert anywhere.per_million("output", now=NOW) == Decimal("0.25")


def test_unknown_is_never_zero() -> None:
    some = price("openai", "gpt-5.5")
    assert some is not None
    assert some.bill(Usage(), now=NOW) is None, "nobody counted"
    assert some.bill(Usage(output=5), now=NOW) is None
    assert bill(None, Usage(input=1, output=1), now=NOW) is None
    embedding = price("openai", "text-embedding-3-small")
    assert embedding is not None
    assert embedding.bill(Usage(input=10), now=NOW) == 200_000
    assert embedding.bill(Usage(input=10, output=10), now=NOW) is None


def test_a_dearer_tier_without_a_price_is_unknown() -> None:
    found = price("openai", "gpt-4o-audio-preview")
    assert found is not None
    usage = Usage(input=10, output=10)
    assert found.bill(usage, Metered(tier="priority"), now=NOW) is None
    assert found.bill(usage, Metered(tier="flex"), now=NOW) == found.bill(usage, now=NOW)


def test_what_the_provider_says_wins() -> None:
    stated = Metered(cost=Decimal("0.000123"))
    assert bill(price("openrouter", "x-ai/grok-4"), Usage(input=1, output=1), stated, now=NOW) == 123_000_000
    assert bill(None, Usage(), stated, now=NOW) == 123_000_000
    assert bill(None, Usage(), Metered(cost=Decimal(0)), now=NOW) == 0


def test_a_bill_that_no_store_holds_is_a_mistake() -> None:
    found = price("openai", "gpt-5.5")
    assert found is not None
    assert found.bill(Usage(input=10**18, output=0), now=NOW) is None
    assert bill(None, Usage(), Metered(cost=Decimal(10**9)), now=NOW) is None


def test_money_as_text() -> None:
    assert usd(None) is None
    assert usd(0) == "0"
    assert usd(1) == "0.000000000001"
    assert usd(1_500_000_000_000) == "1.5"
    assert usd(100 * 10**12) == "100"


# Properties, over made prices.

AMOUNT = st.decimals(min_value=0, max_value=1_000, places=7, allow_nan=False)
COUNT = st.integers(0, 10**7)
KINDS = ("input", "output", "cache_read", "cache_write", "cache_write_1h")


@st.composite
def prices_made(draw: st.DrawFn) -> Price:
    amounts = {kind: draw(AMOUNT) for kind in ("input", "output")}
    amounts |= {kind: draw(AMOUNT) for kind in KINDS[2:] if draw(st.booleans())}
    return Price((Card(amounts=amounts),), source="made")


@st.composite
def usages(draw: st.DrawFn) -> Usage:
    write = draw(COUNT)
    return Usage(
        input=draw(COUNT), cache_read=draw(COUNT), cache_write=write,
        cache_write_1h=draw(st.integers(0, write)), output=draw(COUNT), reasoning=draw(COUNT),
    )  # fmt: skip


def summed(one: Usage, other: Usage) -> Usage:
    names = ("input", "cache_read", "cache_write", "cache_write_1h", "output", "reasoning")
    return Usage(**{name: (getattr(one, name) or 0) + (getattr(other, name) or 0) for name in names})


@given(prices_made(), usages(), usages())
def test_more_costs_no_less_and_parts_make_the_whole(made: Price, one: Usage, other: Usage) -> None:
    first, second, both = (made.bill(each, now=NOW) for each in (one, other, summed(one, other)))
    assert first is not None
    assert second is not None
    assert both is not None
    assert both >= max(first, second)
    assert abs(both - first - second) <= 1, "only the rounding of each bill may differ"


@given(prices_made(), usages())
def test_a_bill_is_rounded_once(made: Price, usage: Usage) -> None:
    def dollars(kind: str, like: str = "") -> Decimal:
        found = made.per_million(kind, now=NOW)
        return found if found is not None else Decimal(made.per_million(like, now=NOW) or 0)

    long = usage.cache_write_1h or 0
    exact = (
        dollars("input") * (usage.input or 0)
        + dollars("cache_read", "input") * (usage.cache_read or 0)
        + dollars("cache_write", "input") * ((usage.cache_write or 0) - long)
        + dollars("cache_write_1h", "cache_write") * long
        + dollars("output") * usage.total_output
    )
    assert made.bill(usage, now=NOW) == rounded(exact * PICO / 10**6)


@given(st.decimals(min_value=0, max_value=10**6, places=3, allow_nan=False))
def test_halves_go_to_the_even_side(amount: Decimal) -> None:
    whole = rounded(amount)
    assert whole is not None
    assert abs(Decimal(whole) - amount) <= Decimal("0.5")
    if abs(amount % 1) == Decimal("0.5"):
        assert whole % 2 == 0


@given(usages(), st.integers(0, 2 * 10**7))
def test_beyond_a_step_all_tokens_cost_more(usage: Usage, start: int) -> None:
    plain, dear = {"input": Decimal(1), "output": Decimal(2)}, {"input": Decimal(3), "output": Decimal(4)}
    stepped = Price((Card(amounts=plain, steps=(Step(tokens=start, amounts=dear),)),), source="made")
    flat = Price((Card(amounts=dear if usage.total_input > start else plain),), source="made")
    assert stepped.bill(usage, now=NOW) == flat.bill(usage, now=NOW)


@given(usages(), st.integers(0, 10**6), st.integers(0, 10**6))
def test_parts_that_cost_apart_are_taken_out_of_the_whole(usage: Usage, audio: int, cached: int) -> None:
    amounts = {
        "input": Decimal(1),
        "output": Decimal(1),
        "audio_input": Decimal(1),
        "audio_output": Decimal(1),
    }
    one_price = Price((Card(amounts=amounts),), source="made")
    metered = Metered(audio_input=audio, audio_cached=min(audio, cached), audio_output=audio)
    assert one_price.bill(usage, metered, now=NOW) == one_price.bill(usage, now=NOW), (
        "no token is billed twice"
    )


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**6))
def test_an_estimate_is_the_bill_of_such_a_request(given_: int, cached: int, made: int) -> None:
    found = price("anthropic", "claude-opus-5")
    assert found is not None
    cached = min(cached, given_)
    estimate = found.estimate(input_tokens=given_, output_tokens=made, cached_tokens=cached, now=NOW)
    assert estimate == found.bill(Usage(input=given_ - cached, cache_read=cached, output=made), now=NOW)
    assert estimate is not None
    assert estimate <= LARGEST


def _at(seconds: float) -> float:
    """Return a moment that is so many seconds behind 23:58 of a day's evening."""
    return 1_795_046_280.0 + seconds


@given(
    st.lists(
        st.tuples(
            st.one_of(st.floats(-300, 300), st.sampled_from([59.0, 59.9999999, 60.0, 119.9999999, 120.0])),
            st.sampled_from([0, 10, 11, 100, 101, 5_000]),
        ),
        max_size=30,
    )
)
def test_what_is_kept_of_a_price_goes_by_neither_day_hour_nor_length(asked: list[tuple[float, int]]) -> None:
    def made() -> Price:
        first, late, new = ({"input": Decimal(amount)} for amount in (1, 20, 300))
        steps = (
            Step(tokens=10, amounts={"input": Decimal(4)}),
            Step(tokens=100, amounts={"input": Decimal(5)}),
        )
        return Price(
            (
                Card(amounts=first, steps=steps),
                Card(amounts=new, since="2026-11-19"),
                Card(amounts=late, hours=("23:59", "00:01")),
            ),
            source="made",
        )

    kept = made()
    for later, tokens in asked:
        usage = Usage(input=tokens, output=0)
        assert kept.bill(usage, now=_at(later)) == made().bill(usage, now=_at(later))
