"""What each dialect calls the fields of the hub, so that losses are told in the client's own words."""

from __future__ import annotations

from collections.abc import Mapping

from flowrouter.canonical.dialect import Dialect

_OPENAI = {
    "parallel_tools": "parallel_tool_calls",
    "cache_key": "prompt_cache_key",
}

FIELD_NAMES: Mapping[Dialect, Mapping[str, str]] = {
    "openai_chat": {
        **_OPENAI,
        "output": "response_format",
        "output.schema": "response_format.json_schema.schema",
        "output.description": "response_format.json_schema.description",
        "reasoning": "reasoning_effort",
        "reasoning.display": "reasoning.exclude",
        "web_search": "web_search_options",
        "image.detail": "image_url.detail",
        "text.citations": "annotations",
        "tool.name": "function.name",
        "tool.schema": "function.parameters",
        "tool.strict": "function.strict",
        "call.id": "id",
        "call.name": "function.name",
        "call.arguments": "function.arguments",
    },
    "openai_responses": {
        **_OPENAI,
        "cache_control": "prompt_cache_breakpoint",
        "messages": "input",
        "system": "instructions",
        "output": "text.format",
        "output.schema": "text.format.schema",
        "output.description": "text.format.description",
        "verbosity": "text.verbosity",
        "reasoning": "reasoning",
        "reasoning.display": "reasoning.summary",
        "max_tokens": "max_output_tokens",
        "logprobs": "top_logprobs",
        "image.detail": "detail",
        "text.citations": "annotations",
        "thought.signature": "encrypted_content",
        "web_search": "tools",
        "tool.name": "name",
        "tool.schema": "parameters",
        "tool.strict": "strict",
        "call.id": "call_id",
        "call.name": "name",
        "call.arguments": "arguments",
    },
    "openai_completions": {"messages": "prompt", "top_logprobs": "logprobs"},
    "anthropic": {
        "text.citations": "citations",
        "thought.signature": "signature",
        "thought.redacted": "data",
        "output": "output_config.format",
        "output.schema": "output_config.format.schema",
        "reasoning": "thinking",
        "reasoning.effort": "output_config.effort",
        "reasoning.display": "thinking.display",
        "stop": "stop_sequences",
        "parallel_tools": "tool_choice.disable_parallel_tool_use",
        "user": "metadata.user_id",
        "web_search": "tools",
        "tool.name": "name",
        "tool.schema": "input_schema",
        "tool.strict": "strict",
        "call.id": "id",
        "call.name": "name",
        "call.arguments": "input",
        "result.is_error": "is_error",
    },
    "gemini": {
        "messages": "contents",
        "system": "systemInstruction",
        "thought.signature": "thoughtSignature",
        "result.is_error": "functionResponse.response.error",
        "tool_choice": "toolConfig",
        "output": "generationConfig.responseSchema",
        "output.schema": "generationConfig.responseSchema",
        "reasoning": "generationConfig.thinkingConfig",
        "reasoning.display": "generationConfig.thinkingConfig.includeThoughts",
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
        "web_search": "tools",
        "tool.name": "name",
        "tool.schema": "parameters",
        "tool.strict": "strict",
        "call.id": "functionCall.id",
        "call.name": "functionCall.name",
        "call.arguments": "functionCall.args",
    },
}
"""Canonical field → the client's name, where the two differ; `tool.` and `call.` begin members of those."""


def field_name(dialect: Dialect, field: str) -> str:
    """Return what `dialect` calls a field of `Request` or `Sampling`, or a member of a tool or a call."""
    return FIELD_NAMES[dialect].get(field, field)


__all__ = ["FIELD_NAMES", "field_name"]
