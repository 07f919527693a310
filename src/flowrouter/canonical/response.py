"""A finished answer, and why it finished."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from flowrouter.canonical.dialect import Dialect
from flowrouter.canonical.parts import Extra, Part
from flowrouter.canonical.usage import Usage

FinishReason = Literal[
    "stop",
    "stop_sequence",
    "tool_calls",
    "length",
    "context_full",
    "content_filter",
    "refusal",
    "paused",
    "malformed_call",
    "other",
]
"""Closed: a reason no dialect table knows becomes `other`, with the raw word kept beside it."""


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """One candidate answer.

    `raw_finish` is the provider's own word. `extra` keeps unknown members of the choice,
    `message_extra` those of the message inside it, both for `Response.origin` only. `form` is how the
    origin's own answer stood and what it repeats of the request: also for the origin only, but nothing
    that another dialect would miss.
    """

    index: int = 0
    parts: tuple[Part, ...] = ()
    finish: FinishReason | None = None
    raw_finish: str | None = None
    stop_sequence: str | None = None
    logprobs: dict[str, Any] | None = None
    extra: Extra = {}
    message_extra: Extra = {}
    form: Extra = {}


class Response(msgspec.Struct, frozen=True, kw_only=True):
    """One whole answer; `created` is seconds since the epoch where the dialect has it."""

    origin: Dialect
    id: str
    model: str
    choices: tuple[Choice, ...]
    created: int | None = None
    usage: Usage | None = None
    extra: Extra = {}


__all__ = ["Choice", "FinishReason", "Response"]
