"""Request bodies to canonical requests; `raw` objects and `extra` keep what only this dialect knows."""

from __future__ import annotations

from typing import Any, cast

from flowrouter.canonical.messages import Message, Role
from flowrouter.canonical.parts import ContentShape, Opaque, Part, Text
from flowrouter.canonical.request import OutputFormat, ReasoningControl, Request, Sampling
from flowrouter.canonical.tools import FunctionTool, HostedTool, Tool, ToolChoice
from flowrouter.dialects.anthropic.envelope import refuse_thread
from flowrouter.dialects.anthropic.node import Node, ShapeError
from flowrouter.dialects.anthropic.parse_parts import parse_content
from flowrouter.errors import CallerError
from flowrouter.wire.json import JsonError, loads

_ROLES: dict[str, Role] = {"user": "user", "assistant": "assistant", "system": "system"}
_CHOICES = {"auto": "auto", "any": "required", "tool": "tool", "none": "none"}
_THINKING = {"enabled": "budget", "disabled": "off"}


def parse_request(body: bytes) -> Request:
    """Return the request a body asks for; raises `CallerError` naming the field at fault."""
    try:
        value = loads(body)
    except JsonError as error:
        raise CallerError(f"the body is not valid JSON: {error}") from None
    try:
        return _request(Node(value, ""))
    except ShapeError as error:
        raise CallerError(str(error).lstrip(": "), param=error.path or None) from None


def _request(node: Node) -> Request:
    refuse_thread(node.peek("thread"))
    model = node.needed_text("model")
    if not model.strip():
        raise ShapeError("model", "must not be empty")
    shapes: dict[str, Any] = {
        name: True for name in ("stream", "tools", "stop_sequences") if node.peek(name) is not None
    }
    system, system_shape = _system(node)
    choice, parallel = _tool_choice(node)
    user, metadata = _metadata(node)
    effort, output = _output(node, shapes)
    return Request(
        origin="anthropic",
        model=model,
        messages=_messages(node),
        system=system,
        system_shape=system_shape,
        tools=_tools(node),
        tool_choice=choice,
        parallel_tools=parallel,
        sampling=Sampling(
            temperature=node.number("temperature"), top_p=node.number("top_p"), top_k=node.integer("top_k")
        ),
        max_tokens=node.integer("max_tokens"),
        stop=node.texts("stop_sequences") or (),
        reasoning=_reasoning(node, effort),
        output=output,
        stream=node.flag("stream") or False,
        user=user,
        metadata=metadata,
        service_tier=node.text("service_tier"),
        cache=node.cache(),
        shapes=shapes,
        extra=node.rest(),
    )


def _messages(node: Node) -> tuple[Message, ...]:
    values = node.items("messages")
    if values is None:
        raise ShapeError("messages", "field required")
    if not values:
        raise ShapeError("messages", "at least one message is required")
    return tuple(_message(value, f"messages[{number}]") for number, value in enumerate(values))


def _message(value: object, path: str) -> Message:
    node = Node(value, path)
    role = _ROLES.get(node.needed_text("role"))
    if role is None:
        raise ShapeError(f"{path}.role", "expected user, assistant or system")
    present = node.has("content")
    parts, shape = parse_content(node.pop("content"), node.at("content"))
    return Message(role=role, parts=parts, shape=shape if present else "absent", extra=node.rest())


def _system(node: Node) -> tuple[tuple[Part, ...], ContentShape]:
    value = node.peek("system")
    if value is None:
        return (), "absent"
    parts, shape = parse_content(node.pop("system"), "system")
    for number, part in enumerate(parts):
        if not isinstance(part, Text | Opaque):
            raise ShapeError(f"system[{number}]", "expected a text block")
    return parts, shape


def _tools(node: Node) -> tuple[Tool, ...]:
    return tuple(_tool(value, f"tools[{number}]") for number, value in enumerate(node.items("tools") or ()))


def _tool(value: object, path: str) -> Tool:
    node = Node(value, path)
    kind = node.peek("type")
    if isinstance(kind, str) and kind != "custom":
        name = node.peek("name")
        config = cast("dict[str, Any]", value)
        return HostedTool(
            kind=kind,
            config=config,
            origin="anthropic",
            name=name if isinstance(name, str) else None,
            cache=node.cache(),
        )
    name = node.needed_text("name")
    if not name:
        raise ShapeError(f"{path}.name", "must not be empty")
    return FunctionTool(
        name=name,
        description=node.text("description"),
        schema=node.mapping("input_schema"),
        strict=node.flag("strict"),
        cache=node.cache(),
        extra=node.rest(),
    )


def _tool_choice(node: Node) -> tuple[ToolChoice | None, bool | None]:
    value = node.mapping("tool_choice")
    if value is None:
        return None, None
    choice = Node(value, "tool_choice")
    mode = _CHOICES.get(choice.needed_text("type"))
    if mode is None:
        node.put_back("tool_choice", value)
        return None, None
    disabled = choice.flag("disable_parallel_tool_use")
    name = choice.needed_text("name") if mode == "tool" else None
    parsed = ToolChoice(mode=cast("Any", mode), name=name, extra=choice.rest())
    return parsed, None if disabled is None else not disabled


def _metadata(node: Node) -> tuple[str | None, dict[str, Any] | None]:
    """Return the user id and the other members; anything unusual stays whole in `extra`."""
    value = node.peek("metadata")
    if not isinstance(value, dict):
        return None, None
    members = dict(cast("dict[str, Any]", value))
    user = members.pop("user_id", None)
    if not isinstance(user, str):
        return None, None
    node.pop("metadata")
    return user, members or None


def _output(node: Node, shapes: dict[str, Any]) -> tuple[str | None, OutputFormat | None]:
    """Return effort and output format; the older `output_format` is remembered by `shapes`."""
    effort: str | None = None
    output: OutputFormat | None = None
    config = node.mapping("output_config")
    if config is not None:
        inner = Node(config, "output_config")
        effort = inner.text("effort")
        output = _format(inner, "format")
        if inner.rest() or not config:
            node.put_back("output_config", inner.rest())
    if output is None:
        output = _format(node, "output_format")
        if output is not None:
            shapes["output_format"] = True
    return effort, output


def _format(node: Node, name: str) -> OutputFormat | None:
    value = node.peek(name)
    if not isinstance(value, dict):
        return None
    inner = Node(cast("dict[str, Any]", value), node.at(name))
    if inner.text("type") != "json_schema" or not isinstance(inner.peek("schema"), dict):
        return None
    node.pop(name)
    return OutputFormat(kind="schema", schema=inner.mapping("schema"), extra=inner.rest())


def _reasoning(node: Node, effort: str | None) -> ReasoningControl | None:
    """Return the control; `raw` is the thinking object, or the effort alone where only that came."""
    raw = node.mapping("thinking")
    if raw is None:
        if effort is None:
            return None
        return ReasoningControl(mode="effort", effort=effort, raw={"effort": effort})
    thinking = Node(raw, "thinking")
    mode = _THINKING.get(thinking.needed_text("type"), "auto")
    return ReasoningControl(
        mode=cast("Any", mode),
        effort=effort,
        budget=thinking.integer("budget_tokens"),
        display=thinking.text("display"),
        raw=raw,
    )


__all__ = ["parse_request"]
