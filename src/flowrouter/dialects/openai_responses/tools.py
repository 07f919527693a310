"""Tools and tool choice, read and written back in their own dialect.

A namespace becomes its tools, each under the one name `NAMESPACE__NAME`; `Namespace` rows, kept in
`Request.shapes`, say how to put them together again. Tools that an item of the conversation offers stand
behind the others, for dialects that know one list only; in their own the item itself tells them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from flowrouter.canonical.tools import CustomTool, FunctionTool, HostedTool, Tool, ToolChoice
from flowrouter.dialects.openai_responses.items import DIALECT, full_name
from flowrouter.errors import CallerError
from flowrouter.wire.members import (
    Json,
    as_list,
    as_object,
    merge,
    take_flag,
    take_object,
    take_text,
)

NAMESPACE = "namespace"
"""The type of a tool that holds tools."""

_SAYS = f"{NAMESPACE}."
"""Begins members of a first tool's `extra` that repeat what its namespace says of itself."""


class Namespace(msgspec.Struct, frozen=True, kw_only=True):
    """A namespace of a request: `wrapper` is its own members, `tools` maps full names to those inside."""

    wrapper: Json
    tools: dict[str, str]


class ToolsRead(msgspec.Struct, frozen=True, kw_only=True):
    """The tools of a request, and how those of namespaces were held."""

    tools: tuple[Tool, ...] = ()
    namespaces: tuple[Namespace, ...] = ()

    def inside(self) -> dict[str, str]:
        """Return name in its namespace → full name, for names that stand for one tool only."""
        plain = {tool.name for tool in self.tools}
        found = [(name, full) for space in self.namespaces for full, name in space.tools.items()]
        times = Counter(name for name, _ in found)
        return {name: full for name, full in found if times[name] == 1 and name not in plain}


def parse_later(read: ToolsRead, lists: Iterable[tuple[str, list[Any]]]) -> ToolsRead:
    """Return `read` with the tools that items of the conversation offer, each name once, `lists` by place."""
    for place, items in lists:
        known = {tool.name for tool in read.tools} - {None}
        later = parse_tools(items, place)
        new = tuple(tool for tool in later.tools if tool.name not in known)
        read = ToolsRead(tools=(*read.tools, *new), namespaces=(*read.namespaces, *later.namespaces))
    return read


def parse_tools(items: list[Any], at: str = "tools") -> ToolsRead:
    """Return the members of the list `at`; raises `CallerError` for one without a name or a type."""
    tools: list[Tool] = []
    namespaces: list[Namespace] = []
    taken = {str(name) for item in items if (name := (as_object(item) or {}).get("name")) is not None}
    for number, item in enumerate(items):
        path = f"{at}[{number}]"
        whole = _object(item, path)
        space = _parse_namespace(whole, path) if whole.get("type") == NAMESPACE else None
        row = {tool.name: name for tool, name in space or ()}
        if space is not None and taken.isdisjoint(row):
            taken |= row.keys()
            wrapper = {name: value for name, value in whole.items() if name != "tools"}
            namespaces.append(Namespace(wrapper=wrapper, tools=row))
            tools += [tool for tool, _ in space]
        else:
            tool = _parse_tool(whole, path)
            # Behind a namespace, which is several tools here, a tool's number is not its place.
            usual = at == "tools" and number == len(tools)
            tools.append(tool if usual else msgspec.structs.replace(tool, place=path))
    return ToolsRead(tools=tuple(tools), namespaces=tuple(namespaces))


def _object(item: Any, path: str) -> Json:
    whole = as_object(item)
    if whole is None:
        raise CallerError(f"{path} must be an object.", param=path, code="invalid_type")
    return whole


def _parse_tool(whole: Json, path: str) -> FunctionTool | CustomTool | HostedTool:
    kind = whole.get("type")
    match kind:
        case "function":
            return _parse_function(whole, path)
        case "custom":
            return _parse_custom(whole, path)
        case str():
            name = whole.get("name")
            return HostedTool(
                kind=kind, config=whole, origin=DIALECT, name=name if isinstance(name, str) else None
            )
        case _:
            raise CallerError(
                f"{path}.type must be a string.", param=f"{path}.type", code="missing_required_parameter"
            )


def _parse_function(whole: Json, path: str) -> FunctionTool:
    rest = {name: value for name, value in whole.items() if name != "type"}
    return FunctionTool(
        name=_take_name(rest, path),
        description=take_text(rest, "description"),
        schema=take_object(rest, "parameters"),
        strict=take_flag(rest, "strict"),
        extra=rest,
    )


def _parse_custom(whole: Json, path: str) -> CustomTool:
    rest = {name: value for name, value in whole.items() if name != "type"}
    return CustomTool(
        name=_take_name(rest, path),
        description=take_text(rest, "description"),
        format=take_object(rest, "format"),
        extra=rest,
    )


def _take_name(rest: Json, path: str) -> str:
    name = take_text(rest, "name")
    if not name:
        raise CallerError(f"{path}.name is missing.", param=f"{path}.name", code="missing_required_parameter")
    return name


