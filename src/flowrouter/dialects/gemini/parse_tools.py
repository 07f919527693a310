"""Tools and tool choice of the wire: entries that group declarations and tools Google runs."""

from __future__ import annotations

import re
from typing import Any, cast

from flowrouter.canonical.parts import Extra
from flowrouter.canonical.tools import FunctionTool, HostedTool, Tool, ToolChoice
from flowrouter.dialects.gemini.classic import to_json_schema
from flowrouter.dialects.gemini.node import Node, ShapeError
from flowrouter.dialects.gemini.parse_generation import beneath

CONFIG, CALLING = "toolConfig", "functionCallingConfig"

_UNDERSCORE = re.compile(r"_([a-z0-9])")
_DECLARATIONS = ("functionDeclarations", "function_declarations")


def parse_tools(node: Node) -> tuple[Tool, ...]:
    """Return the tools of a request; which entry held them is not told."""
    tools: list[Tool] = []
    for number, value in enumerate(node.items("tools") or ()):
        tools += _entry(value, f"tools[{number}]")
    return tuple(tools)


def parse_tool_choice(node: Node) -> tuple[ToolChoice | None, Extra]:
    """Return the choice, and the members of `toolConfig` that are no choice."""
    config = node.mapping(CONFIG)
    if config is None:
        return None, {}
    outer = Node(config, CONFIG)
    value = outer.mapping(CALLING)
    if value is None:
        return None, beneath(CONFIG, outer.rest())
    inner = Node(value, outer.at(CALLING))
    mode = (inner.text("mode") or "AUTO").upper()
    names = inner.texts("allowedFunctionNames") or ()
    rest = {**outer.rest(), **beneath(CALLING, inner.rest())}
    return _choice(mode, names, inner.path), beneath(CONFIG, rest)


def _choice(mode: str, names: tuple[str, ...], path: str) -> ToolChoice:
    match mode:
        case "ANY" if len(names) == 1:
            return ToolChoice(mode="tool", name=names[0])
        case "ANY" if names:
            return ToolChoice(mode="allowed", names=names, required=True)
        case "ANY":
            return ToolChoice(mode="required")
        case "NONE":
            return ToolChoice(mode="none")
        case "AUTO" | "VALIDATED" | "MODE_UNSPECIFIED":
            return ToolChoice(mode="allowed", names=names) if names else ToolChoice(mode="auto")
        case _:
            raise ShapeError(f"{path}.mode", "expected AUTO, ANY, NONE or VALIDATED")


def _entry(value: object, path: str) -> list[Tool]:
    entry = Node(value, path)
    tools: list[Tool] = []
    for name in cast("dict[str, Any]", value):
        if name in _DECLARATIONS:
            declared = entry.items(name) or []
            at = entry.at("functionDeclarations")
            tools += [_function(item, f"{at}[{number}]") for number, item in enumerate(declared)]
        elif (config := entry.peek(name)) is not None:
            place = entry.at(name)
            tools.append(HostedTool(kind=_camel(name), config={name: config}, origin="gemini", place=place))
    return tools


def _function(value: object, path: str) -> FunctionTool:
    node = Node(value, path)
    name = node.needed_text("name")
    if not name:
        raise ShapeError(f"{path}.name", "must not be empty")
    if isinstance(node.peek("parametersJsonSchema"), dict):
        schema = node.mapping("parametersJsonSchema")
    else:
        classic = node.mapping("parameters")
        schema = None if classic is None else to_json_schema(classic)
    return FunctionTool(
        name=name, description=node.text("description"), schema=schema, place=path, extra=node.rest()
    )


def _camel(name: str) -> str:
    return _UNDERSCORE.sub(lambda found: found[1].upper(), name)


__all__ = ["CALLING", "CONFIG", "parse_tool_choice", "parse_tools"]
