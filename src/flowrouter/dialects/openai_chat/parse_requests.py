"""A Chat request body to the canonical request; nothing in it is lost on the way back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flowrouter.canonical.fates import member_names
from flowrouter.canonical.request import OutputFormat, ReasoningControl, Request, Sampling
from flowrouter.canonical.tools import Tool, ToolChoice
from flowrouter.dialects.openai_chat.parse_messages import LegacyCalls, parse_messages
from flowrouter.dialects.openai_chat.plain import plain_request
from flowrouter.dialects.openai_chat.tools import (
    parse_choice,
    parse_functions,
    parse_legacy_choice,
    parse_tools,
)
from flowrouter.dialects.openai_chat.web_search import FIELD as WEB_SEARCH
from flowrouter.dialects.openai_chat.web_search import take_web_search
from flowrouter.errors import CallerError
from flowrouter.wire.json import JsonError, loads
from flowrouter.wire.members import (
    Json,
    as_list,
    as_object,
    is_integer,
    nested,
    take_flag,
    take_list,
    take_object,
    take_text,
)


def parse_request(body: bytes) -> Request:
    """Return the request in `body`; raises `CallerError` naming the field at fault."""
    rest = read_body(body)
    if (plain := plain_request(rest)) is not None:
        return plain
    members = member_names(rest)
    model, items = rest.pop("model", None), rest.pop("messages", None)
    if not (model and items and isinstance(model, str) and isinstance(items, list)):
        raise _missing(model)
    legacy = LegacyCalls()
    messages = parse_messages(items, legacy)  # pyright: ignore[reportUnknownArgumentType]
    shapes: Json = {"legacy_ids": legacy.ids} if legacy.ids else {}
    taken: Json = {}
    drawn: Json = {}
    for name in sorted(rest.keys() & _PLACES.keys(), key=_PLACES.__getitem__):
        field, take = _TAKERS[name]
        if field == "sampling":
            drawn[name] = take(rest, name)
        elif taken.get(field) is None:
            taken[field] = take(rest, shapes)
    if drawn:
        taken["sampling"] = Sampling(**drawn)
    return Request(
        origin="openai_chat",
        model=model,
        messages=messages,
        shapes=shapes,
        extra=rest,
        members=members,
        **taken,
    )


def read_body(body: bytes) -> Json:
    """Return the object in `body`; raises `CallerError` for anything else."""
    try:
        whole = loads(body)
    except JsonError as error:
        raise CallerError(f"The body is not valid JSON: {error}.", code="invalid_json") from None
    if not isinstance(whole, dict):
        raise CallerError("The body must be a JSON object.", code="invalid_json")
    return whole  # pyright: ignore[reportUnknownVariableType]


def _missing(model: object) -> CallerError:
    """Return the error of a body without one of the two members that must be there and hold something."""
    name, kind = ("messages", "list") if model and isinstance(model, str) else ("model", "string")
    message = f"{name} must be a non-empty {kind}."
    return CallerError(message, param=name, code="missing_required_parameter")


def _wrong(name: str, expected: str) -> CallerError:
    return CallerError(f"{name} must be {expected}.", param=name, code="invalid_type")


_NUMBERS = frozenset({int, float})


def _number(rest: Json, name: str) -> Any:
    if type(rest[name]) in _NUMBERS:
        return rest.pop(name)
    if rest[name] is not None:
        raise _wrong(name, "a number")
    return None


def _integer(rest: Json, name: str) -> int | None:
    if type(rest[name]) is int:
        return rest.pop(name)
    if rest[name] is not None:
        raise _wrong(name, "an integer")
    return None


def _flag(rest: Json, name: str) -> bool | None:
    if type(rest[name]) is bool:
        return rest.pop(name)
    if rest[name] is not None:
        raise _wrong(name, "true or false")
    return None


_SAMPLING: Mapping[str, Callable[[Json, str], Any]] = {
    "temperature": _number,
    "top_p": _number,
    "top_k": _integer,
    "presence_penalty": _number,
    "frequency_penalty": _number,
    "seed": _integer,
    "n": _integer,
    "logit_bias": take_object,
    "logprobs": _flag,
    "top_logprobs": _integer,
}
"""What reads a member of `Sampling` that is there."""


def _take_limit(name: str) -> Callable[[Json, Json], int | None]:
    """Return what takes one of the two output caps: the newer, and where both are given the older rides in `extra`."""

    def take(rest: Json, shapes: Json) -> int | None:
        if (value := _integer(rest, name)) is not None:
            shapes["max_tokens"] = name
        return value

    return take


def _take_stop(rest: Json, shapes: Json) -> tuple[str, ...]:
    value = rest.get("stop")
    if value is None:
        return ()
    if isinstance(value, str):
        shapes["stop"] = "string"
        del rest["stop"]
        return (value,)
    items = as_list(value)
    if items is None:
        raise _wrong("stop", "a string or a list of strings")
    if not all(isinstance(item, str) for item in items):
        raise _wrong("stop", "a string or a list of strings")
    shapes["stop"] = "list"
    del rest["stop"]
    return tuple(items)


def _take_stream(rest: Json, shapes: Json) -> bool:
    stream = _flag(rest, "stream")
    if stream is False:
        shapes["stream"] = False
    return stream or False


def _take_include_usage(rest: Json, _: Json) -> bool | None:
    options = take_object(rest, "stream_options")
    if options is None:
        return None
    include = take_flag(options, "include_usage")
    if options or include is None:
        rest["stream_options"] = options
    return include


def _take_tools(rest: Json, shapes: Json) -> tuple[Tool, ...]:
    tools: tuple[Tool, ...] = ()
    for name, parse in (("tools", parse_tools), ("functions", parse_functions)):
        if name not in rest:
            continue
        items = take_list(rest, name)
        if items is None:
            if rest.get(name) is not None:
                raise _wrong(name, "a list")
            continue
        if not items:
            shapes[name] = "empty"
        tools = (*tools, *parse(items))
    return (*tools, *take_web_search(rest)) if WEB_SEARCH in rest else tools


def _take_choice(rest: Json, shapes: Json) -> ToolChoice | None:
    if rest.get("tool_choice") is not None:
        read = parse_choice(rest["tool_choice"])
        if read is None:
            return None
        if read.word is not None:
            shapes["tool_choice"] = read.word
        del rest["tool_choice"]
        return read.choice
    if "function_call" not in rest:
        return None
    if (choice := parse_legacy_choice(rest["function_call"])) is not None:
        shapes["function_call"] = True
        del rest["function_call"]
    return choice


def _take_output(rest: Json, _: Json) -> OutputFormat | None:
    form = as_object(rest.get("response_format"))
    if form is None:
        return None
    left = dict(form)
    match left.pop("type", None):
        case "text":
            output = OutputFormat(kind="text", extra=left)
        case "json_object":
            output = OutputFormat(kind="json", extra=left)
        case "json_schema" if isinstance(left.get("json_schema"), dict):
            inner = take_object(left, "json_schema") or {}
            output = OutputFormat(
                kind="schema",
                name=take_text(inner, "name"),
                description=take_text(inner, "description"),
                schema=take_object(inner, "schema"),
                strict=take_flag(inner, "strict"),
                extra=nested(left, "json_schema", inner),
            )
        case _:
            return None
    del rest["response_format"]
    return output


_HOST_FIELDS = ("reasoning_effort", "reasoning", "thinking", "enable_thinking", "thinking_budget")


def _take_reasoning(rest: Json, _: Json) -> ReasoningControl | None:
    """Read OpenAI's effort, else a host's own switch; `raw` holds the members as they came."""
    raw: Json = {name: rest[name] for name in _HOST_FIELDS if rest.get(name) is not None}
    if not raw:
        return None
    control = _effort(raw) or _openrouter(raw) or _thinking(raw) or _qwen(raw)
    if control is None:
        return None
    for name in raw:
        del rest[name]
    return control


def _effort(raw: Json) -> ReasoningControl | None:
    effort = raw.get("reasoning_effort")
    return _by_effort(effort, raw) if isinstance(effort, str) else None


def _by_effort(effort: str, raw: Json, display: str | None = None) -> ReasoningControl:
    mode = "off" if effort == "none" else "effort"
    return ReasoningControl(mode=mode, effort=effort, display=display, raw=raw)


def _openrouter(raw: Json) -> ReasoningControl | None:
    """Read OpenRouter's `reasoning{effort | max_tokens, exclude, enabled}`."""
    form = as_object(raw.get("reasoning"))
    if form is None:
        return None
    display = "omitted" if form.get("exclude") is True else None
    if isinstance(effort := form.get("effort"), str):
        return _by_effort(effort, raw, display)
    if is_integer(budget := form.get("max_tokens")):
        return ReasoningControl(mode="budget", budget=budget, display=display, raw=raw)
    if isinstance(enabled := form.get("enabled"), bool):
        return ReasoningControl(mode="auto" if enabled else "off", display=display, raw=raw)
    return None


