"""What a profile means for translation: vendor facts to the record the dialects are driven by."""

from __future__ import annotations

from flowrouter.canonical.capabilities import Capabilities
from flowrouter.canonical.dialect import Dialect
from flowrouter.providers import profiles
from flowrouter.providers.preset import Preset
from flowrouter.providers.profile import Accepts, Profile

_SAMPLING = (
    "temperature",
    "top_p",
    "presence_penalty",
    "frequency_penalty",
    "logprobs",
    "top_logprobs",
    "logit_bias",
)

_FIELDS: dict[str, tuple[str, ...]] = {
    "temperature": ("temperature",),
    "top_p": ("top_p",),
    "top_k": ("top_k",),
    "penalties": ("presence_penalty", "frequency_penalty"),
    "stop": ("stop", "stop_sequences"),
    "seed": ("seed",),
    "logprobs": ("logprobs", "top_logprobs"),
    "logit_bias": ("logit_bias",),
    "n": ("n",),
    "message_name": ("name",),
}
"""A parameter of `Accepts` → the request fields of all dialects it stands for."""

_HOST_FIELDS = {
    "reasoning_effort": ("reasoning_effort",),
    "thinking_type": ("thinking", "reasoning_effort"),
    "reasoning": ("reasoning",),
    "enable_thinking": ("enable_thinking", "thinking_budget"),
}
"""How a host's own reasoning control is spelled → the members it takes."""

_TOOL_IDS = {"any": None, "alnum9": "[a-zA-Z0-9]{9}"}


def capabilities(preset: Preset, model: str, dialect: Dialect) -> Capabilities:
    """Return what `model` can take at `preset` when `dialect` is spoken."""
    profile = profiles.profile(preset, model, dialect=dialect)
    return Capabilities(
        family=model,
        context_window=profile.context_window,
        max_output=profile.max_output,
        vision=profile.vision,
        pdf=profile.pdf,
        audio_in=profile.audio_in,
        image_url=profile.image_url_fetch,
        tools=profile.tools,
        parallel_tools=profile.parallel_tools,
        json_object=profile.json_object,
        json_schema=profile.json_schema,
        json_with_tools=profile.json_with_tools,
        schema_mode=profile.schema_mode,
        hosted=frozenset(profile.hosted_tools),
        thinking_style=profile.thinking_style,
        efforts=profile.efforts,
        budget_min=profile.budget_min,
        budget_max=profile.budget_max,
        can_disable_thinking=profile.can_disable_thinking,
        sampling_with_thinking=profile.sampling_with_thinking,
        rejects=_rejected(profile),
        extensions=_extensions(profile),
        max_tokens_field=(
            "max_completion_tokens" if profile.max_tokens_field == "max_completion_tokens" else "max_tokens"
        ),
        system_role=profile.system_role,
        mid_system=profile.mid_system,
        prefill=profile.supports_prefill,
        stream_options=profile.supports_stream_options,
        reasoning_echo=profile.reasoning_echo,
        cache_marks=profile.cache_control,
        tool_id=_TOOL_IDS[profile.tool_id_form],
        tool_name_max=profile.tool_name_max,
        needs_user_last=profile.needs_user_last,
        think_tags=profile.thinking_style == "think_tag" or "think_tags" in preset.quirks,
        lax_finish="lax_finish" in preset.quirks,
        # All of Responses and hardly a host of Chat but its vendor: the rest answer 400 to such a tool.
        custom_tools=dialect != "openai_chat" or "takes_custom_tools" in preset.quirks,
    )


def _rejected(profile: Profile) -> frozenset[str]:
    names = {
        field
        for parameter in Accepts.__struct_fields__
        if not getattr(profile.accepts, parameter)
        for field in _FIELDS[parameter]
    }
    if profile.thinking_default and not profile.sampling_with_thinking:
        names.update(_SAMPLING)
    return frozenset(names)


def _extensions(profile: Profile) -> frozenset[str]:
    names = {"top_k"} if profile.accepts.top_k else set[str]()
    if profile.thinking_style == "compat_field":
        names.update(_HOST_FIELDS[profile.thinking_field])
    return frozenset(names)


__all__ = ["capabilities"]
