"""What a skim of a request body tells without building a tree."""

from __future__ import annotations

from typing import Literal

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
    asked for, `effort` how much of it, in the client's word; `web_search` whether a search that the
    provider runs is offered.
    """

    turns: int
    tools: int
    images: int
    documents: int
    tool_results: int
    thinking: bool
    text_bytes: int
    web_search: bool = False
    effort: str | None = None


Speaker = Literal["", "system", "user", "assistant", "tool"]
"""Whose words the last turn of a conversation holds; empty where there is none."""


class Texts(msgspec.Struct, frozen=True, kw_only=True):
    """Level 2, read only where a rule asks: the words of a request, by who wrote them, oldest first.

    `user` has one entry for each user turn that holds words, `tool` what tools were asked and what they
    gave, `assistant` earlier answers and a prefill. Pictures and other media have no words; `unread`
    tells that the request holds words in a form that cannot be read (token ids, sealed items).
    """

    system: tuple[str, ...] = ()
    user: tuple[str, ...] = ()
    assistant: tuple[str, ...] = ()
    tool: tuple[str, ...] = ()
    last: Speaker = ""
    unread: bool = False


__all__ = ["Counts", "Head", "Speaker", "Texts"]
