"""Request bodies to canonical requests; `raw` objects and `extra` keep what only this dialect knows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

from flowrouter.canonical.fates import member_names
from flowrouter.canonical.messages import Message, Role, spoken
from flowrouter.canonical.parts import Opaque, Text
from flowrouter.canonical.request import OutputFormat, ReasoningControl, Request, Sampling
from flowrouter.canonical.tools import FunctionTool, HostedTool, Tool, ToolChoice
from flowrouter.dialects.anthropic.envelope import refuse_thread
from flowrouter.dialects.anthropic.node import Node, ShapeError, no_text
from flowrouter.dialects.anthropic.parse_parts import parse_blocks, parse_content
from flowrouter.dialects.anthropic.plain import PlainTalk, plain_request
from flowrouter.errors import CallerError
from flowrouter.wire.json import JsonError, loads
from flowrouter.wire.members import Json, as_object, left

_ROLES: dict[str, Role] = {"user": "user", "assistant": "assistant", "system": "system"}
_CHOICES = {"auto": "auto", "any": "required", "tool": "tool", "none": "none"}
Taken = dict[str, Any]
"""Fields of a request."""

_THINKING = {"enabled": "budget", "disabled": "off"}


def parse_request(body: bytes) -> Request:
    """Return the request a body asks for; raises `CallerError` naming the field at fault."""
    try:
        value = loads(body)
    except JsonError as error:
        raise CallerError(f"the body is not valid JSON: {error}") from None
    if (whole := as_object(value)) is not None and (plain := plain_request(whole)) is not None:
        return plain
    try:
        return _request(Node(value, ""))
    except ShapeError as error:
        raise CallerError(str(error).lstrip(": "), param=error.path or None) from None


def _request(node: Node) -> Request:
    left = node.rest()
    members = member_names(left)
    if "thread" in left:
        refuse_thread(left["thread"])
    model = node.needed_text("model")
    if not model.strip():
        raise ShapeError("model", "must not be empty")
    left.setdefault("messages", None)
    taken: Taken = {}
    shapes: Json = {}
    if not left.keys().isdisjoint(_SHAPED):
        shapes = {name: True for name in _SHAPED if left.get(name) is not None}
    drawn: Taken = {}
    for name in sorted(left.keys() & _PLACES.keys(), key=_PLACES.__getitem__):
        if left[name] is None and name != "messages":
            continue
        field, take = _TAKERS[name]
        if field == "sampling":
            drawn[name] = take(node, name)
        elif field:
            taken[field] = take(node, name)
        else:
            take(node, taken)
    if drawn:
        taken["sampling"] = Sampling(**drawn)
    if taken.pop("older_format", False):
        shapes["output_format"] = True
    return Request(origin="anthropic", model=model, shapes=shapes, extra=left, members=members, **taken)


def _messages(node: Node, taken: Taken) -> None:
    values = node.items("messages")
    if values is None:
        raise ShapeError("messages", "field required")
    if not values:
        raise ShapeError("messages", "at least one message is required")
    words = spoken(values, PlainTalk)
    taken["messages"] = _mixed(values) if words is None else words


def _mixed(values: list[Any]) -> tuple[Message, ...]:
    """Read messages one by one; those of a role and content alone, as most are, here."""
    messages: list[Message] = []
    try:
        for value in values:
            try:
                role, content = _ROLES[value["role"]], value["content"]
                kind: Any = type(content) if len(value) == 2 else None  # pyright: ignore[reportUnknownVariableType]
            except (KeyError, TypeError):
                messages.append(_message(value))
                continue
            if kind is list:
                messages.append(Message(role=role, parts=parse_blocks(content)))
            elif kind is str:
                messages.append(Message(role=role, parts=(Text(text=content),), shape="string"))
            else:
                messages.append(_message(value))
    except ShapeError as error:
        raise error.within(f"messages[{len(messages)}]") from None
    return tuple(messages)


def _message(message: Any) -> Message:
    try:
        role = _ROLES[message["role"]]
    except (KeyError, TypeError):
        raise _no_message(message) from None
    parts, shape = parse_content(message.get("content"))
    rest = left(message, ("role", "content"))
    return Message(role=role, parts=parts, shape=shape if "content" in message else "absent", extra=rest)


def _no_message(value: object) -> ShapeError:
    """Return what is wrong with what has no role that is known."""
    if not isinstance(value, dict):
        return ShapeError("", "expected an object")
    role: object = value.get("role")  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
    if not isinstance(role, str):
        return no_text("role", role)  # pyright: ignore[reportUnknownArgumentType]
    return ShapeError("role", "expected user, assistant or system")


def _system(node: Node, taken: Taken) -> None:
    value = node.pop("system")
    if isinstance(value, str):
        taken["system"], taken["system_shape"] = (Text(text=value),), "string"
        return
    parts, shape = parse_content(value, "system")
    for number, part in enumerate(parts):
        if not isinstance(part, Text | Opaque):
            raise ShapeError(f"system[{number}]", "expected a text block")
    taken["system"], taken["system_shape"] = parts, shape


def _tools(node: Node, taken: Taken) -> None:
    tools: list[Tool] = []
    values = node.items("tools") or ()
    try:
        for value in values:
            tools.append(_tool(value))  # noqa: PERF401 - an error is told by the place
    except ShapeError as error:
        raise error.within(f"tools[{len(tools)}]") from None
    taken["tools"] = tuple(tools)


def _tool(value: object) -> Tool:
    if not isinstance(value, dict):
        raise ShapeError("", "expected an object")
    tool: Json = value  # pyright: ignore[reportUnknownVariableType]
    kind, name = tool.get("type"), tool.get("name")
    if isinstance(kind, str) and kind != "custom":
        named = name if isinstance(name, str) else None
        return HostedTool(kind=kind, config=tool, origin="anthropic", name=named, cache=Node(tool).cache())
    if not isinstance(name, str):
        raise no_text("name", name)
    if not name:
        raise ShapeError("name", "must not be empty")
    description, schema = tool.get("description"), tool.get("input_schema")
    if isinstance(description, str) and isinstance(schema, dict) and len(tool) == 3:
        return FunctionTool(name=name, description=description, schema=schema)  # pyright: ignore[reportUnknownArgumentType]
    node = Node(left(tool, ("name",)))
    return FunctionTool(
        name=name,
        description=node.text("description"),
        schema=node.mapping("input_schema"),
        strict=node.flag("strict"),
        cache=node.cache(),
        extra=node.rest(),
    )


def _tool_choice(node: Node, taken: Taken) -> None:
    value = node.mapping("tool_choice") or {}
    choice = Node(value, "tool_choice")
    mode = _CHOICES.get(choice.needed_text("type"))
    if mode is None:
        node.put_back("tool_choice", value)
        return
    disabled = choice.flag("disable_parallel_tool_use")
    name = choice.needed_text("name") if mode == "tool" else None
    taken["tool_choice"] = ToolChoice(mode=cast("Any", mode), name=name, extra=choice.rest())
    taken["parallel_tools"] = None if disabled is None else not disabled


def _metadata(node: Node, taken: Taken) -> None:
    """Take the user id and the other members; anything unusual stays whole in `extra`."""
    value = node.peek("metadata")
    if not isinstance(value, dict):
        return
    members = dict(cast("dict[str, Any]", value))
    user = members.pop("user_id", None)
    if not isinstance(user, str):
        return
    node.pop("metadata")
    taken["user"], taken["metadata"] = user, members or None


def _output_config(node: Node, taken: Taken) -> None:
    """Take the effort, which is all of the reasoning's control until `thinking` says more, and the format."""
    config = node.mapping("output_config") or {}
    inner = Node(config, "output_config")
    effort = inner.text("effort")
    if effort is not None:
        taken["reasoning"] = ReasoningControl(mode="effort", effort=effort, raw={"effort": effort})
    taken["output"] = _format(inner, "format")
    if inner.rest() or not config:
        node.put_back("output_config", inner.rest())


