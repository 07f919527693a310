"""What OpenAI's Chat Completions endpoint refuses, in its own words: messages and parameters."""

from collections.abc import Callable
from typing import Any, cast

from tests.upstreams.dialect import Exchange
from tests.upstreams.openai_chat.shapes import bad, check_length, check_name, check_shape
from tests.upstreams.openai_chat.tools import check_format, check_tools
from tests.upstreams.reading import media_of_url


def check_request(exchange: Exchange) -> None:
    """Raise Refusal at the first thing that is wrong with a request."""
    check_shape(exchange)
    for rule in RULES:
        rule(exchange)


# messages


def _check_messages(exchange: Exchange) -> None:
    messages: list[dict[str, Any]] = exchange.body["messages"]
    if not messages:
        raise bad(
            "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead.",
            param="messages",
            code="empty_array",
        )
    open_ids: list[str] = []
    answered: list[str] = []
    for index, message in enumerate(messages):
        if message["role"] == "tool":
            _check_tool_message(index, message, open_ids, answered)
            continue
        _check_all_answered(open_ids, answered)
        open_ids, answered = [], []
        _check_content(index, message)
        if message["role"] == "assistant":
            open_ids = _check_calls(index, message)
    _check_all_answered(open_ids, answered)


def _check_tool_message(
    index: int, message: dict[str, Any], open_ids: list[str], answered: list[str]
) -> None:
    if not open_ids:
        raise bad(
            "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with "
            "'tool_calls'.",
            param=f"messages.[{index}].role",
        )
    given = message["tool_call_id"]
    if given not in open_ids:
        raise bad(
            f"Invalid parameter: 'tool_call_id' of '{given}' not found in 'tool_calls' of previous message.",
            param=f"messages.[{index}].tool_call_id",
        )
    if given in answered:
        raise bad(
            f"Invalid parameter: duplicate response for 'tool_call_id' of '{given}'.",
            param=f"messages.[{index}].tool_call_id",
        )
    answered.append(given)


def _check_all_answered(open_ids: list[str], answered: list[str]) -> None:
    missing = [call_id for call_id in open_ids if call_id not in answered]
    if missing:
        raise bad(
            "An assistant message with 'tool_calls' must be followed by tool messages responding to each "
            f"'tool_call_id'. The following tool_call_ids did not have response messages: {', '.join(missing)}",
            param="messages",
        )


def _check_content(index: int, message: dict[str, Any]) -> None:
    content = message.get("content")
    where = f"messages[{index}].content"
    if isinstance(content, list):
        parts = cast(list[dict[str, Any]], content)
        if not parts:
            raise bad(f"Invalid '{where}': empty array.", param=where, code="empty_array")
        for number, part in enumerate(parts):
            _check_part(f"{where}[{number}]", part)
    carries = message.get("tool_calls") or message.get("function_call") or message.get("refusal")
    if message["role"] == "assistant" and content is None and not carries and not message.get("audio"):
        raise bad(
            "Invalid value for 'content': expected a string, got null.", param=f"messages.[{index}].content"
        )


def _check_part(where: str, part: dict[str, Any]) -> None:
    if part["type"] == "image_url":
        media = media_of_url(part["image_url"]["url"])
        if media is None:
            raise bad("Invalid base64 image_url.", param=f"{where}.image_url.url", code="invalid_base64")
        allowed = ("url", "image/png", "image/jpeg", "image/gif", "image/webp")
        if media.mime not in allowed:
            raise bad(
                f"You uploaded an unsupported image: '{media.mime}'. Please make sure your image is of one the "
                "following formats: ['png', 'jpeg', 'gif', 'webp'].",
                param=f"{where}.image_url.url",
                code="invalid_image_format",
            )
    if part["type"] == "file":
        data = part["file"].get("file_data")
        if data is None and not part["file"].get("file_id"):
            raise bad(f"Missing required parameter: '{where}.file.file_id'.", param=f"{where}.file.file_id")
        if data is not None and (not data.startswith("data:") or media_of_url(data) is None):
            raise bad(
                f"Invalid '{where}.file.file_data'. Expected a base64-encoded data URL with an application/pdf "
                "MIME type.",
                param=f"{where}.file.file_data",
                code="invalid_value",
            )


def _check_calls(index: int, message: dict[str, Any]) -> list[str]:
    where = f"messages[{index}].tool_calls"
    calls: list[dict[str, Any]] = message.get("tool_calls") or []
    if message.get("tool_calls") == []:
        raise bad(f"Invalid '{where}': empty array. Expected an array with minimum length 1.", param=where)
    for number, call in enumerate(calls):
        check_length(f"{where}[{number}].id", call["id"], 40)
        if call["type"] == "function":
            check_name(f"{where}[{number}].function.name", call["function"]["name"])
    return [call["id"] for call in calls]


