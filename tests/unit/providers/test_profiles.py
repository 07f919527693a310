"""The capability record follows from the rows, the host and the dialect, each row with its source."""

from __future__ import annotations

from datetime import date

import pytest
from msgspec import UNSET

from flowrouter.canonical.dialect import DIALECTS, Dialect
from flowrouter.providers import catalog, profiles
from flowrouter.providers.profile import Accepts, AcceptsFacts, Facts, Profile, merge

ROWS = profiles.packaged_rows()


def record(preset: str, model: str, dialect: Dialect | None = None) -> Profile:
    return profiles.profile(catalog.packaged().get(preset), model, dialect=dialect)


def test_facts_and_record_have_the_same_fields() -> None:
    assert Facts.__struct_fields__ == Profile.__struct_fields__
    assert AcceptsFacts.__struct_fields__ == Accepts.__struct_fields__


@pytest.mark.parametrize("row", ROWS, ids=[row.match[0] for row in ROWS])
def test_every_row_has_provenance_and_states_something(row: profiles.Row) -> None:
    assert "." in row.source
    assert date(2024, 1, 1) < row.date < date(2027, 1, 1)
    assert any(getattr(row, name) is not UNSET for name in Facts.__struct_fields__)
    assert all(preset in catalog.packaged() for preset in row.presets)
    if row.context_window is not UNSET:
        assert 1000 < row.context_window <= 10_485_760
    if row.max_output is not UNSET and row.context_window is not UNSET:
        assert row.max_output <= row.context_window


def test_no_two_rows_of_one_binding_claim_the_same_glob() -> None:
    seen: set[tuple[object, ...]] = set()
    for row in ROWS:
        for glob in row.match:
            key = (glob, row.presets, row.dialects)
            assert key not in seen, glob
            seen.add(key)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_an_unknown_model_is_taken_to_be_able(dialect: Dialect) -> None:
    found = profiles.profile(catalog.packaged().get("custom-openai"), "who-knows-1", dialect=dialect)
    assert (found.context_window, found.max_output) == (None, None)
    assert found.vision
    assert found.tools
    assert found.json_schema
    assert found.accepts.temperature
    assert not found.supports_prefill


@pytest.mark.parametrize(
    ("model", "style", "prefill", "mid_system", "temperature", "window"),
    [
        ("claude-opus-5-5", "adaptive", False, True, False, 1_000_000),
        ("claude-opus-5", "adaptive", False, True, False, 1_000_000),
        ("claude-sonnet-5", "adaptive", False, False, False, 1_000_000),
        ("claude-opus-4-8", "adaptive", False, True, False, 1_000_000),
        ("claude-opus-4-7-20260416", "adaptive", False, False, False, 1_000_000),
        ("claude-opus-4-6", "both", False, False, True, 1_000_000),
        ("claude-sonnet-4-6", "both", False, False, True, 1_000_000),
        ("claude-opus-4-5-20251101", "manual", True, False, True, 200_000),
        ("claude-sonnet-4-5", "manual", True, False, True, 200_000),
        ("claude-haiku-4-5-20251001", "manual", True, False, True, 200_000),
        ("claude-3-5-haiku-latest", "none", True, False, True, 200_000),
    ],
)
def test_claude_families(
    model: str, style: str, prefill: bool, mid_system: bool, temperature: bool, window: int
) -> None:
    found = record("anthropic", model)
    assert (found.thinking_style, found.supports_prefill, found.mid_system) == (style, prefill, mid_system)
    assert (found.accepts.temperature, found.context_window) == (temperature, window)
    assert not found.accepts.seed
    assert found.cache_control


def test_forced_tools_and_efforts_of_claude() -> None:
    assert not record("anthropic", "claude-opus-5-5").forced_tool_choice
    assert record("anthropic", "claude-opus-5").forced_tool_choice
    assert "xhigh" not in record("anthropic", "claude-opus-4-6").efforts
    assert record("anthropic", "claude-opus-4-5").efforts == ("low", "medium", "high")
    assert not record("anthropic", "claude-fable-5").can_disable_thinking


@pytest.mark.parametrize(
    ("model", "efforts", "default", "can_disable", "role", "temperature"),
    [
        ("gpt-5.6-sol", ("none", "low", "medium", "high", "xhigh"), True, True, "developer", True),
        ("gpt-5.4-mini", ("none", "low", "medium", "high", "xhigh"), False, True, "developer", True),
        ("gpt-5.2-chat-latest", ("medium",), True, False, "developer", False),
        ("gpt-5.1", ("none", "low", "medium", "high"), False, True, "developer", True),
        ("gpt-5-mini-2025-08-07", ("minimal", "low", "medium", "high"), True, False, "developer", False),
        ("o3", ("low", "medium", "high"), True, False, "developer", False),
        ("gpt-4.1", (), False, True, "system", True),
        ("gpt-4o-mini", (), False, True, "system", True),
    ],
)
def test_openai_families(
    model: str, efforts: tuple[str, ...], default: bool, can_disable: bool, role: str, temperature: bool
) -> None:
    found = record("openai", model)
    assert (found.efforts, found.thinking_default, found.can_disable_thinking) == (
        efforts,
        default,
        can_disable,
    )
    assert (found.system_role, found.accepts.temperature) == (role, temperature)
    assert found.max_tokens_field == "max_completion_tokens"
    assert not found.accepts.top_k
    assert record("openai", model, "openai_responses").max_tokens_field == "max_output_tokens"


