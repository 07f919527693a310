"""What one model at one provider can take, as data: translation reads this record and tests no names.

`Profile` is complete and permissive where nothing is known (what we wrongly refuse is worse
than what the vendor refuses). `Facts` is the same record with every field optional: one layer of
knowledge. `merge` lays layers over each other; the accepted parameters merge one by one.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from flowrouter.canonical.request import Effort

ThinkingStyle = Literal[
    "none", "manual", "both", "adaptive", "budget", "level", "effort", "think_tag", "compat_field"
]
MaxTokensField = Literal["max_tokens", "max_completion_tokens", "max_output_tokens", "maxOutputTokens"]
SystemRole = Literal["system", "developer", "user"]
ThinkingField = Literal["reasoning_effort", "thinking_type", "reasoning", "enable_thinking"]
ReasoningEcho = Literal["never", "always", "with_tools"]
ReasoningField = Literal["reasoning_content", "reasoning"]
HostedToolKind = Literal["web_search"]
SchemaMode = Literal["raw", "clean", "strict"]
ToolIdForm = Literal["any", "alnum9"]


class Accepts(msgspec.Struct, frozen=True, kw_only=True):
    """Which request parameters the model takes at all."""

    temperature: bool = True
    top_p: bool = True
    top_k: bool = True
    penalties: bool = True
    stop: bool = True
    seed: bool = True
    logprobs: bool = True
    logit_bias: bool = True
    n: bool = True
    message_name: bool = True


class AcceptsFacts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The known part of `Accepts`."""

    temperature: bool | UnsetType = UNSET
    top_p: bool | UnsetType = UNSET
    top_k: bool | UnsetType = UNSET
    penalties: bool | UnsetType = UNSET
    stop: bool | UnsetType = UNSET
    seed: bool | UnsetType = UNSET
    logprobs: bool | UnsetType = UNSET
    logit_bias: bool | UnsetType = UNSET
    n: bool | UnsetType = UNSET
    message_name: bool | UnsetType = UNSET


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """The full record for one model at one provider (window, caps and budgets in tokens).

    `context_window` counts what may stand in the window, as the vendor states it; None where
    unknown. `efforts` empty means unknown, not none. `thinking_style` says how reasoning is asked
    for; with `compat_field`, `thinking_field` names the host's own control: an effort word, an object
    `thinking{type}` (with the effort word beside it), an object `reasoning`, a flag. `thinking_default`: the model reasons when the
    request does not say. `sampling_with_thinking`: temperature, top_p, top_k, penalties and
    logprobs are still taken while it reasons. `supports_prefill`: a trailing assistant turn is
    continued. `mid_system`: system messages may stand between turns. `reasoning_echo`: when earlier
    reasoning must be sent back, in the Chat dialect in `reasoning_field`. `cache_control`: marks
    for the prompt cache may be set on parts. `json_with_tools`: an answer format may stand beside tools.
    `hosted_tools`: tools run by the vendor that other vendors have as well.
    """

    context_window: int | None = None
    max_output: int | None = None
    vision: bool = True
    audio_in: bool = True
    pdf: bool = True
    image_url_fetch: bool = True
    tools: bool = True
    parallel_tools: bool = True
    forced_tool_choice: bool = True
    forced_tool_choice_with_thinking: bool = True
    tool_name_max: int = 64
    tool_id_form: ToolIdForm = "any"
    schema_mode: SchemaMode = "raw"
    json_schema: bool = True
    json_object: bool = True
    json_with_tools: bool = True
    hosted_tools: tuple[HostedToolKind, ...] = ()
    thinking_style: ThinkingStyle = "effort"
    thinking_field: ThinkingField = "reasoning_effort"
    thinking_default: bool = False
    can_disable_thinking: bool = True
    efforts: tuple[Effort, ...] = ()
    budget_min: int | None = None
    budget_max: int | None = None
    sampling_with_thinking: bool = True
    accepts: Accepts = Accepts()
    max_tokens_field: MaxTokensField = "max_tokens"
    system_role: SystemRole = "system"
    mid_system: bool = True
    strict_alternation: bool = False
    needs_user_last: bool = False
    supports_prefill: bool = False
    supports_stream_options: bool = True
    reasoning_echo: ReasoningEcho = "never"
    reasoning_field: ReasoningField = "reasoning_content"
    cache_control: bool = False


class Facts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One layer of knowledge about a model: every field of `Profile`, each of them optional."""

    context_window: int | UnsetType = UNSET
    max_output: int | UnsetType = UNSET
    vision: bool | UnsetType = UNSET
    audio_in: bool | UnsetType = UNSET
    pdf: bool | UnsetType = UNSET
    image_url_fetch: bool | UnsetType = UNSET
    tools: bool | UnsetType = UNSET
    parallel_tools: bool | UnsetType = UNSET
    forced_tool_choice: bool | UnsetType = UNSET
    forced_tool_choice_with_thinking: bool | UnsetType = UNSET
    tool_name_max: int | UnsetType = UNSET
    tool_id_form: ToolIdForm | UnsetType = UNSET
    schema_mode: SchemaMode | UnsetType = UNSET
    json_schema: bool | UnsetType = UNSET
    json_object: bool | UnsetType = UNSET
    json_with_tools: bool | UnsetType = UNSET
    hosted_tools: tuple[HostedToolKind, ...] | UnsetType = UNSET
    thinking_style: ThinkingStyle | UnsetType = UNSET
    thinking_field: ThinkingField | UnsetType = UNSET
    thinking_default: bool | UnsetType = UNSET
    can_disable_thinking: bool | UnsetType = UNSET
    efforts: tuple[Effort, ...] | UnsetType = UNSET
    budget_min: int | UnsetType = UNSET
    budget_max: int | UnsetType = UNSET
    sampling_with_thinking: bool | UnsetType = UNSET
    accepts: AcceptsFacts | UnsetType = UNSET
    max_tokens_field: MaxTokensField | UnsetType = UNSET
    system_role: SystemRole | UnsetType = UNSET
    mid_system: bool | UnsetType = UNSET
    strict_alternation: bool | UnsetType = UNSET
    needs_user_last: bool | UnsetType = UNSET
    supports_prefill: bool | UnsetType = UNSET
    supports_stream_options: bool | UnsetType = UNSET
    reasoning_echo: ReasoningEcho | UnsetType = UNSET
    reasoning_field: ReasoningField | UnsetType = UNSET
    cache_control: bool | UnsetType = UNSET


def merge(layers: Iterable[Facts]) -> Profile:
    """Return the record that `layers` (the later wins) say, permissive where they are silent."""
    known: dict[str, Any] = {}
    accepts: dict[str, Any] = {}
    for layer in layers:
        for name in _FIELDS:
            value: Any = getattr(layer, name)
            if value is not UNSET:
                known[name] = value
        if layer.accepts is not UNSET:
            accepts.update(_known(layer.accepts))
    if accepts:
        known["accepts"] = Accepts(**accepts)
    return Profile(**known)


def _known(facts: AcceptsFacts) -> dict[str, Any]:
    values = {name: getattr(facts, name) for name in AcceptsFacts.__struct_fields__}
    return {name: value for name, value in values.items() if value is not UNSET}


_FIELDS = tuple(name for name in Facts.__struct_fields__ if name != "accepts")

__all__ = [
    "Accepts",
    "AcceptsFacts",
    "Facts",
    "HostedToolKind",
    "MaxTokensField",
    "Profile",
    "ReasoningEcho",
    "ReasoningField",
    "SchemaMode",
    "SystemRole",
    "ThinkingField",
    "ThinkingStyle",
    "ToolIdForm",
    "merge",
]
