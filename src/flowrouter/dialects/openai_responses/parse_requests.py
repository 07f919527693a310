"""A Responses request body to the canonical request; nothing in it is lost on the way back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flowrouter.canonical.fates import member_names
from flowrouter.canonical.messages import Message
from flowrouter.canonical.parts import ContentShape, Part, Text
from flowrouter.canonical.request import OutputFormat, ReasoningControl, Request, Sampling
from flowrouter.canonical.tools import ToolChoice
from flowrouter.dialects.openai_responses.items import offered
from flowrouter.dialects.openai_responses.parse_input import parse_input
from flowrouter.dialects.openai_responses.plain import plain_request
from flowrouter.dialects.openai_responses.tools import (
    ToolsRead,
    parse_choice,
    parse_later,
    parse_tools,
    write_choice,
)
from flowrouter.errors import CallerError
from flowrouter.wire.json import JsonError, loads
from flowrouter.wire.members import (
    Json,
    as_list,
    as_object,
    is_integer,
    is_nothing,
    take_flag,
    take_list,
    take_object,
    take_text,
)

ENCRYPTED = "reasoning.encrypted_content"
LOGPROBS = "message.output_text.logprobs"
"""Values of `include` that the hub knows in its own way."""

_ELSEWHERE = ("previous_response_id", "conversation", "prompt")
"""Members that name content which is not in the body."""

_HARMLESS = {"background": False, "store": False, "truncation": "disabled"}
"""Members that at these values say what holds everywhere, so that leaving them out loses nothing."""


def parse_request(body: bytes) -> Request:
    """Return the request in `body`; raises `CallerError` naming the field at fault."""
    rest = read_body(body)
    if (plain := plain_request(rest)) is not None:
        return plain
    members = member_names(rest)
    refuse_background(rest.get("background"))
    shapes: Json = {}
    model = _require_model(rest)
    system, system_shape = _take_instructions(rest)
    output, verbosity = _take_text_options(rest)
    read = _take_tools(rest, shapes)
    return Request(
        origin="openai_responses",
        members=members,
        model=model,
        messages=_take_input(rest, shapes),
        system=system,
        system_shape=system_shape,
        tools=read.tools,
        tool_choice=_take_choice(rest, read.inside(), shapes),
        parallel_tools=_flag(rest, "parallel_tool_calls"),
        sampling=_take_sampling(rest, shapes),
        max_tokens=_integer(rest, "max_output_tokens"),
        reasoning=_take_reasoning(rest),
        output=output,
        verbosity=verbosity,
        stream=_take_stream(rest, shapes),
        user=take_text(rest, "user"),
        metadata=take_object(rest, "metadata"),
        service_tier=take_text(rest, "service_tier"),
        cache_key=take_text(rest, "prompt_cache_key"),
        shapes=_take_harmless(rest, shapes),
        extra=rest,
    )


def read_body(body: bytes) -> Json:
    """Return the object in `body`; raises `CallerError` for anything else."""
    try:
        whole = as_object(loads(body))
    except JsonError as error:
        raise CallerError(f"The body is not valid JSON: {error}.", code="invalid_json") from None
    if whole is None:
        raise CallerError("The body must be a JSON object.", code="invalid_json")
    return whole


def refuse_background(value: Any) -> None:
    """Raise for an answer to be kept for later: this gateway gives all answers at once."""
    if value is True:
        raise CallerError(
            "background: answers are given at once here, none is kept for later; leave it out or false.",
            param="background",
            code="unsupported_parameter",
        )


def _require_model(rest: Json) -> str:
    model = take_text(rest, "model")
    if not model:
        raise CallerError(
            "model must be a non-empty string.", param="model", code="missing_required_parameter"
        )
    return model


def _wrong(name: str, expected: str) -> CallerError:
    return CallerError(f"{name} must be {expected}.", param=name, code="invalid_type")


def _number(rest: Json, name: str) -> Any:
    value = rest.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _wrong(name, "a number")
    del rest[name]
    return value


def _integer(rest: Json, name: str) -> int | None:
    value = rest.get(name)
    if value is None:
        return None
    if not is_integer(value):
        raise _wrong(name, "an integer")
    del rest[name]
    return value


def _flag(rest: Json, name: str) -> bool | None:
    if rest.get(name) is not None and not isinstance(rest[name], bool):
        raise _wrong(name, "true or false")
    return take_flag(rest, name)


def _take_input(rest: Json, shapes: Json) -> tuple[Message, ...]:
    """Take the conversation; it may be empty only where another member names one."""
    value = rest.get("input")
    if is_nothing(value):
        if all(is_nothing(rest.get(name)) for name in _ELSEWHERE):
            raise CallerError(
                "input must hold something to answer.", param="input", code="missing_required_parameter"
            )
        return ()
    messages = parse_input(value, shapes)
    del rest["input"]
    return messages


def _take_instructions(rest: Json) -> tuple[tuple[Part, ...], ContentShape]:
    value = rest.get("instructions")
    if value is not None and not isinstance(value, str):
        raise _wrong("instructions", "a string")
    text = take_text(rest, "instructions")
    if text is None:
        return (), "absent"
    return ((Text(text=text),) if text else ()), "string"


def _take_tools(rest: Json, shapes: Json) -> ToolsRead:
    items, later = take_list(rest, "tools"), offered(rest.get("input"))
    if items is None and rest.get("tools") is not None:
        raise _wrong("tools", "a list")
    if items == []:
        shapes["tools"] = "empty"
    read = parse_later(parse_tools(items or []), later)
    if read.namespaces:
        shapes["namespaces"] = read.namespaces
    return read


def _take_choice(rest: Json, inside: Mapping[str, str], shapes: Json) -> ToolChoice | None:
    """Take the tool choice; `shapes` keeps one whose form tells more than its meaning."""
    choice = parse_choice(rest.get("tool_choice"), inside)
    if choice is None:
        return None
    value = rest.pop("tool_choice")
    if write_choice(choice, {}) != value:
        shapes["tool_choice"] = value
    return choice


def _take_sampling(rest: Json, shapes: Json) -> Sampling:
    top = _integer(rest, "top_logprobs")
    include = as_list(rest.get("include")) or []
    if include and all(value in (ENCRYPTED, LOGPROBS) for value in include):
        shapes["include"] = rest.pop("include")
    return Sampling(
        temperature=_number(rest, "temperature"),
        top_p=_number(rest, "top_p"),
        logprobs=True if top or LOGPROBS in include else None,
        top_logprobs=top,
    )


def _take_reasoning(rest: Json) -> ReasoningControl | None:
    """Read `reasoning{effort, summary}`; `raw` holds the object as it came."""
    raw = as_object(rest.get("reasoning"))
    if not raw:
        return None
    effort, summary = raw.get("effort"), raw.get("summary") or raw.get("generate_summary")
    del rest["reasoning"]
    display = summary if isinstance(summary, str) else None
    if not isinstance(effort, str):
        return ReasoningControl(mode="auto", display=display, raw=raw)
    mode = "off" if effort == "none" else "effort"
    return ReasoningControl(mode=mode, effort=effort, display=display, raw=raw)


def _take_text_options(rest: Json) -> tuple[OutputFormat | None, str | None]:
    """Take `text{format, verbosity}`; what is not understood of it stays."""
    options = take_object(rest, "text")
    if options is None:
        return None, None
    verbosity = take_text(options, "verbosity")
    output = _take_format(options)
    if options or (output is None and verbosity is None):
        rest["text"] = options
    return output, verbosity


def _take_format(options: Json) -> OutputFormat | None:
    left = dict(as_object(options.get("format")) or {})
    match left.pop("type", None):
        case "text":
            output = OutputFormat(kind="text", extra=left)
        case "json_object":
            output = OutputFormat(kind="json", extra=left)
        case "json_schema":
            output = OutputFormat(
                kind="schema",
                name=take_text(left, "name"),
                description=take_text(left, "description"),
                schema=take_object(left, "schema"),
                strict=take_flag(left, "strict"),
                extra=left,
            )
        case _:
            return None
    del options["format"]
    return output


def _take_stream(rest: Json, shapes: Json) -> bool:
    stream = _flag(rest, "stream")
    if stream is False:
        shapes["stream"] = False
    return stream or False


def _take_harmless(rest: Json, shapes: Json) -> Json:
    """Move members at values that hold everywhere from `rest` to `shapes`; return `shapes`."""
    for name, value in _HARMLESS.items():
        if name in rest and rest[name] == value and type(rest[name]) is type(value):
            shapes.setdefault("harmless", {})[name] = rest.pop(name)
    return shapes


__all__ = ["ENCRYPTED", "LOGPROBS", "parse_request", "read_body", "refuse_background"]
