"""What a translation may do without a loss, each with its reason: the audit's tables.

Words of structure say nothing by themselves; settings are compared by what they mean; some values mean
nothing; and a target may need members the client's dialect has not. All else must be declared.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from flowrouter.canonical.dialect import Dialect
from tests.fuzz.bodies import TOKEN, anywhere

BROAD: Mapping[Dialect, frozenset[str]] = {
    "openai_chat": frozenset({"messages", "messages[*]", "messages[*].content[*]"}),
    "openai_responses": frozenset({"input", "input[*]", "input[*].content[*]"}),
    "anthropic": frozenset({"messages", "messages[*]", "messages[*].content[*]"}),
    "gemini": frozenset({"contents", "contents[*]", "contents[*].parts[*]"}),
}
"""Paths that would cover a whole conversation: a loss there declares what was done, but hides nothing."""

ABSENT: Mapping[Dialect, frozenset[str]] = {
    "openai_chat": frozenset({"max_tokens", "tools", "messages"}),
    "openai_responses": frozenset({"max_output_tokens", "tools", "input"}),
    "anthropic": frozenset({"max_tokens", "tools", "messages"}),
    "gemini": frozenset({"generationConfig.maxOutputTokens", "tools", "contents"}),
}
"""Fields that a loss may name although the client left them out: the target wanted a value."""

Row = tuple[str, str]
_ANY: tuple[Row, ...] = (
    (r"model", "the account's name for the model"),
    (r"stream", "where the address carries it, it is no member; else compared as a setting"),
    (r".*\.(cache_control|prompt_cache_breakpoint)(\.type|\.mode)?|cache_control\.type", "marks are counted"),
)
_SETTLED: Mapping[Dialect, tuple[Row, ...]] = {
    "openai_chat": (
        (r"messages\[\*\]\.role", "who spoke is compared word by word"),
        (r"messages\[\*\]\.(content|tool_calls)\[\*\]\.type", "structure"),
        (r"(tools\[\*\]|tool_choice|response_format|prediction)\.type", "structure"),
        (r"tool_choice(\..*)?|function_call", "compared as the setting choice"),
        (r"temperature|top_p|top_k|seed|n|(presence|frequency)_penalty|(top_)?logprobs", "settings"),
        (r"reasoning_effort|thinking\.(type|budget_tokens)|enable_thinking|thinking_budget", "settings"),
        (r"reasoning\.(effort|max_tokens|enabled)", "settings"),
        (r"reasoning\.exclude|messages\[\*\]\.content\[\*\]\.input_audio\.format", "settings; sound has a media type"),
        (r"stop(\[\*\])?|service_tier|parallel_tool_calls|verbosity", "settings"),
        (r"stream_options\.include_usage", "usage is always asked for, and told only to who asked"),
        (r"response_format\.json_schema\.name", "a label the dialect insists on, which no answer repeats"),
        (r"response_format\.json_schema\.strict", "answers held by a schema are held strictly elsewhere"),
    ),
    "openai_responses": (
        (r"input\[\*\]\.role", "who spoke is compared word by word"),
        (r"input\[\*\]\.(type|id|status|phase|caller\.type)|input\[\*\]\.content\[\*\]\.type", "structure and labels of items"),
        (r"input\[\*\]\.(output|summary|content)\[\*\]\.type", "structure"),
        (r"tools\[\*\](\.tools\[\*\])?\.type|text\.format\.type", "structure"),
        (r"tool_choice(\..*)?", "compared as the setting choice"),
        (r"temperature|top_p|top_logprobs|service_tier|parallel_tool_calls|text\.verbosity", "settings"),
        (r"reasoning\.(effort|summary|generate_summary)", "settings"),
        (r"include\[\*\]", "reasoning state is always asked for; log probabilities are a setting"),
        (r"text\.format\.(name|strict)", "a label no answer repeats; answers are held strictly elsewhere"),
        (r"background", "answers are given at once, which false asks for"),
    ),
    "anthropic": (
        (r"messages\[\*\]\.role", "who spoke is compared word by word"),
        (r"(messages\[\*\]\.content|system)\[\*\](\.content\[\*\])?(\.source)?(\.content\[\*\])?(\.source)?\.type", "structure"),
        (r"tool_choice(\..*)?", "compared as the setting choice"),
        (r"temperature|top_p|top_k|stop_sequences\[\*\]|service_tier", "settings"),
        (r"thinking\.(type|budget_tokens|display)|output_config\.effort", "settings"),
        (r"output_(config\.)?format\.type", "structure"),
        (r"tools\[\*\]\.type", "a plain tool may say that it is one; hosted ones are lost by name"),
        (r"messages\[\*\]\.content\[\*\]\.caller\.type", "a call by the model itself, which is every call elsewhere"),
    ),
    "gemini": (
        (r"(contents\[\*\]|systemInstruction)\.role", "who spoke is compared word by word"),
        (r"contents\[\*\]\.parts\[\*\]\.thought", "structure"),
        (r"toolConfig\.functionCallingConfig\.(mode|allowedFunctionNames\[\*\])", "compared as the setting choice"),
        (r"generationConfig\.(temperature|topP|topK|seed|candidateCount|presencePenalty|frequencyPenalty)", "settings"),
        (r"generationConfig\.(logprobs|responseLogprobs|stopSequences\[\*\]|responseMimeType)|serviceTier", "settings"),
        (r"generationConfig\.thinkingConfig\.(thinkingBudget|thinkingLevel|includeThoughts)", "settings"),
        (r"contents\[\*\]\.parts\[\*\](\.functionResponse\.parts\[\*\])?\.fileData\.mimeType", "an address tells its type"),
        (r"generationConfig\.responseModalities\[\*\]", "text is what every model answers; others are refused"),
    ),
}  # fmt: skip


class Rows:
    """The rows of one origin."""

    def __init__(self, origin: Dialect) -> None:
        self._patterns = [re.compile(pattern) for pattern, _ in (*_ANY, *_SETTLED[origin])]
        self._known: dict[str, bool] = {}

    def settled(self, path: str) -> bool:
        """Return whether a leaf is settled by another comparison or says nothing."""
        place = TOKEN.sub("k", anywhere(path))
        known = self._known.get(place)
        if known is None:
            known = any(pattern.fullmatch(place) for pattern in self._patterns)
            self._known[place] = known
        return known


@cache
def rows(origin: Dialect) -> Rows:
    """Return the rows of one origin."""
    return Rows(origin)


PAIRS = frozenset(
    {
        "detail",
        "strict",
        "ttl",
        "include_obfuscation",
        "store",
        "format",
        "syntax",
        "prompt_cache_retention",
        "mode",
        "web_search_options",
        "search_context_size",
        "name",
        "type",
        "mimeType",
    }
)
"""Members that have the same name and words in more than one dialect: found as name and word together."""

_PLAIN: Mapping[str, tuple[Any, ...]] = {
    "detail": ("auto",), "strict": (False,), "is_error": (False,), "enabled": (False,), "thought": (False,),
    "exclude": (False,), "store": (False,), "truncation": ("disabled",), "context": ("auto",), "mode": ("standard",),
}  # fmt: skip
"""Member → values that ask for what happens anyway."""


def plain(path: str, value: Any) -> bool:
    """Return whether a leaf asks for what happens anyway."""
    return value in _PLAIN.get(path.rsplit(".", 1)[-1], ())


def says_nothing(name: str, value: Any) -> bool:
    """Return whether a setting asks for what happens anyway."""
    return value in _NOTHING.get(name, ())


_NOTHING: Mapping[str, tuple[Any, ...]] = {
    "n": (1,), "logprobs": (False,), "stream": (False, True), "service tier": ("auto",), "parallel": (True,),
    "presence": (0,), "frequency": (0,), "effort": ("auto",), "stop": ([],), "summary": ("auto",), "top logprobs": (0,),
    "choice": (("auto", ()),),
}  # fmt: skip

_TIERS = {"default": "standard", "standard_only": "standard", "fast": "priority"}


def same(name: str, before: Any, after: Any) -> bool:
    """Return whether two settings mean the same."""
    if before == after:
        return True
    match name:
        case "service tier" if isinstance(after, str):
            return _TIERS.get(before, before) == _TIERS.get(after, after)
        case "effort":
            return {before, after} == {"max", "xhigh"}  # as many tokens as they come
        case "choice" if isinstance(after, tuple):
            if after[1] == ("structured_answer",):
                return True  # the answer itself is asked for as a tool's input, which a loss says
            # A choice of one required tool is that tool.
            return {before[0], after[0]} == {"tool", "allowed required"} and before[1] == after[1]
        case _:
            return False


def same_role(before: str, after: str) -> bool:
    """Return whether another speaker is none: a refusal or a call's name are still the assistant's."""
    return {before, after} <= {"assistant", "call"}


def required(target: Dialect, path: str, value: Any) -> bool:
    """Return whether a target's dialect needs a value there that no client has to give."""
    place = anywhere(path)
    if re.fullmatch(_CAPS, place):
        return True  # the client's cap is a leaf like any other; what it became is told there
    return any(pattern.fullmatch(place) and check(value) for pattern, check in _REQUIRED[target])


