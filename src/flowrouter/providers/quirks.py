"""The closed set of ways in which a host differs from the dialect it claims to speak.

A quirk is data: presets name them, `QUIRKS` says what each means, and those that change what may be
sent do so through `facts_of`, a low layer of the capability record. The rest are read by decoders.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from flowrouter.canonical.dialect import Dialect
from flowrouter.providers.profile import AcceptsFacts, Facts

Quirk = Literal[
    "accepts_cache_control",
    "keepalive_blank_lines",
    "lax_finish",
    "max_completion_tokens",
    "no_count_tokens",
    "no_image_url",
    "no_logit_bias",
    "no_logprobs",
    "no_message_names",
    "no_penalties",
    "no_pdf",
    "no_stream_options",
    "own_models_only",
    "reasoning_echo",
    "reasoning_in_reasoning",
    "reasoning_object",
    "rejects_unknown_fields",
    "single_choice",
    "strict_alternation",
    "system_first",
    "takes_custom_tools",
    "takes_top_k",
    "think_tags",
    "tool_id_9_alnum",
    "usage_in_x_groq",
    "user_last",
]

QUIRKS: dict[Quirk, str] = {
    "accepts_cache_control": "takes Anthropic's `cache_control` on Chat content parts",
    "keepalive_blank_lines": "sends blank lines or comments while a request waits in its queue",
    "lax_finish": "may end a stream without a finish reason or without `[DONE]`",
    "max_completion_tokens": "wants the output cap in `max_completion_tokens`, not in `max_tokens`",
    "no_count_tokens": "has no token counting endpoint beside its Messages endpoint",
    "no_image_url": "does not fetch images; they must be sent inline as base64",
    "no_logit_bias": "rejects or ignores `logit_bias`",
    "no_logprobs": "rejects `logprobs` and `top_logprobs`",
    "no_message_names": "rejects `name` on a message",
    "no_penalties": "rejects `presence_penalty` and `frequency_penalty`",
    "no_pdf": "takes no PDF or file parts",
    "no_stream_options": "rejects `stream_options`; usage comes unasked in the last chunk or not at all",
    "own_models_only": "answers to the models it lists and to nothing else, and is never a fallback",
    "reasoning_echo": "wants `reasoning_content` of tool-calling turns back in the history",
    "reasoning_in_reasoning": "puts reasoning text in `reasoning`, not in `reasoning_content`",
    "reasoning_object": "controls reasoning by an object `reasoning{effort|max_tokens,exclude}`",
    "rejects_unknown_fields": "answers 422 or 400 to any field it does not know",
    "single_choice": "accepts `n` only as 1",
    "strict_alternation": "wants user and assistant turns to alternate; equal neighbours are merged",
    "system_first": "takes system messages only at the head of the conversation",
    "takes_custom_tools": "takes Chat's custom tools, whose input is free text; elsewhere they go as functions",
    "takes_top_k": "takes `top_k`, which is not a field of OpenAI's",
    "think_tags": "may put reasoning at the head of the answer between `<think>` and `</think>`",
    "tool_id_9_alnum": "wants tool call ids of exactly nine letters or digits",
    "usage_in_x_groq": "reports streamed usage in `x_groq.usage`",
    "user_last": "wants the last message to be the user's or a tool's",
}

# What a quirk means whichever dialect is spoken.
FACTS: dict[Quirk, Facts] = {
    "no_image_url": Facts(image_url_fetch=False),
    "no_pdf": Facts(pdf=False),
    "strict_alternation": Facts(strict_alternation=True),
    "system_first": Facts(mid_system=False),
    "user_last": Facts(needs_user_last=True),
}

# What it means for Chat Completions, whose fields the other dialects do not have.
CHAT_FACTS: dict[Quirk, Facts] = {
    "accepts_cache_control": Facts(cache_control=True),
    "max_completion_tokens": Facts(max_tokens_field="max_completion_tokens"),
    "no_logit_bias": Facts(accepts=AcceptsFacts(logit_bias=False)),
    "no_logprobs": Facts(accepts=AcceptsFacts(logprobs=False)),
    "no_message_names": Facts(accepts=AcceptsFacts(message_name=False)),
    "no_penalties": Facts(accepts=AcceptsFacts(penalties=False)),
    "no_stream_options": Facts(supports_stream_options=False),
    "reasoning_echo": Facts(reasoning_echo="with_tools"),
    "reasoning_in_reasoning": Facts(reasoning_field="reasoning"),
    "reasoning_object": Facts(thinking_style="compat_field", thinking_field="reasoning"),
    "single_choice": Facts(accepts=AcceptsFacts(n=False)),
    "takes_top_k": Facts(accepts=AcceptsFacts(top_k=True)),
    "tool_id_9_alnum": Facts(tool_id_form="alnum9"),
}


def facts_of(quirks: Iterable[Quirk], dialect: Dialect) -> tuple[Facts, ...]:
    """Return what `quirks` say about requests in `dialect`."""
    tables = (FACTS, CHAT_FACTS) if dialect == "openai_chat" else (FACTS,)
    return tuple(table[quirk] for quirk in quirks for table in tables if quirk in table)


__all__ = ["CHAT_FACTS", "FACTS", "QUIRKS", "Quirk", "facts_of"]
