"""Usage reports add up to the truth, and an estimate never passes for a count."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowrouter.canonical.estimate import input_tokens, part_tokens, text_tokens
from flowrouter.canonical.messages import Message
from flowrouter.canonical.parts import (
    Audio,
    Document,
    Image,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Source,
    Text,
    ToolCall,
    ToolResult,
)
from flowrouter.canonical.request import Request
from flowrouter.canonical.tools import CustomTool, FunctionTool, HostedTool
from flowrouter.canonical.usage import Usage, merge

counts = st.none() | st.integers(0, 99)
usages = st.builds(
    Usage,
    input=counts,
    cache_read=counts,
    cache_write=counts,
    output=counts,
    reasoning=counts,
    estimated=st.booleans(),
)
KINDS = ("input", "cache_read", "cache_write", "cache_write_1h", "output", "reasoning")


@given(usages, usages)
def test_the_later_report_wins_where_it_says_something(older: Usage, newer: Usage) -> None:
    merged = merge(older, newer)
    for kind in KINDS:
        said = getattr(newer, kind)
        assert getattr(merged, kind) == (getattr(older, kind) if said is None else said)


@given(usages, usages)
def test_a_borrowed_estimate_stays_marked(older: Usage, newer: Usage) -> None:
    merged = merge(older, newer)
    borrowed = any(getattr(newer, kind) is None and getattr(older, kind) is not None for kind in KINDS)
    assert merged.estimated == (newer.estimated or (older.estimated and borrowed))


@given(usages)
def test_a_report_repeated_changes_nothing(usage: Usage) -> None:
    assert merge(usage, usage) == usage
    assert merge(None, usage) == usage


def test_the_vendors_object_is_kept_whole() -> None:
    first = Usage(input=1, origin="anthropic", raw={"input_tokens": 1, "service_tier": "x"})
    second = Usage(output=2, origin="anthropic", raw={"output_tokens": 2})
    assert merge(first, second).raw == {"input_tokens": 1, "service_tier": "x", "output_tokens": 2}
    foreign = Usage(output=2, origin="openai_chat", raw={"completion_tokens": 2})
    assert merge(first, foreign).raw == {"completion_tokens": 2}


def test_zero_is_not_unknown() -> None:
    assert merge(Usage(input=5, output=5), Usage(input=0)) == Usage(input=0, output=5)


def test_totals_count_each_token_once() -> None:
    usage = Usage(input=1, cache_read=10, cache_write=100, cache_write_1h=100, output=2, reasoning=20)
    assert (usage.total_input, usage.total_output) == (111, 22)
    assert (Usage().total_input, Usage().total_output) == (0, 0)


PARTS: tuple[Part, ...] = (
    Text(text="a" * 360),
    Refusal(text="no"),
    Reasoning(text="why"),
    ToolCall(id="1", name="f", arguments='{"a":1}'),
    ToolResult(call_id="1", content=(Text(text="a" * 360),)),
    Image(source=Source(kind="url", url="u")),
    Document(source=Source(kind="text", data="a" * 360)),
    Document(source=Source(kind="base64", data="a" * 50_000)),
    Document(source=Source(kind="content", parts=(Text(text="a" * 360),))),
    Audio(data="a" * 1_000, format="wav"),
    Opaque(payload={"a": 1}, origin="anthropic"),
)


@pytest.mark.parametrize("part", PARTS)
def test_every_part_counts(part: Part) -> None:
    alone = part_tokens(part)
    assert alone > 0
    request = Request(origin="anthropic", model="m", messages=(Message(role="user", parts=(part,)),))
    assert input_tokens(request) >= alone - 1


def test_text_counts_by_its_bytes() -> None:
    assert part_tokens(Text(text="a" * 360)) == 100
    assert part_tokens(Text(text="語" * 120)) == 100
    assert part_tokens(ToolCall(id="1", name="", arguments="語" * 100)) > 100
    part_tokens(Text(text="\ud800"))


def test_system_and_tools_count() -> None:
    bare = Request(origin="anthropic", model="m")
    assert input_tokens(bare) == 1
    for more in (
        {"system": (Text(text="a" * 360),)},
        {"tools": (FunctionTool(name="f", description="d" * 300, schema={"type": "object"}),)},
        {"tools": (CustomTool(name="f", description="d" * 300),)},
        {"tools": (HostedTool(kind="web_search", config={"type": "x" * 300}, origin="anthropic"),)},
    ):
        assert input_tokens(Request(origin="anthropic", model="m", **more)) >= 99  # type: ignore[arg-type]


def test_tokens_of_nothing() -> None:
    assert text_tokens(0) == 0
    assert text_tokens(1) == 1
    assert text_tokens(36) == 10