def _words(*known: Any) -> Callable[[Any], bool]:
    return lambda value: value in known


def _number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _made(value: Any) -> bool:
    """Return whether an id was made up for a call that the client gave none."""
    return isinstance(value, str) and re.fullmatch(r"f?call_[\w-]*|[0-9a-f]{9}", value) is not None


def _anything(_: Any) -> bool:
    return True


def _in(
    *rows: tuple[str, Callable[[Any], bool]],
) -> tuple[tuple[re.Pattern[str], Callable[[Any], bool]], ...]:
    return tuple((re.compile(pattern), check) for pattern, check in rows)


_CAPS = r"max_(completion_|output_)?tokens|generationConfig\.maxOutputTokens"
_EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
_SETTING = _words(True, False, 0, 1, *range(21))
_REQUIRED: Mapping[Dialect, tuple[tuple[re.Pattern[str], Callable[[Any], bool]], ...]] = {
    "openai_chat": _in(
        (r"model", _words("the-target")),
        (r"messages\[\*\]\.role", _words("system", "developer", "user", "assistant", "tool")),
        (r"messages\[\*\]\.content\[\*\]\.type", _words("text", "image_url", "file", "input_audio")),
        (r"messages\[\*\]\.tool_calls\[\*\]\.type|tools\[\*\]\.type", _words("function", "custom")),
        (r"messages\[\*\]\.content(\[\*\]\.file)?", _words(None)),
        (r"messages\[\*\]\.(tool_calls\[\*\]\.id|tool_call_id)", _made),
        (r"messages\[\*\]\.content\[\*\]\.file\.filename", _words("document.pdf")),
        (r"messages\[\*\]\.content\[\*\]\.input_audio\.format", _words("wav", "mp3")),
        (r".*\.(cache_control|prompt_cache_breakpoint)\.(type|mode)", _words("ephemeral", "explicit")),
        (r"tool_choice(\.type|\.allowed_tools\.mode|\.allowed_tools\.tools\[\*\]\.type)?", _words("none", "auto", "required", "function", "allowed_tools", "custom")),
        (r"response_format\.(type|json_schema\.name)", _words("json_object", "json_schema", "response", "text")),
        (r"reasoning_effort", _words(*_EFFORTS)),
        (r"stream_options\.include_usage|stream", _words(True)),
        (r"(top_)?logprobs|parallel_tool_calls|n|tools\[\*\]\.function\.strict|response_format\.json_schema\.strict", _SETTING),
        (r"service_tier", _words("default", "flex", "priority")),
        (r"tools\[\*\]\.custom\.format\.(type|grammar\.syntax)", _words("text", "grammar", "lark", "regex")),
    ),
    "openai_responses": _in(
        (r"model", _words("the-target")),
        (r"store", _words(False)),
        (r"include\[\*\]", _words("reasoning.encrypted_content", "message.output_text.logprobs")),
        (r"input\[\*\]\.role", _words("system", "developer", "user", "assistant")),
        (r"input\[\*\]\.type", _words("message", "function_call", "function_call_output", "custom_tool_call", "custom_tool_call_output", "reasoning")),
        (r"input\[\*\]\.(content|output|summary)\[\*\]\.type", _words("input_text", "output_text", "input_image", "input_file", "refusal", "summary_text", "reasoning_text")),
        (r"input\[\*\]\.status", _words("completed")),
        (r"input\[\*\]\.call_id", _made),
        (r"input\[\*\]\.(content|output)\[\*\]\.detail", _words("auto")),
        (r"input\[\*\]\.(content|output)\[\*\]\.filename", _words("document.pdf")),
        (r"tools\[\*\]\.type", _words("function", "custom", "web_search")),
        (r"tools\[\*\]\.strict|parallel_tool_calls|text\.format\.strict|stream|top_logprobs", _SETTING),
        (r"tool_choice(\.type|\.mode|\.tools\[\*\]\.type)?", _words("none", "auto", "required", "function", "allowed_tools", "custom")),
        (r"text\.format\.(type|name)", _words("json_object", "json_schema", "response", "text")),
        (r"reasoning\.effort", _words(*_EFFORTS)),
        (r"reasoning\.summary", _words("auto", "detailed", "concise")),
        (r"service_tier", _words("default", "flex", "priority")),
        (r".*\.prompt_cache_breakpoint\.mode", _words("explicit")),
        (r"tools\[\*\]\.format\.(type|syntax)", _words("text", "grammar", "lark", "regex")),
    ),
    "anthropic": _in(
        (r"model", _words("the-target")),
        (r"max_tokens", _number),
        (r"messages\[\*\]\.role", _words("user", "assistant", "system")),
        (r"(messages\[\*\]\.content|system)\[\*\](\.content\[\*\])?(\.source)?(\.content\[\*\])?(\.source)?\.(media_)?type", _words("text", "image", "document", "tool_use", "tool_result", "base64", "url", "content", "search_result", "text/plain", "application/pdf")),
        (r".*cache_control\.type", _words("ephemeral")),
        (r".*cache_control\.ttl", _words("5m", "1h")),
        (r"messages\[\*\]\.content\[\*\]\.is_error", _words(True)),
        (r"tool_choice\.(type|disable_parallel_tool_use)", _words("auto", "any", "tool", "none", True, False)),
        (r"output_config\.format\.type", _words("json_schema")),
        (r"output_config\.effort", _words(*_EFFORTS)),
        (r"thinking\.type", _words("enabled", "disabled", "adaptive", "between_tools")),
        (r"thinking\.budget_tokens", _number),
        (r"thinking\.display", _words("summarized", "omitted")),
        (r"tools\[\*\]\.strict|stream", _SETTING),
        (r"temperature", _words(1)),
        (r"service_tier|speed", _words("auto", "standard_only", "fast")),
        (r"tools\[\*\]\.(name|description)|tool_choice\.name", _words("structured_answer", "Give the answer.", "web_search")),
        (r"tools\[\*\]\.type", _words("web_search_20250305")),
        (r"messages\[\*\]\.content\[\*\]\.(tool_use_)?id", _made),
    ),
    "gemini": _in(
        (r"contents\[\*\]\.role", _words("user", "model")),
        (r"contents\[\*\]\.parts\[\*\]\.thought", _words(True)),
        (r"contents\[\*\]\.parts\[\*\]\.function(Call|Response)\.id", _made),
        (r"contents\[\*\]\.parts\[\*\]\.thoughtSignature", _words("skip_thought_signature_validator")),
        (r"contents\[\*\]\.parts\[\*\](\.functionResponse\.parts\[\*\])?\.(inlineData|fileData)\.mimeType", _words("application/pdf", "image/png", "image/jpeg", "image/webp", "audio/wav", "audio/mp3", "audio/mpeg")),
        (r"contents\[\*\]\.parts\[\*\]\.functionResponse\.response(\..*)?", _anything),
        (r"toolConfig\.functionCallingConfig\.mode", _words("AUTO", "ANY", "NONE", "VALIDATED")),
        (r"generationConfig\.responseMimeType", _words("application/json", "text/plain")),
        (r"generationConfig\.(responseLogprobs|logprobs|candidateCount)", _SETTING),
        (r"generationConfig\.thinkingConfig\.(thinkingBudget|includeThoughts)", _anything),
        (r"generationConfig\.thinkingConfig\.thinkingLevel", _words("MINIMAL", "LOW", "MEDIUM", "HIGH", "minimal", "low", "medium", "high")),
        (r"generationConfig\.responseModalities\[\*\]", _words("TEXT", "IMAGE")),
        (r"serviceTier", _words("standard", "flex", "priority")),
    ),
}  # fmt: skip

_FRAMES = re.compile(
    r"[\s:,.()`\[\]{}\"#_]*|.*(<system-reminder>|no result|Tool result|Error|From the result of|see the next message"
    r"|Summary of the conversation so far|document|omitted|image|python|input|result|error"
    r"|Answer with|Begin|Start your reply|Reply with|JSON|data:).*",
    re.DOTALL,
)


def framing(rest: str) -> bool:
    """Return whether what is left of a text without the client's words is a known frame around them."""
    return _FRAMES.fullmatch(rest) is not None


__all__ = [
    "ABSENT", "BROAD", "PAIRS", "framing", "plain", "required", "rows", "same", "same_role", "says_nothing",
]  # fmt: skip