def _parse_namespace(whole: Json, path: str) -> list[tuple[FunctionTool | CustomTool, str]] | None:
    """Return the tools of a namespace with their names inside it; None for one that must stay whole.

    What it says of itself is repeated in the first tool's `extra`, so that another dialect notes its loss.
    """
    name, inner = whole.get("name"), as_list(whole.get("tools"))
    if not isinstance(name, str) or not name or not inner:
        return None
    words: Json = {f"{_SAYS}{key}": whole[key] for key in whole if key not in {"type", "name", "tools"}}
    found: dict[str, tuple[FunctionTool | CustomTool, str]] = {}
    for number, item in enumerate(inner):
        place = f"{path}.tools[{number}]"
        tool = _parse_tool(_object(item, place), place)
        if isinstance(tool, HostedTool) or any(key.startswith(_SAYS) for key in tool.extra):
            return None
        extra = tool.extra if number else {**tool.extra, **words}
        full = full_name(name, tool.name)
        if full in found:
            return None
        found[full] = msgspec.structs.replace(tool, name=full, place=place, extra=extra), tool.name
    return list(found.values())


def write_tools(tools: Sequence[Tool], namespaces: Sequence[Namespace]) -> list[Json]:
    """Return the wire form of `tools`, those of a namespace inside it, where its first one stands.

    Those that an item of the conversation offers are left to that item.
    """
    tools = [tool for tool in tools if not tool.place.startswith("input[")]
    holder = {full: number for number, space in enumerate(namespaces) for full in space.tools}
    opened: dict[int, list[Json]] = {}
    items: list[Json] = []
    for tool in tools:
        number = None if isinstance(tool, HostedTool) else holder.get(tool.name)
        if number is None or isinstance(tool, HostedTool):
            items.append(write_tool(tool))
            continue
        space = namespaces[number]
        if number not in opened:
            opened[number] = []
            items.append({**space.wrapper, "tools": opened[number]})
        extra = {name: value for name, value in tool.extra.items() if not name.startswith(_SAYS)}
        opened[number].append(
            write_tool(msgspec.structs.replace(tool, name=space.tools[tool.name], extra=extra))
        )
    return items


def write_tool(tool: Tool) -> Json:
    """Return the wire form of a tool of this dialect."""
    match tool:
        case FunctionTool():
            item: Json = {"type": "function", "name": tool.name}
            members = {"description": tool.description, "parameters": tool.schema, "strict": tool.strict}
        case CustomTool():
            item = {"type": "custom", "name": tool.name}
            members = {"description": tool.description, "format": tool.format}
        case HostedTool(config=config):
            return config
    item |= {name: value for name, value in members.items() if value is not None}
    return merge(item, tool.extra)


def parse_choice(value: Any, inside: Mapping[str, str] | None = None) -> ToolChoice | None:
    """Return what `tool_choice` means; None if it is in no known form.

    A hosted tool is named by its type, an MCP server by its label, a tool of a namespace by its name
    there, for which `inside` holds the full one.
    """
    match value:
        case "auto" | "none" | "required":
            return ToolChoice(mode=value)
        case {"type": "allowed_tools", "mode": "auto" | "required" as mode, "tools": list()}:
            named = (parse_choice(item, inside) for item in as_list(_member(value, "tools")) or ())
            names = tuple(choice.name for choice in named if choice is not None and choice.name is not None)
            return ToolChoice(mode="allowed", names=names, required=mode == "required")
        case {"type": "function" | "custom" as kind, "name": str(name)} if name:
            namespace = _member(value, NAMESPACE)
            full = full_name(namespace, name) if namespace else (inside or {}).get(name, name)
            return ToolChoice(mode="tool", name=full, custom=kind == "custom")
        case {"type": "mcp", "server_label": str(label)}:
            return ToolChoice(mode="tool", name=label)
        case {"type": str(kind)} if kind not in {"function", "custom", "allowed_tools"}:
            return ToolChoice(mode="tool", name=kind)
        case _:
            return None


def _member(value: Any, name: str) -> Any:
    return (as_object(value) or {}).get(name)


def write_choice(choice: ToolChoice, kinds: Mapping[str, str]) -> Any:
    """Return the wire form of a tool choice; `kinds` maps names to tool types where these are no functions."""
    match choice.mode:
        case "auto" | "none" | "required":
            return choice.mode
        case "tool":
            return _named(choice.name or "", kinds, custom=choice.custom)
        case "allowed":
            tools = [_named(name, kinds) for name in choice.names]
            mode = "required" if choice.required else "auto"
            return {"type": "allowed_tools", "mode": mode, "tools": tools}


def _named(name: str, kinds: Mapping[str, str], *, custom: bool = False) -> Json:
    kind = kinds.get(name, "custom" if custom else "function")
    return {"type": kind, "name": name} if kind in {"function", "custom"} else {"type": kind}


__all__ = [
    "NAMESPACE",
    "Namespace",
    "ToolsRead",
    "parse_choice",
    "parse_later",
    "parse_tools",
    "write_choice",
    "write_tool",
    "write_tools",
]