def _output_format(node: Node, taken: Taken) -> None:
    """Take the older way to say the format."""
    if taken.get("output") is None and (output := _format(node, "output_format")) is not None:
        taken["output"], taken["older_format"] = output, True


def _format(node: Node, name: str) -> OutputFormat | None:
    value = node.peek(name)
    if not isinstance(value, dict):
        return None
    inner = Node(cast("dict[str, Any]", value), node.at(name))
    if inner.text("type") != "json_schema" or not isinstance(inner.peek("schema"), dict):
        return None
    node.pop(name)
    return OutputFormat(kind="schema", schema=inner.mapping("schema"), extra=inner.rest())


def _thinking(node: Node, taken: Taken) -> None:
    """Take the control; `raw` is the thinking object."""
    raw = node.mapping("thinking") or {}
    thinking = Node(raw, "thinking")
    mode = _THINKING.get(thinking.needed_text("type"), "auto")
    alone: ReasoningControl | None = taken.get("reasoning")
    taken["reasoning"] = ReasoningControl(
        mode=cast("Any", mode),
        effort=None if alone is None else alone.effort,
        budget=thinking.integer("budget_tokens"),
        display=thinking.text("display"),
        raw=raw,
    )


def _cache(node: Node, taken: Taken) -> None:
    taken["cache"] = node.cache()


_TAKERS: Mapping[str, tuple[str, Callable[[Node, Any], Any]]] = {
    "system": ("", _system),
    "tool_choice": ("", _tool_choice),
    "metadata": ("", _metadata),
    "output_config": ("", _output_config),
    "output_format": ("", _output_format),
    "messages": ("", _messages),
    "tools": ("", _tools),
    "temperature": ("sampling", Node.number),
    "top_p": ("sampling", Node.number),
    "top_k": ("sampling", Node.integer),
    "max_tokens": ("max_tokens", Node.integer),
    "stop_sequences": ("stop", Node.texts),
    "thinking": ("", _thinking),
    "stream": ("stream", Node.flag),
    "service_tier": ("service_tier", Node.text),
    "cache_control": ("", _cache),
}
"""The field of the request that a member which is not null fills, and what reads the member by its name.

A member without one is given what was taken so far, and fills fields itself.
"""

_PLACES = {name: number for number, name in enumerate(_TAKERS)}
"""In what order members are read: of two that are wrong the first is named."""

_SHAPED = ("stream", "tools", "stop_sequences")
"""Members whose being there is remembered even where they say nothing."""

__all__ = ["parse_request"]
