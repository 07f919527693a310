"""What each dialect calls the fields of the hub, so that losses are told in the client's own words."""

from __future__ import annotations

from collections.abc import Mapping

from flowrouter.canonical.dialect import Dialect

_CHAT = {
    "output": "response_format",
    "parallel_tools": "parallel_tool_calls",
    "reasoning": "reasoning_effort",
    "cache_key": "prompt_cache_key",
}

FIELD_NAMES: Mapping[Dialect, Mapping[str, str]] = {
    "openai_chat": _CHAT,
    "openai_responses": {
        **_CHAT,
        "messages": "input",
        "system": "instructions",
        "output": "text.format",
        "verbosity": "text.verbosity",
        "reasoning": "reasoning",
        "max_tokens": "max_output_tokens",
    },
    "anthropic": {
        "output": "output_config.format",
        "reasoning": "thinking",
        "stop": "stop_sequences",
        "parallel_tools": "tool_choice.disable_parallel_tool_use",
        "user": "metadata.user_id",
    },
    "gemini": {
        "messages": "contents",
        "system": "systemInstruction",
        "tool_choice": "toolConfig",
        "output": "generationConfig.responseSchema",
        "reasoning": "generationConfig.thinkingConfig",
        "max_tokens": "generationConfig.maxOutputTokens",
        "stop": "generationConfig.stopSequences",
        "n": "generationConfig.candidateCount",
        "temperature": "generationConfig.temperature",
        "top_p": "generationConfig.topP",
        "top_k": "generationConfig.topK",
        "seed": "generationConfig.seed",
        "presence_penalty": "generationConfig.presencePenalty",
        "frequency_penalty": "generationConfig.frequencyPenalty",
        "logprobs": "generationConfig.responseLogprobs",
        "top_logprobs": "generationConfig.logprobs",
        "metadata": "labels",
        "service_tier": "serviceTier",
    },
}
"""Canonical field → the client's name, where the two differ."""


def field_name(dialect: Dialect, field: str) -> str:
    """Return what `dialect` calls a field of `Request` or `Sampling`."""
    return FIELD_NAMES[dialect].get(field, field)


__all__ = ["FIELD_NAMES", "field_name"]
