"""What a client asks for, wider than any dialect.

None means absent, so zero, false and an explicit empty value survive. A value that a client sent
as JSON null is kept as `NULL` in `extra`, under its own name, for its own dialect.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Any, Literal

import msgspec

from flowrouter.canonical.cache import CacheHint
from flowrouter.canonical.dialect import Dialect
from flowrouter.canonical.messages import Message, Words
from flowrouter.canonical.parts import ContentShape, Extra, Part
from flowrouter.canonical.tools import Tool, ToolChoice

Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]

EFFORTS: tuple[Effort, ...] = ("none", "minimal", "low", "medium", "high", "xhigh", "max")


class Sampling(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How the next token is drawn; None means absent."""

    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    seed: int | None = None
    n: int | None = None
    logit_bias: dict[str, Any] | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None

    @property
    def given(self) -> dict[str, Any]:
        """Return what is there, by name."""
        try:
            return msgspec.to_builtins(self)
        except RecursionError:  # a bias nested about as deep as JSON may be
            values = msgspec.structs.asdict(self)
            return {name: value for name, value in values.items() if value is not None}


class ReasoningControl(msgspec.Struct, frozen=True, kw_only=True):
    """How much the model should reason, and whether its reasoning is shown.

    `mode`: `off`, `auto` (the model decides; Anthropic's adaptive), `budget` (tokens in `budget`),
    `effort` (only an effort was named). `effort` may accompany any mode. `raw` is the origin's own
    object, returned whole to its own dialect.
    """

    mode: Literal["off", "auto", "budget", "effort"]
    effort: str | None = None
    budget: int | None = None
    display: str | None = None
    raw: dict[str, Any] = {}


class OutputFormat(msgspec.Struct, frozen=True, kw_only=True):
    """The form the answer must have: plain text, any JSON object, or JSON held by a schema."""

    kind: Literal["text", "json", "schema"]
    name: str | None = None
    description: str | None = None
    schema: dict[str, Any] | None = None
    strict: bool | None = None
    extra: Extra = {}


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One call for a completion.

    `system` holds what came in a dialect's top-level slot (Anthropic `system`); leading system
    messages of other dialects stay in `messages`. `max_tokens` is the output cap in tokens,
    `stream` whether the client wants events, `include_usage` whether it asked for usage in them.
    `members` names the fields of the client's body (`fates.member_names`), so that nobody has to read that
    twice; empty where it was not read from one.
    """

    origin: Dialect
    model: str
    messages: Sequence[Message] = ()
    system: tuple[Part, ...] = ()
    system_shape: ContentShape = "absent"
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice | None = None
    parallel_tools: bool | None = None
    sampling: Sampling = Sampling()
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    reasoning: ReasoningControl | None = None
    output: OutputFormat | None = None
    verbosity: str | None = None
    stream: bool = False
    include_usage: bool | None = None
    user: str | None = None
    metadata: dict[str, Any] | None = None
    service_tier: str | None = None
    cache: CacheHint | None = None
    cache_key: str | None = None
    shapes: dict[str, Any] = {}
    extra: Extra = {}
    members: tuple[str, ...] = ()


_beside = attrgetter(
    "tools", "tool_choice", "reasoning", "output", "verbosity", "user", "metadata", "service_tier", "cache", "cache_key",
    "extra",
)  # fmt: skip
_NOTHING: tuple[Any, ...] = ((), *(None,) * 9, {})


def bare_words(request: Request) -> Words | None:
    """Return the messages of a request that holds words, how the answer is to be drawn and where it ends; else None."""
    messages = request.messages
    return messages if type(messages) is Words and _beside(request) == _NOTHING else None


__all__ = [
    "EFFORTS",
    "Effort",
    "OutputFormat",
    "ReasoningControl",
    "Request",
    "Sampling",
    "bare_words",
]
