"""What the Gemini API refuses about requests that fit its messages."""

from collections.abc import Callable
from typing import Any

from tests.upstreams.dialect import Exchange, Refusal
from tests.upstreams.gemini.contents import check_contents
from tests.upstreams.gemini.profiles import profile_of
from tests.upstreams.gemini.schemas import check_schema
from tests.upstreams.gemini.shapes import COUNT, bad, check_shape, wrong
from tests.upstreams.gemini.tools import check_tools

Body = dict[str, Any]
MIME_TYPES = ("text/plain", "application/json", "application/xml", "application/yaml", "text/x.enum")
RANGES: dict[str, tuple[str, float, float]] = {
    "temperature": ("temperature", 0, 2),
    "topP": ("top_p", 0, 1),
    "topK": ("top_k", 1, 1_000),
    "candidateCount": ("candidate_count", 1, 8),
    "maxOutputTokens": ("max_output_tokens", 1, 10_000_000),
    "presencePenalty": ("presence_penalty", -2, 2),
    "frequencyPenalty": ("frequency_penalty", -2, 2),
    "logprobs": ("logprobs", 0, 20),
}
MOST_STOPS = 5


def check_request(exchange: Exchange) -> None:
    """Raise Refusal at the first thing wrong with a request for content."""
    check_body(exchange, check_shape(exchange))


def check_count_request(exchange: Exchange) -> None:
    """The same for a token count: bare contents, or a whole request inside."""
    body = check_shape(exchange, COUNT)
    inner = body.get("generateContentRequest")
    if inner is None:
        check_contents(exchange, body.get("contents") or [])
        return
    if body.get("contents"):
        raise wrong(
            "contents", "cannot be set together with generate_content_request", request="CountTokensRequest"
        )
    if not str(inner.get("model", "")).startswith("models/"):
        message = "unexpected model name format"
        raise wrong("generate_content_request.model", message, request="CountTokensRequest")
    check_body(exchange, inner)


def check_body(exchange: Exchange, body: Body) -> None:
    """Apply the rules to a body in its one spelling."""
    for rule in RULES:
        rule(exchange, body)


def _check_conversation(exchange: Exchange, body: Body) -> None:
    check_contents(exchange, body.get("contents") or [])


def _check_cached_content(exchange: Exchange, body: Body) -> None:
    if body.get("cachedContent"):
        raise Refusal(404, "CachedContent not found (or permission denied)")


def _check_ranges(exchange: Exchange, body: Body) -> None:
    config: Body = body.get("generationConfig") or {}
    for name, (shown, low, high) in RANGES.items():
        value = config.get(name)
        if value is not None and not low <= value <= high:
            raise wrong(f"generation_config.{shown}", f"must be in the range [{low}, {high}]")
    stops = config.get("stopSequences") or ()
    if len(stops) > MOST_STOPS:
        raise bad(f"The number of stop sequences ({len(stops)}) exceeds the maximum allowed ({MOST_STOPS}).")
    if any(not stop for stop in stops):
        raise wrong("generation_config.stop_sequences", "cannot contain an empty string")
    if config.get("logprobs") is not None and not config.get("responseLogprobs"):
        raise bad("logprobs can only be set when response_logprobs is true.")


def _check_format(exchange: Exchange, body: Body) -> None:
    config: Body = body.get("generationConfig") or {}
    mime = config.get("responseMimeType", "text/plain")
    if mime not in MIME_TYPES:
        allowed = ", ".join(f"`{name}`" for name in MIME_TYPES)
        raise wrong("generation_config.response_mime_type", f"allowed mimetypes are {allowed}.")
    named = [name for name in ("responseSchema", "responseJsonSchema") if name in config]
    if len(named) == 2:
        raise bad("response_schema and response_json_schema cannot both be set.")
    if named and mime not in ("application/json", "text/x.enum"):
        shown = "response_schema" if named == ["responseSchema"] else "response_json_schema"
        raise bad(f"{shown} is only supported with response_mime_type 'application/json' or 'text/x.enum'.")
    if "responseSchema" in config:
        check_schema("generation_config.response_schema", config["responseSchema"])


def _check_thinking(exchange: Exchange, body: Body) -> None:
    thinking: Body = (body.get("generationConfig") or {}).get("thinkingConfig") or {}
    profile = profile_of(exchange.model.base)
    budget, level = thinking.get("thinkingBudget"), thinking.get("thinkingLevel")
    if budget is not None and level is not None:
        raise bad("You can only set only one of thinking budget and thinking level.")
    if level is not None and not profile.levels:
        raise bad("Thinking level is not supported for this model.")
    if level is not None and level not in profile.levels:
        raise bad(
            f"Thinking level {level} is not supported for this model. Please retry with other thinking level."
        )
    if budget not in (None, -1):
        _check_budget(budget, exchange)
    off = profile.budget is None or (budget == 0 and profile.can_stop)
    if thinking.get("includeThoughts") and off:
        raise bad("Thinking_config.include_thoughts is only enabled when thinking is enabled.")


def _check_budget(budget: int, exchange: Exchange) -> None:
    profile = profile_of(exchange.model.base)
    if profile.budget is None:
        if budget:
            raise bad("Thinking budget is not supported for this model.")
        return
    if budget == 0 and not profile.can_stop:
        raise bad("Budget 0 is invalid. This model only works in thinking mode.")
    low, high = profile.budget
    if budget != 0 and not low <= budget <= high:
        raise bad(f"The thinking budget {budget} is invalid. Please choose a value between {low} and {high}.")


RULES: tuple[Callable[[Exchange, Body], None], ...] = (
    _check_conversation,
    check_tools,
    _check_ranges,
    _check_format,
    _check_thinking,
    _check_cached_content,
)
