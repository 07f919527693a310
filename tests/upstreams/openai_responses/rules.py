"""What OpenAI's Responses endpoint refuses, in its own words: parameters, then the rest in order."""

from collections.abc import Callable
from typing import Any

from tests.upstreams.dialect import Exchange, Refusal
from tests.upstreams.openai_chat.shapes import bad
from tests.upstreams.openai_responses.conversation import check_sources, check_thread
from tests.upstreams.openai_responses.kept import Keeper
from tests.upstreams.openai_responses.shapes import COMPACT, COUNT, check_shape
from tests.upstreams.openai_responses.tools import check_format, check_tools


def check_request(exchange: Exchange, keeper: Keeper) -> None:
    """Raise Refusal at the first thing that is wrong with a request."""
    check_shape(exchange)
    _check_model(exchange)
    for rule in (*RULES, check_sources):
        rule(exchange)
    check_thread(exchange, keeper, keeper.thread(exchange))


def check_count_request(exchange: Exchange, keeper: Keeper) -> None:
    """The same for `/v1/responses/input_tokens`, where nothing but the shape is required."""
    check_shape(exchange, COUNT)
    check_tools(exchange)
    keeper.thread(exchange)


def check_compact_request(exchange: Exchange, keeper: Keeper) -> None:
    """The same for `/v1/responses/compact`."""
    check_shape(exchange, COMPACT)
    _check_model(exchange)
    check_sources(exchange)
    check_thread(exchange, keeper, keeper.thread(exchange))


def _check_model(exchange: Exchange) -> None:
    if not exchange.body.get("model"):
        raise bad("Missing required parameter: 'model'.", param="model", code="missing_required_parameter")


RANGES: dict[str, tuple[float, float]] = {
    "temperature": (0, 2),
    "top_p": (0, 1),
    "top_logprobs": (0, 20),
    "max_output_tokens": (16, 10_000_000),
    "max_tool_calls": (1, 10_000_000),
}


def _check_ranges(exchange: Exchange) -> None:
    for name, (low, high) in RANGES.items():
        value = exchange.body.get(name)
        if value is None or low <= value <= high:
            continue
        kind = "decimal" if name in ("temperature", "top_p") else "integer"
        side, bound, limit = ("below minimum", ">=", low) if value < low else ("above maximum", "<=", high)
        raise bad(
            f"Invalid '{name}': {kind} {side} value. Expected a value {bound} {limit}, but got {value} instead.",
            param=name,
            code=f"{kind}_{side.split()[0]}_{'min' if value < low else 'max'}_value",
        )
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
    if body.get("background") and body.get("store") is False:
        raise bad("Background mode requires 'store' to be true.", param="background", code="invalid_value")


def _check_reasoning_model(exchange: Exchange) -> None:
    body, model = exchange.body, exchange.model
    reasoning: dict[str, Any] = body.get("reasoning") or {}
    if model.is_plain_openai:
        for name in ("effort", "summary"):
            if reasoning.get(name) is not None:
                raise _unsupported(f"reasoning.{name}")
        if "reasoning.encrypted_content" in (body.get("include") or ()):
            raise bad("Encrypted content is not supported with this model.", param="include")
    if not model.reasons_by_effort or reasoning.get("effort") == "none":
        return
    for name in ("temperature", "top_p"):
        if body.get(name) not in (None, 1):
            raise _unsupported(name)
    if body.get("top_logprobs") or "message.output_text.logprobs" in (body.get("include") or ()):
        raise _unsupported("top_logprobs")


def _unsupported(name: str) -> Refusal:
    message = f"Unsupported parameter: '{name}' is not supported with this model."
    return bad(message, param=name, code="unsupported_parameter")


def _check_host_habits(exchange: Exchange) -> None:
    """Rules that only some compatible hosts have, chosen by scenario."""
    if exchange.model.has("stateless"):
        for name in ("previous_response_id", "background"):
            if exchange.body.get(name):
                raise _unsupported(name)
    if exchange.model.has("fault-rejects-stream-options") and "stream_options" in exchange.body:
        raise bad("Unknown parameter: 'stream_options'.", param="stream_options", code="unknown_parameter")


RULES: tuple[Callable[[Exchange], None], ...] = (
    _check_host_habits,
    check_tools,
    check_format,
    _check_ranges,
    _check_pairs,
    _check_reasoning_model,
)
