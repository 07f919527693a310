"""What vendors' own usage objects cost: read by the dialect, billed by us, against genai-prices' calculator.

Each case gives the object as the vendor writes it and, for the calculator, the same counts in its own names.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from genai_prices import Usage as TheirUsage
from genai_prices.data import providers

from flowrouter.canonical.dialect import Dialect
from flowrouter.canonical.usage import Usage
from flowrouter.dialects import codec
from flowrouter.dialects.anthropic.usage import parse_usage as anthropic_usage
from flowrouter.dialects.gemini.usage import parse_usage as gemini_usage
from flowrouter.dialects.openai_chat.usage import parse_usage as chat_usage
from flowrouter.dialects.openai_responses.usage import parse_usage as responses_usage
from flowrouter.usage import Prices
from flowrouter.usage.pricing import PICO, bill, rounded
from tests.unit.usage.test_oracle import NOON, preset


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """`raw` is the vendor's object, `counts` the same for the calculator; `response` and `tier` stand beside it."""

    name: str
    dialect: Dialect
    provider: str
    model: str
    raw: dict[str, Any]
    counts: dict[str, int]
    tier: str | None = None
    response: dict[str, Any] = {}
    context: dict[str, str] = {}
    at: datetime = NOON


def chat(name: str, model: str, raw: dict[str, Any], counts: dict[str, int], **more: Any) -> Case:
    more.setdefault("provider", "openai")
    return Case(name=f"chat: {name}", dialect="openai_chat", model=model, raw=raw, counts=counts, **more)


def responses(name: str, model: str, raw: dict[str, Any], counts: dict[str, int], **more: Any) -> Case:
    made = {"dialect": "openai_responses", "provider": "openai", **more}
    return Case(name=f"responses: {name}", model=model, raw=raw, counts=counts, **made)


def claude(name: str, model: str, raw: dict[str, Any], counts: dict[str, int], **more: Any) -> Case:
    made = {"dialect": "anthropic", "provider": "anthropic", **more}
    return Case(name=f"anthropic: {name}", model=model, raw=raw, counts=counts, **made)


def gemini(name: str, model: str, raw: dict[str, Any], counts: dict[str, int], **more: Any) -> Case:
    made = {"dialect": "gemini", "provider": "google", **more}
    return Case(name=f"gemini: {name}", model=model, raw=raw, counts=counts, **made)


def told(prompt: int, completion: int, **more: Any) -> dict[str, Any]:
    return {
        "prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion, **more,
    }  # fmt: skip


def given(prompt: int, output: int, *, cached: int = 0, reasoning: int = 0) -> dict[str, Any]:
    return {
        "input_tokens": prompt, "input_tokens_details": {"cached_tokens": cached},
        "output_tokens": output, "output_tokens_details": {"reasoning_tokens": reasoning},
        "total_tokens": prompt + output,
    }  # fmt: skip


def used(
    fresh: int, output: int, *, read: int = 0, write: int = 0, long: int = 0, **more: Any
) -> dict[str, Any]:
    return {
        "input_tokens": fresh, "output_tokens": output,
        "cache_creation_input_tokens": write, "cache_read_input_tokens": read,
        "cache_creation": {"ephemeral_5m_input_tokens": write - long, "ephemeral_1h_input_tokens": long}, **more,
    }  # fmt: skip


def both(prompt: int, output: int, **more: int) -> dict[str, int]:
    return {"input_tokens": prompt, "output_tokens": output, **more}


def searched(count: int) -> dict[str, Any]:
    calls = [{"type": "web_search_call", "action": {"type": "search"}} for _ in range(count)]
    return {"output": [*calls, {"type": "web_search_call", "action": {"type": "open_page"}}]}


DETAILS, MADE = "prompt_tokens_details", "completion_tokens_details"
CACHED = {DETAILS: {"cached_tokens": 600}}
REASONED = {MADE: {"reasoning_tokens": 300}}
AUDIO = {DETAILS: {"audio_tokens": 400, "cached_tokens": 0}, MADE: {"audio_tokens": 200}}
FLEX, PRIORITY, BATCH = ({"service_tier": "flex"}, {"service_tier": "priority"}, {"processing": "batch"})
NIGHT = datetime(2025, 3, 1, 17, 0, tzinfo=UTC)
DAY = datetime(2025, 3, 1, 12, 0, tzinfo=UTC)

