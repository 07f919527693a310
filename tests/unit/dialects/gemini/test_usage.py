"""Token counts: five disjoint kinds from Gemini's overlapping ones, and back."""

from __future__ import annotations

from typing import Any

import pytest

from flowrouter.canonical.usage import Usage
from flowrouter.dialects.gemini.usage import parse_usage, write_usage


@pytest.mark.parametrize(
    ("raw", "counts"),
    [
        ({"promptTokenCount": 10, "candidatesTokenCount": 4, "totalTokenCount": 14}, (10, None, 4, None)),
        (
            {
                "promptTokenCount": 10,
                "candidatesTokenCount": 4,
                "thoughtsTokenCount": 7,
                "totalTokenCount": 21,
            },
            (10, None, 4, 7),
        ),
        (
            {"promptTokenCount": 100, "cachedContentTokenCount": 90, "candidatesTokenCount": 1},
            (10, 90, 1, None),
        ),
        (
            {"promptTokenCount": 10, "toolUsePromptTokenCount": 30, "candidatesTokenCount": 4},
            (40, None, 4, None),
        ),
        ({"promptTokenCount": 10, "thoughtsTokenCount": 7, "totalTokenCount": 21}, (10, None, 4, 7)),
        (
            {
                "promptTokenCount": 10,
                "toolUsePromptTokenCount": 30,
                "thoughtsTokenCount": 7,
                "totalTokenCount": 51,
            },
            (40, None, 4, 7),
        ),
        ({"promptTokenCount": 10, "totalTokenCount": 8}, (10, None, 0, None)),
        ({"promptTokenCount": 3, "cachedContentTokenCount": 5}, (0, 5, None, None)),
        ({"promptTokenCount": "10", "candidatesTokenCount": True}, (None, None, None, None)),
        ({}, (None, None, None, None)),
    ],
    ids=["plain", "thoughts-outside", "cached-inside", "tools-beside", "candidates-missing",
         "candidates-missing-with-tools", "never-negative", "cache-larger", "no-numbers", "empty"],
)  # fmt: skip
def test_counts(raw: dict[str, Any], counts: tuple[int | None, ...]) -> None:
    usage = parse_usage(raw)
    assert (usage.input, usage.cache_read, usage.output, usage.reasoning) == counts
    assert usage.cache_write is None
    assert write_usage(usage) is raw


def test_counts_of_others_add_up() -> None:
    usage = Usage(input=10, cache_read=90, cache_write=5, output=20, reasoning=30, origin="anthropic")
    assert write_usage(usage) == {
        "promptTokenCount": 105,
        "cachedContentTokenCount": 90,
        "candidatesTokenCount": 20,
        "thoughtsTokenCount": 30,
        "totalTokenCount": 155,
    }


def test_what_nobody_counted_is_not_told() -> None:
    assert write_usage(Usage(input=3, output=2)) == {
        "promptTokenCount": 3,
        "candidatesTokenCount": 2,
        "totalTokenCount": 5,
    }
