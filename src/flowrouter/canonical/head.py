"""What a skim of a request body tells without building a tree."""

from __future__ import annotations

import msgspec


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """Level 0, read for every request.

    `include_usage` is None where the dialect has no such switch or the client left it out;
    `cache_key` is the client's own prompt-cache key; `length` the body's bytes. `legacy_calls` tells
    that the client offers OpenAI's deprecated `functions` and must be answered in that form.
    """

    model: str
    stream: bool
    length: int
    include_usage: bool | None = None
    max_tokens: int | None = None
    cache_key: str | None = None
    legacy_calls: bool = False


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """Level 1, read only where a routing rule asks: sizes and flags, no text.

    `text_bytes` counts the raw bytes of system and messages; `thinking` whether reasoning was
    asked for.
    """

    turns: int
    tools: int
    images: int
    documents: int
    tool_results: int
    thinking: bool
    text_bytes: int


__all__ = ["Counts", "Head"]
