"""Which tier a request falls in, and why; what virtual names stand for."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowrouter.canonical.dialect import Dialect
from flowrouter.dialects import available, codec
from flowrouter.routing.conditions import Circumstances
from flowrouter.routing.tiers import TIERS, chosen, classified, own_words
from flowrouter.settings.routing import Tiers

ON = Tiers(enabled=True)


def seen(body: Any, dialect: Dialect = "openai_chat") -> Circumstances:
    raw = body if isinstance(body, bytes) else msgspec.json.encode({"model": "auto", **body})
    spoken = codec(dialect)
    head = spoken.skim(raw)
    return Circumstances(
        counts=lambda: spoken.skim_counts(raw),
        tokens=lambda _: 1,
        minute=lambda: 0,
        texts=lambda: spoken.skim_texts(raw),
        max_output=head.max_tokens,
    )


def user(text: Any) -> dict[str, Any]:
    return {"role": "user", "content": text}


def tier(body: Any, tiers: Tiers = ON, dialect: Dialect = "openai_chat") -> tuple[str, str]:
    return classified(tiers, seen(body, dialect))


RESULT = [
    {"role": "assistant", "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
    {"role": "tool", "tool_call_id": "c", "content": "```\nlong\n```" * 900},
]  # fmt: skip
TOOLS = [{"type": "function", "function": {"name": "f", "parameters": {}}}]
PICTURE = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}


@pytest.mark.parametrize(
    ("body", "expected", "why"),
    [
        ({"messages": [user("what is 2+2?")]}, "cheap", "a short question"),
        ({"messages": [user("hi")], "tools": TOOLS}, "cheap", "a short question"),
        ({"messages": [user("x" * 2_000)]}, "cheap", "a short question"),
        ({"messages": [user("x" * 2_001)]}, "standard", "2001 characters"),
        ({"messages": [user("x" * 10_001)]}, "strong", "10001 characters"),
        ({"messages": [user("why?\n```py\nx\n```")]}, "strong", "holds code"),
        ({"messages": [user("```\nold\n```"), *RESULT, user("thanks")]}, "standard", "tools were used (1 results)"),
        ({"messages": [user("look at it"), *RESULT]}, "standard", "tools were used"),
        ({"messages": [user([PICTURE, {"type": "text", "text": "what?"}])]}, "standard", "pictures"),
        ({"messages": [user("hi")] * 24}, "strong", "24 turns"),
        ({"messages": [user("hi")], "reasoning_effort": "high"}, "strong", "effort asked for is high"),
        ({"messages": [user("hi")], "reasoning_effort": "low"}, "standard", "reasoning"),
        ({"messages": [{"role": "system", "content": "y" * 50_000}, user("hi")]}, "standard", "whole request"),
    ],
    ids=["short", "offered-tools", "edge", "longer", "long", "code", "after-tools", "in-a-loop", "picture",
         "turns", "high", "low", "long-system"],
)  # fmt: skip
def test_the_tier_and_its_reason(body: Any, expected: str, why: str) -> None:
    found, reason = tier(body)
    assert found == expected, reason
    assert why in reason


@pytest.mark.parametrize(
    ("change", "body", "expected"),
    [
        ({"strong_on_code": False}, {"messages": [user("```\nx\n```")]}, "cheap"),
        ({"strong_on_effort": False}, {"messages": [user("hi")], "reasoning_effort": "high"}, "standard"),
        ({"strong_on_images": True}, {"messages": [user([PICTURE])]}, "strong"),
        ({"strong_min_turns": 2}, {"messages": [user("hi")] * 2}, "strong"),
        ({"cheap_max_chars": 1}, {"messages": [user("hi")]}, "standard"),
        ({"standard_max_chars": 1, "cheap_max_chars": 1}, {"messages": [user("hi")]}, "strong"),
        ({"strong_min_output": 500}, {"messages": [user("hi")], "max_tokens": 500}, "strong"),
        ({"strong_min_output": 500}, {"messages": [user("hi")], "max_tokens": 499}, "cheap"),
    ],
    ids=["code", "effort", "images", "turns", "cheap", "standard", "output", "less-output"],
)
def test_every_threshold_is_a_setting(change: Any, body: Any, expected: str) -> None:
    assert tier(body, Tiers(enabled=True, **change))[0] == expected


SAME: dict[Dialect, Any] = {
    "openai_chat": {"messages": [user("a\n```\nb\n```")]},
    "openai_responses": {"input": "a\n```\nb\n```"},
    "anthropic": {"messages": [user("a\n```\nb\n```")], "max_tokens": 9},
    "gemini": {"contents": [{"parts": [{"text": "a\n```\nb\n```"}]}]},
}


@pytest.mark.parametrize("dialect", available())
def test_every_dialect_is_judged_alike(dialect: Dialect) -> None:
    assert tier(SAME[dialect], dialect=dialect)[0] == "strong"


def test_what_an_agent_puts_beside_the_words_does_not_count() -> None:
    aside = "<system-reminder>\n```\n" + "x" * 20_000 + "\n```\n</system-reminder>"
    assert (
        tier({"messages": [user([{"type": "text", "text": aside}, {"type": "text", "text": "hi"}])]})[0]
        == "cheap"
    )
    assert own_words(f"{aside}\nhi") == "hi"
    assert own_words(" a < b ") == "a < b"


def test_a_tier_does_not_fall_while_an_agent_works_on_its_tools() -> None:
    asked = {"messages": [user("mend it:\n```\nx\n```")]}
    later = {"messages": [*asked["messages"], *RESULT, *RESULT]}
    assert tier(asked)[0] == tier(later)[0] == "strong"


@pytest.mark.parametrize("name", ["gpt-5", "automatic", "auto:", "auto:best", "Auto-x", "auto/cheap"])
def test_other_names_are_nobody_of_ours(name: str) -> None:
    assert chosen(name, ON, None) is None


def test_plain_auto_is_classified_only_where_that_is_asked_for() -> None:
    now = seen({"messages": [user("hi")]})
    assert chosen("auto", Tiers(), now) is None
    found = chosen("auto", Tiers(enabled=True, cheap=("mini",)), now)
    assert found is not None
    assert (found.tier, found.names, found.tag) == ("cheap", ("mini",), "tier:cheap")
    assert found.reason == "auto is cheap here: a short question without code or tools"


@pytest.mark.parametrize("wanted", TIERS)
def test_a_tier_by_name_needs_no_switch_and_no_request(wanted: str) -> None:
    found = chosen(f"auto:{wanted}", Tiers(), None)
    assert found is not None
    assert (found.tier, found.names, found.tag) == (wanted, (), f"tier:{wanted}")


def test_a_name_without_a_request_is_standard() -> None:
    assert classified(ON, None)[0] == "standard"
    blind = Circumstances(counts=lambda: None, tokens=lambda _: 1, minute=lambda: 0)
    assert classified(ON, blind)[0] == "standard"


@given(
    texts=st.lists(st.text(max_size=300), min_size=1, max_size=6),
    longer=st.text(alphabet="abc ", max_size=12_000),
)
def test_a_longer_last_turn_never_needs_less(texts: list[str], longer: str) -> None:
    before = {"messages": [user(text) for text in texts]}
    grown = {"messages": [*before["messages"][:-1], user(texts[-1] + longer)]}
    if "```" in texts[-1] or "~~~" in texts[-1] or "<" in texts[-1] or not texts[-1].strip():
        return
    assert TIERS.index(tier(grown)[0]) >= TIERS.index(tier(before)[0])  # type: ignore[arg-type]
