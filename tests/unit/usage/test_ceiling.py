"""What is held is never less than what is billed, for every model of the price lists."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from flowrouter.canonical.metered import Metered
from flowrouter.canonical.usage import Usage
from flowrouter.providers import catalog
from flowrouter.usage import Prices
from flowrouter.usage.ceiling import Asked, ceiling

MODELS = [
    ("openai", "gpt-5.5"), ("openai", "gpt-5.4-mini"), ("anthropic", "claude-haiku-4-5"),
    ("anthropic", "claude-sonnet-4-5"), ("gemini", "gemini-2.5-pro"), ("deepseek", "deepseek-chat"),
]  # fmt: skip
NOW = 1_800_000_000.0
COUNT = st.integers(0, 300_000)


@given(
    st.sampled_from(MODELS), COUNT, COUNT, COUNT, COUNT, COUNT, st.sampled_from([None, "priority", "flex"])
)
def test_a_hold_covers_the_bill(
    model: tuple[str, str],
    fresh: int,
    cached: int,
    written: int,
    output: int,
    reasoning: int,
    tier: str | None,
) -> None:
    preset = catalog.packaged().find(model[0])
    assert preset is not None
    price = Prices().of(preset, model[1])
    assert price is not None, model
    usage = Usage(
        input=fresh, cache_read=cached, cache_write=written, cache_write_1h=written // 2, output=output,
        reasoning=reasoning,
    )  # fmt: skip
    bill = price.bill(usage, Metered(tier=tier), now=NOW)
    most = ceiling(
        price, Asked(prompt=fresh + cached + written, tiers=tier is not None, long_cache=True), now=NOW
    )
    if bill is not None:
        held = most.input * (fresh + cached + written) + most.output * usage.total_output + most.fixed
        assert held >= bill