def _thinking(raw: Json) -> ReasoningControl | None:
    """Read `thinking{type, budget_tokens}` of DeepSeek, GLM, Kimi and others."""
    form = as_object(raw.get("thinking")) or {}
    budget = form.get("budget_tokens")
    match form.get("type"):
        case "enabled" if is_integer(budget):
            return ReasoningControl(mode="budget", budget=budget, raw=raw)
        case "enabled" | "adaptive" | "auto":
            return ReasoningControl(mode="auto", raw=raw)
        case "disabled":
            return ReasoningControl(mode="off", raw=raw)
        case _:
            return None


def _qwen(raw: Json) -> ReasoningControl | None:
    """Read `enable_thinking` and `thinking_budget` of Qwen's hosts."""
    enabled, budget = raw.get("enable_thinking"), raw.get("thinking_budget")
    if enabled is False:
        return ReasoningControl(mode="off", raw=raw)
    if is_integer(budget):
        return ReasoningControl(mode="budget", budget=budget, raw=raw)
    return ReasoningControl(mode="auto", raw=raw) if enabled is True else None


def _take_parallel(rest: Json, _: Json) -> bool | None:
    return _flag(rest, "parallel_tool_calls")


def _take_label(name: str) -> Callable[[Json, Json], str | None]:
    return lambda rest, _: take_text(rest, name)