CASES = [
    chat("plain", "gpt-5.5", told(1_000, 200), both(1_000, 200)),
    chat("cached", "gpt-5.5", told(1_000, 200, **CACHED), both(1_000, 200, cache_read_tokens=600)),
    chat("all of it cached", "gpt-5.4", told(600, 1, **CACHED), both(600, 1, cache_read_tokens=600)),
    chat("reasoning is output", "gpt-5", told(1_000, 500, **REASONED), both(1_000, 500)),
    chat("at the long step", "gpt-5.4", told(272_000, 10), both(272_000, 10)),
    chat("beyond the long step", "gpt-5.4", told(272_001, 10), both(272_001, 10)),
    chat("beyond it by cached ones", "gpt-5.5", told(272_600, 10, **CACHED), both(272_600, 10, cache_read_tokens=600)),
    chat("flex", "gpt-5", told(1_000, 200, **CACHED), both(1_000, 200, cache_read_tokens=600), tier="flex", context=FLEX),
    chat("flex, long", "gpt-5.5", told(300_000, 200), both(300_000, 200), tier="flex", context=FLEX),
    chat("priority", "gpt-5.4-mini", told(1_000, 200), both(1_000, 200), tier="priority", context=PRIORITY),
    chat("priority, cached", "gpt-4o", told(1_000, 9, **CACHED), both(1_000, 9, cache_read_tokens=600), tier="priority", context=PRIORITY),
    chat("the default tier by its name", "gpt-5.5", told(1_000, 200), both(1_000, 200), tier="default"),
    chat("audio in and out", "gpt-realtime", told(1_000, 500, **AUDIO), both(1_000, 500, input_audio_tokens=400, output_audio_tokens=200)),
    chat("text of a model with audio", "gpt-realtime", told(1_000, 500), both(1_000, 500)),
    chat("a price of last year", "o3", told(1_000, 200), both(1_000, 200), at=datetime(2025, 5, 1, tzinfo=UTC)),
    chat("the price since then", "o3", told(1_000, 200), both(1_000, 200)),
    chat("one token", "gpt-5.4-mini", told(1, 1), both(1, 1)),
    chat("nothing written", "gpt-5.5", told(7, 0), both(7, 0)),
    chat("a count told as a float", "gpt-5.5", told(1_000, 200) | {"prompt_tokens": 1_000.0}, both(1_000, 200)),
    chat("DeepSeek's cache", "deepseek-reasoner", told(1_000, 50, prompt_cache_hit_tokens=600, prompt_cache_miss_tokens=400), both(1_000, 50, cache_read_tokens=600), provider="deepseek", at=DAY),
    chat("DeepSeek at night", "deepseek-reasoner", told(1_000, 50), both(1_000, 50), provider="deepseek", at=NIGHT),
    chat("xAI's reasoning beside the completion", "grok-4", told(1_000, 100) | {"total_tokens": 1_400, **REASONED}, both(1_000, 400), provider="x-ai"),
    chat("Moonshot's cache", "kimi-k2.5", told(1_000, 20, cached_tokens=600), both(1_000, 20, cache_read_tokens=600), provider="moonshotai"),
    chat("Groq", "llama-3.3-70b-versatile", told(1_000, 20), both(1_000, 20), provider="groq"),
    chat("Mistral", "mistral-large-latest", told(1_000, 20), both(1_000, 20), provider="mistral"),
    responses("plain", "gpt-5.5", given(1_000, 200), both(1_000, 200)),
    responses("cached", "gpt-5.5", given(1_000, 200, cached=600), both(1_000, 200, cache_read_tokens=600)),
    responses("reasoning is output", "gpt-5.4", given(1_000, 500, reasoning=450), both(1_000, 500)),
    responses("all of it reasoning", "gpt-5", given(10, 500, reasoning=500), both(10, 500)),
    responses("long", "gpt-5.5", given(272_001, 5, cached=272_001), both(272_001, 5, cache_read_tokens=272_001)),
    responses("two searches and a page", "gpt-5.5", given(1_000, 200), both(1_000, 200, web_searches=2), response=searched(2)),
    responses("flex", "gpt-5.5", given(1_000, 200), both(1_000, 200), response={"service_tier": "flex"}, context=FLEX),
    responses("priority", "gpt-5", given(1_000, 200, cached=600), both(1_000, 200, cache_read_tokens=600), response={"service_tier": "priority"}, context=PRIORITY),
    responses("the tier given is none", "gpt-5", given(1_000, 200), both(1_000, 200), response={"service_tier": "auto"}),
    claude("plain", "claude-opus-5", used(1_000, 200), both(1_000, 200)),
    claude("read", "claude-opus-5", used(100, 20, read=9_000), both(9_100, 20, cache_read_tokens=9_000)),
    claude("written for 5 minutes", "claude-sonnet-5", used(100, 20, write=900), both(1_000, 20, cache_write_tokens=900)),
    claude("written for an hour", "claude-sonnet-5", used(100, 20, write=900, long=900), both(1_000, 20, cache_write_tokens=900, cache_write_1h_tokens=900)),
    claude("written for both, and read", "claude-fable-5", used(1, 2, read=30, write=900, long=400), both(931, 2, cache_read_tokens=30, cache_write_tokens=900, cache_write_1h_tokens=400)),
    claude("searches", "claude-opus-5", used(10, 2, server_tool_use={"web_search_requests": 3}), both(10, 2, web_searches=3)),
    claude("thinking is output", "claude-opus-5", used(10, 900, output_tokens_details={"thinking_tokens": 800}), both(10, 900)),
    claude("batch", "claude-opus-5", used(100, 20, write=900, long=900, service_tier="batch"), both(1_000, 20, cache_write_tokens=900, cache_write_1h_tokens=900), context=BATCH),
    claude("capacity bought ahead has no price of its own", "claude-opus-5", used(100, 20, service_tier="priority"), both(100, 20)),
    claude("standard by its name", "claude-opus-5", used(100, 20, service_tier="standard"), both(100, 20)),
    claude("a long prompt", "claude-opus-5", used(250_000, 20), both(250_000, 20)),
    claude("an older model", "claude-haiku-4-5-20251001", used(5_000, 20, read=100), both(5_100, 20, cache_read_tokens=100)),
    gemini("plain", "gemini-2.5-flash", {"promptTokenCount": 1_000, "candidatesTokenCount": 200, "totalTokenCount": 1_200}, both(1_000, 200)),
    gemini("thoughts are output", "gemini-2.5-flash", {"promptTokenCount": 1_000, "candidatesTokenCount": 200, "thoughtsTokenCount": 700, "totalTokenCount": 1_900}, both(1_000, 900)),
    gemini("cached", "gemini-2.5-flash", {"promptTokenCount": 1_000, "cachedContentTokenCount": 600, "candidatesTokenCount": 2}, both(1_000, 2, cache_read_tokens=600)),
    gemini("what tools put in", "gemini-2.5-flash", {"promptTokenCount": 1_000, "toolUsePromptTokenCount": 300, "candidatesTokenCount": 2}, both(1_300, 2)),
    gemini("no count of its candidates", "gemini-2.5-flash", {"promptTokenCount": 1_000, "totalTokenCount": 1_010}, both(1_000, 10)),
    gemini("audio heard", "gemini-2.5-flash", {"promptTokenCount": 1_000, "candidatesTokenCount": 2, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 300}, {"modality": "AUDIO", "tokenCount": 700}]}, both(1_000, 2, input_audio_tokens=700)),
    gemini("audio, some of it cached", "gemini-2.5-flash", {"promptTokenCount": 1_000, "cachedContentTokenCount": 200, "candidatesTokenCount": 2, "promptTokensDetails": [{"modality": "AUDIO", "tokenCount": 700}], "cacheTokensDetails": [{"modality": "AUDIO", "tokenCount": 200}]}, both(1_000, 2, cache_read_tokens=200, input_audio_tokens=700, cache_audio_read_tokens=200)),
    gemini("a picture drawn", "gemini-2.5-flash-image", {"promptTokenCount": 100, "candidatesTokenCount": 1_300, "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 1_290}]}, both(100, 1_300, output_image_tokens=1_290)),
    gemini("a picture seen", "gemini-2.5-flash", {"promptTokenCount": 358, "candidatesTokenCount": 5, "promptTokensDetails": [{"modality": "IMAGE", "tokenCount": 258}]}, both(358, 5)),
    gemini("at the long step", "gemini-2.5-pro", {"promptTokenCount": 200_000, "candidatesTokenCount": 5}, both(200_000, 5)),
    gemini("beyond the long step", "gemini-2.5-pro", {"promptTokenCount": 200_001, "candidatesTokenCount": 5}, both(200_001, 5)),
    gemini("beyond it by what tools put in", "gemini-2.5-pro", {"promptTokenCount": 199_000, "toolUsePromptTokenCount": 1_001, "candidatesTokenCount": 5}, both(200_001, 5)),
    gemini("nothing but thoughts", "gemini-2.5-pro", {"promptTokenCount": 10, "thoughtsTokenCount": 500, "totalTokenCount": 510}, both(10, 500)),
    gemini("a translated answer of long ago", "gemini-2.0-flash", {"promptTokenCount": 10, "candidatesTokenCount": 5}, both(10, 5)),
]  # fmt: skip


def read(case: Case) -> Usage:
    match case.dialect:
        case "openai_responses":
            return responses_usage(case.raw, response=case.response)
        case "anthropic":
            found = anthropic_usage(case.raw)
            assert found is not None
            return found
        case "gemini":
            return gemini_usage(case.raw)
        case _:
            return chat_usage(case.raw, tier=case.tier)


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_vendors_own_numbers(case: Case) -> None:
    provider = next(each for each in providers if each.id == case.provider)
    model = provider.find_model(case.model, all_providers=providers)
    assert model is not None
    theirs = model.calc_price(
        TheirUsage(**case.counts), provider, genai_request_timestamp=case.at, price_context=case.context or None
    )  # fmt: skip
    usage = read(case)
    found = Prices().of(preset(case.provider), case.model)
    ours = bill(found, usage, codec(case.dialect).metered(usage), now=case.at.timestamp())
    assert ours == rounded(theirs.total_price * PICO)
    assert ours, "a bill of nothing proves nothing"


def test_there_are_sixty_of_them() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 60


@pytest.mark.parametrize(
    "case, dollars",
    [
        # platform.claude.com/docs/en/about-claude/pricing, as genai-prices has it: Sonnet 5 is 2 / 10, Opus 5 is 5 / 25,
        # five-minute writes 1.25 times, one-hour writes twice, searches $10 a thousand. November 2026.
        ("anthropic: written for 5 minutes", (100 * 2 + 900 * Decimal("2.5") + 20 * 10) / Decimal(10**6)),
        ("anthropic: written for an hour", (100 * 2 + 900 * 4 + 20 * 10) / Decimal(10**6)),
        ("anthropic: searches", (10 * 5 + 2 * 25) / Decimal(10**6) + 3 * Decimal("0.01")),
        # openai.com/api/pricing, likewise: GPT-5.4 is 2.5 / 15, twice and one and a half times beyond 272K. November 2026.
        ("chat: at the long step", (272_000 * Decimal("2.5") + 10 * 15) / Decimal(10**6)),
        ("chat: beyond the long step", (272_001 * 5 + 10 * Decimal("22.5")) / Decimal(10**6)),
        ("responses: two searches and a page", (1_000 * 5 + 200 * 30) / Decimal(10**6) + 2 * Decimal("0.01")),
        # ai.google.dev/gemini-api/docs/pricing, likewise: 2.5 Flash is 0.3 / 2.5, audio 1. November 2026.
        ("gemini: audio heard", (300 * Decimal("0.3") + 700 * 1 + 2 * Decimal("2.5")) / 10**6),
        ("gemini: thoughts are output", (1_000 * Decimal("0.3") + 900 * Decimal("2.5")) / 10**6),
    ],
)  # fmt: skip
def test_by_hand(case: str, dollars: Decimal) -> None:
    (found,) = (each for each in CASES if each.name == case)
    usage = read(found)
    price = Prices().of(preset(found.provider), found.model)
    ours = bill(price, usage, codec(found.dialect).metered(usage), now=found.at.timestamp())
    assert ours == dollars * PICO