def _check_host_habits(exchange: Exchange) -> None:
    """Rules that only some compatible hosts have, chosen by scenario."""
    messages: list[dict[str, Any]] = exchange.body["messages"]
    model = exchange.model
    for index, message in enumerate(messages):
        reasoned = message.get("reasoning_content") or message.get("reasoning")
        if model.has("reasoning-echo") and message.get("tool_calls") and not reasoned:
            raise bad(f"Missing `reasoning_content` field in the assistant message at message index {index}")
        if model.has("reasoning-echo-forbidden") and "reasoning_content" in message:
            raise bad(
                f"The `reasoning_content` field is not allowed in input messages, at message index {index}"
            )
        if model.has("system-first") and index and message["role"] in ("system", "developer"):
            raise bad("System message must be at the beginning.", param=f"messages[{index}].role")
        alike = (
            index
            and message["role"] == messages[index - 1]["role"]
            and message["role"] in ("user", "assistant")
        )
        if model.has("strict-alternation") and alike:
            raise bad("Conversation roles must alternate user/assistant/user/assistant/...", param="messages")
    if model.has("no-prefill") and messages[-1]["role"] == "assistant":
        raise bad("Expected last role to be one of [user, tool] but got assistant.", param="messages")
    if model.has("fault-rejects-stream-options") and "stream_options" in exchange.body:
        raise bad("Unrecognized request argument supplied: stream_options")
    if model.has("old-max-tokens") and "max_completion_tokens" in exchange.body:
        raise bad("Unrecognized request argument supplied: max_completion_tokens")


# parameters

RANGES: dict[str, tuple[float, float]] = {
    "temperature": (0, 2),
    "top_p": (0, 1),
    "presence_penalty": (-2, 2),
    "frequency_penalty": (-2, 2),
    "n": (1, 128),
    "top_logprobs": (0, 20),
    "max_tokens": (1, 10_000_000),
    "max_completion_tokens": (1, 10_000_000),
}


def _check_ranges(exchange: Exchange) -> None:
    for name, (low, high) in RANGES.items():
        value = exchange.body.get(name)
        if value is None or low <= value <= high:
            continue
        kind = "integer" if isinstance(value, int) and name not in ("temperature", "top_p") else "decimal"
        side, bound, limit = ("below minimum", ">=", low) if value < low else ("above maximum", "<=", high)
        raise bad(
            f"Invalid '{name}': {kind} {side} value. Expected a value {bound} {limit}, but got {value} instead.",
            param=name,
            code=f"{kind}_{side.split()[0]}_{'min' if value < low else 'max'}_value",
        )
    stop = exchange.body.get("stop")
    if isinstance(stop, list) and not 1 <= len(cast(list[str], stop)) <= 4:
        message = "Invalid 'stop': expected an array of 1 to 4 strings."
        raise bad(message, param="stop", code="array_above_max_length" if stop else "empty_array")
    if len(exchange.body.get("metadata") or {}) > 16:
        raise bad(
            "Invalid 'metadata': too many properties.", param="metadata", code="object_above_max_properties"
        )


def _check_pairs(exchange: Exchange) -> None:
    body = exchange.body
    if body.get("stream_options") is not None and not body.get("stream"):
        raise bad(
            "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
            param="stream_options",
        )
    if body.get("top_logprobs") is not None and not body.get("logprobs"):
        raise bad(
            "The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled.",
            param="top_logprobs",
        )
    if body.get("max_tokens") is not None and body.get("max_completion_tokens") is not None:
        raise bad("Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.")


NOT_WHILE_REASONING = (
    "top_p",
    "presence_penalty",
    "frequency_penalty",
    "logprobs",
    "top_logprobs",
    "logit_bias",
)


def _check_reasoning_model(exchange: Exchange) -> None:
    body = exchange.body
    if exchange.model.is_plain_openai and body.get("reasoning_effort") is not None:
        raise bad("Unrecognized request argument supplied: reasoning_effort")
    if not exchange.model.reasons_by_effort:
        return
    if body.get("max_tokens") is not None:
        raise bad(
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' "
            "instead.",
            param="max_tokens",
            code="unsupported_parameter",
        )
    if body.get("reasoning_effort") == "none":
        return
    if body.get("temperature") not in (None, 1):
        raise bad(
            f"Unsupported value: 'temperature' does not support {body['temperature']} with this model. Only the "
            "default (1) value is supported.",
            param="temperature",
            code="unsupported_value",
        )
    for name in NOT_WHILE_REASONING:
        if body.get(name) not in (None, False) and not (name == "top_p" and body[name] == 1):
            message = f"Unsupported parameter: '{name}' is not supported with this model."
            raise bad(message, param=name, code="unsupported_parameter")


RULES: tuple[Callable[[Exchange], None], ...] = (
    _check_messages,
    _check_host_habits,
    check_tools,
    check_format,
    _check_ranges,
    _check_pairs,
    _check_reasoning_model,
)