_TAKERS: Mapping[str, tuple[str, Callable[[Json, Any], Any]]] = {
    **dict.fromkeys(_HOST_FIELDS, ("reasoning", _take_reasoning)),
    "stream": ("stream", _take_stream),
    **dict.fromkeys(("tools", "functions", WEB_SEARCH), ("tools", _take_tools)),
    **dict.fromkeys(("tool_choice", "function_call"), ("tool_choice", _take_choice)),
    "parallel_tool_calls": ("parallel_tools", _take_parallel),
    **{name: ("sampling", read) for name, read in _SAMPLING.items()},
    **{name: ("max_tokens", _take_limit(name)) for name in ("max_completion_tokens", "max_tokens")},
    "stop": ("stop", _take_stop),
    "response_format": ("output", _take_output),
    "verbosity": ("verbosity", _take_label("verbosity")),
    "stream_options": ("include_usage", _take_include_usage),
    "user": ("user", _take_label("user")),
    "metadata": ("metadata", lambda rest, _: take_object(rest, "metadata")),
    "service_tier": ("service_tier", _take_label("service_tier")),
    "prompt_cache_key": ("cache_key", _take_label("prompt_cache_key")),
}
"""The field of the request that a member fills, alone or with others, and what takes it or them.

A member of `Sampling` is taken alone, by its name.
"""

_PLACES = {name: number for number, name in enumerate(_TAKERS)}
"""In what order members are read: of two that are wrong the first is named."""

__all__ = ["parse_request", "read_body"]
