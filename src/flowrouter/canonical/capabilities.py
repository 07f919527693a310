"""What a model behind a provider can take: the data that drives every translation (no name tests)."""

from __future__ import annotations

from typing import Literal

import msgspec

ThinkingStyle = Literal[
    "none", "manual", "both", "adaptive", "budget", "level", "effort", "think_tag", "compat_field"
]
SchemaMode = Literal["raw", "clean", "strict"]
Unsupported = Literal["auto", "drop", "refuse"]
ReasoningEcho = Literal["never", "always", "with_tools"]


class Capabilities(msgspec.Struct, frozen=True, kw_only=True):
    """One record per (provider, model); the defaults are permissive, None means unknown.

    Windows and caps in tokens. `thinking_style`: how reasoning is asked for (`manual` and `both`:
    Anthropic budgets, `adaptive`: Anthropic adaptive + effort, `effort`: OpenAI `reasoning_effort`,
    `compat_field`: the host's own field passes through, `think_tag`: inline `<think>` text).
    `max_tokens_field`: the name OpenAI-shaped hosts want for the output cap. `mid_system`: system
    messages may stand inside `messages`. `rejects`: optional request fields the host answers 400
    to. `reasoning_echo`: whether `reasoning_content` must come back. `tool_id`: a pattern tool call
    ids must match, where stricter than the dialect's own. `content_lists`: lists of text parts are
    taken everywhere; else text is joined. `extensions`: request members beyond the dialect's own that
    the host takes (`top_k`, `thinking`, `prompt_cache_breakpoint`). `sampling_with_thinking`: sampling
    parameters are still taken while the model reasons. `schema_mode`: whether tool and answer schemas
    go as raw JSON Schema, cleaned to the vendor's subset, or that subset's strict core. `hosted`: tools
    the vendor runs that have an equivalent elsewhere (`web_search`). `json_with_tools`: an answer format
    may stand beside tools. `unsupported` is the owner's policy for what the target cannot take: `auto`
    drops what does not change the meaning and refuses the rest, `drop` drops all, `refuse` refuses all.
    """

    family: str | None = None
    context_window: int | None = None
    max_output: int | None = None
    vision: bool | None = None
    pdf: bool | None = None
    audio_in: bool | None = None
    image_url: bool = True
    content_lists: bool = True
    tools: bool | None = None
    custom_tools: bool = True
    parallel_tools: bool | None = None
    json_object: bool = True
    json_schema: bool = True
    json_with_tools: bool = True
    schema_mode: SchemaMode = "raw"
    hosted: frozenset[str] = frozenset()
    unsupported: Unsupported = "auto"
    thinking_style: ThinkingStyle | None = None
    efforts: tuple[str, ...] = ()
    budget_min: int | None = None
    budget_max: int | None = None
    can_disable_thinking: bool = True
    sampling_with_thinking: bool = True
    rejects: frozenset[str] = frozenset()
    extensions: frozenset[str] = frozenset()
    max_tokens_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    system_role: Literal["system", "developer", "user"] = "system"
    mid_system: bool | None = None
    prefill: bool | None = None
    stream_options: bool = True
    reasoning_echo: ReasoningEcho = "never"
    cache_marks: bool = False
    tool_id: str | None = None
    tool_name_max: int = 64
    needs_user_last: bool = False
    think_tags: bool = False
    lax_finish: bool = False


__all__ = ["Capabilities", "ReasoningEcho", "SchemaMode", "ThinkingStyle", "Unsupported"]