def test_an_address_of_one_s_own_knows_openai_s_families_in_both_dialects() -> None:
    for preset, dialect in (("custom-openai", "openai_chat"), ("custom-responses", "openai_responses")):
        assert record(preset, "gpt-4.1", dialect).thinking_style == "none"
        assert record(preset, "gpt-5.2", dialect).efforts == record("openai", "gpt-5.2", dialect).efforts


def test_windows_follow_the_longest_match() -> None:
    assert record("openai", "gpt-5.4").context_window == 1_050_000
    assert record("openai", "gpt-5.4-nano").context_window == 400_000
    assert record("openai", "gpt-5.2-chat-latest").context_window == 128_000
    assert record("openai", "gpt-4o-2024-05-13").max_output == 4096


def test_a_served_model_keeps_its_facts_but_not_its_makers_wire_rules() -> None:
    served = record("openrouter", "openai/gpt-5.2", "openai_chat")
    assert served.context_window == 400_000
    assert served.max_tokens_field == "max_tokens"
    assert served.system_role == "system"
    assert (served.thinking_style, served.thinking_field) == ("compat_field", "reasoning")
    assert served.cache_control
    claude = record("openrouter", "anthropic/claude-opus-4.6", "anthropic")
    assert claude.thinking_style == "both"
    assert claude.context_window == 1_000_000
    assert record("openrouter", "anthropic/claude-opus-4.6", "openai_chat").thinking_style == "compat_field"


def test_hosts_say_what_they_refuse() -> None:
    groq = record("groq", "openai/gpt-oss-120b")
    assert (groq.accepts.logprobs, groq.accepts.n, groq.accepts.message_name) == (False, False, False)
    assert (groq.max_output, groq.reasoning_field, groq.can_disable_thinking) == (65536, "reasoning", False)
    mistral = record("mistral", "mistral-large-latest")
    assert (mistral.tool_id_form, mistral.supports_stream_options) == ("alnum9", False)
    assert not record("ollama", "llama3.2:3b").image_url_fetch


def test_reasoning_goes_back_where_it_must() -> None:
    assert record("deepseek", "deepseek-v4-pro").reasoning_echo == "with_tools"
    assert record("together", "moonshotai/Kimi-K2.6").reasoning_echo == "with_tools"
    assert record("openai", "gpt-5.4").reasoning_echo == "never"
    assert record("deepseek", "deepseek-v4-pro").thinking_field == "thinking_type"


def test_layers_rise_from_rows_over_learned_facts_to_the_administrator() -> None:
    preset = catalog.packaged().get("openai")
    learned = Facts(supports_stream_options=False, context_window=1000, accepts=AcceptsFacts(seed=False))
    found = profiles.profile(preset, "gpt-4.1", layers=(learned,))
    assert (found.supports_stream_options, found.context_window) == (False, 1000)
    assert found.accepts == Accepts(seed=False, top_k=False)
    overrides = Facts(context_window=2000, accepts=AcceptsFacts(seed=True))
    found = profiles.profile(preset, "gpt-4.1", layers=(learned,), overrides=overrides)
    assert (found.context_window, found.accepts.seed, found.accepts.top_k) == (2000, True, False)
    assert found.max_output == 32768


def test_merge_of_nothing_is_the_permissive_record() -> None:
    assert merge(()) == Profile()


def test_an_exact_name_beats_a_glob_and_bound_rows_lie_over_unbound_ones() -> None:
    text = "\n".join(
        f'[[rows]]\nmatch = ["{glob}"]\nsource = "docs.test"\ndate = 2026-01-01\ncontext_window = {window}\n{bound}'
        for glob, window, bound in [
            ("m*", 1, ""),
            ("m-1*", 2, ""),
            ("m-1", 3, ""),
            ("*-9", 4, ""),
            ("m*", 5, 'dialects = ["gemini"]'),
            ("m*", 6, 'dialects = ["gemini"]\npresets = ["p"]'),
        ]
    )
    rows = profiles.read_rows(text, file="t.toml")

    def windows(model: str, dialect: Dialect, preset: str = "q") -> list[object]:
        found = profiles.matching_rows(preset, model, dialect=dialect, rows=rows)
        return [row.context_window for row in found]

    assert windows("m-1", "anthropic") == [3]
    assert windows("M-1-x", "anthropic") == [2]
    assert windows("org/m-2", "anthropic") == [1]
    assert windows("x-9", "anthropic") == [4]
    assert windows("none", "anthropic") == []
    assert windows("m-1", "gemini") == [3, 5]
    assert windows("m-1", "gemini", "p") == [3, 5, 6]
