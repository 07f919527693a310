"""Tools and tool choice, read and written back in their own dialect."""

from __future__ import annotations

from typing import Any

import msgspec

from flowrouter.canonical.tools import CustomTool, FunctionTool, HostedTool, Tool, ToolChoice
from flowrouter.dialects.openai_chat.cache_marks import put_cache, take_cache
from flowrouter.errors import CallerError
from flowrouter.wire.members import Json, as_list, as_object, merge, nested, take_flag, take_object, take_text


def parse_tools(items: list[Any]) -> tuple[Tool, ...]:
    """Return the members of `tools`; raises `CallerError` for one without a name."""
    return tuple(_parse_tool(item, f"tools[{number}]") for number, item in enumerate(items))


def _parse_tool(item: Any, path: str) -> Tool:
    whole = as_object(item)
    if whole is None:
        raise CallerError(f"{path} must be an object.", param=path, code="invalid_type")
    rest = dict(whole)
    kind = rest.pop("type", "function")
    if kind == "function":
        return _parse_function(rest, path)
    if kind == "custom" and isinstance(rest.get("custom"), dict):
        return _parse_custom(rest, path)
    if not isinstance(kind, str):
        raise CallerError(f"{path}.type must be a string.", param=f"{path}.type", code="invalid_type")
    name = whole.get("name")
    return HostedTool(
        kind=kind, config=whole, origin="openai_chat", name=name if isinstance(name, str) else None
    )


def _parse_function(rest: Json, path: str) -> FunctionTool:
    cache = take_cache(rest) if len(rest) > 1 else None
    inner = take_object(rest, "function")
    if inner is None:
        raise CallerError(
            f"{path}.function is missing.", param=f"{path}.function", code="missing_required_parameter"
        )
    name = _take_name(inner, f"{path}.function")
    return FunctionTool(
        name=name,
        description=take_text(inner, "description"),
        schema=take_object(inner, "parameters"),
        strict=take_flag(inner, "strict"),
        cache=cache,
        extra=nested(rest, "function", inner) if inner else rest,
    )


def _take_name(rest: Json, path: str) -> str:
    name = take_text(rest, "name")
    if not name:
        raise CallerError(f"{path}.name is missing.", param=f"{path}.name", code="missing_required_parameter")
    return name


def _parse_custom(rest: Json, path: str) -> CustomTool:
    inner = take_object(rest, "custom") or {}
    name = _take_name(inner, f"{path}.custom")
    description, form = take_text(inner, "description"), take_object(inner, "format")
    return CustomTool(name=name, description=description, format=form, extra=nested(rest, "custom", inner))


def parse_functions(items: list[Any]) -> tuple[FunctionTool, ...]:
    """Return the members of the deprecated `functions` list."""
    tools: list[FunctionTool] = []
    for number, item in enumerate(items):
        whole = as_object(item)
        if whole is None:
            path = f"functions[{number}]"
            raise CallerError(f"{path} must be an object.", param=path, code="invalid_type")
        tools.append(_parse_legacy(dict(whole), f"functions[{number}]"))
    return tuple(tools)


def _parse_legacy(rest: Json, path: str) -> FunctionTool:
    name = _take_name(rest, path)
    return FunctionTool(
        name=name,
        description=take_text(rest, "description"),
        schema=take_object(rest, "parameters"),
        strict=take_flag(rest, "strict"),
        legacy=True,
        place=path,
        extra=rest,
    )


def write_tool(tool: Tool) -> Json:
    """Return the wire form of a tool of this dialect."""
    match tool:
        case FunctionTool(legacy=True):
            return merge(_function_body(tool), tool.extra)
        case FunctionTool():
            item: Json = {"type": "function", "function": _function_body(tool)}
            return merge(put_cache(item, tool.cache), tool.extra)
        case CustomTool(name=name, description=description, format=form):
            body: Json = {"name": name}
            if description is not None:
                body["description"] = description
            if form is not None:
                body["format"] = form
            return merge({"type": "custom", "custom": body}, tool.extra)
        case HostedTool(config=config):
            return config


def _function_body(tool: FunctionTool) -> Json:
    body: Json = {"name": tool.name}
    if tool.description is not None:
        body["description"] = tool.description
    if tool.schema is not None:
        body["parameters"] = tool.schema
    if tool.strict is not None:
        body["strict"] = tool.strict
    return body


class ChoiceRead(msgspec.Struct, frozen=True):
    """A tool choice and the word it was written with, where that is not the vendor's own."""

    choice: ToolChoice
    word: str | None = None


_WORDS: dict[str, ChoiceRead] = {
    "auto": ChoiceRead(ToolChoice(mode="auto")),
    "none": ChoiceRead(ToolChoice(mode="none")),
    "required": ChoiceRead(ToolChoice(mode="required")),
    # Mistral's word for it.
    "any": ChoiceRead(ToolChoice(mode="required"), "any"),
}


def parse_choice(value: Any) -> ChoiceRead | None:
    """Return what `tool_choice` means; None if it is in no known form."""
    if isinstance(value, str):
        return _WORDS.get(value)
    whole = as_object(value)
    if whole is None:
        return None
    rest = dict(whole)
    kind = rest.pop("type", None)
    if kind == "allowed_tools":
        return _parse_allowed(rest)
    if not isinstance(kind, str) or kind not in {"function", "custom"}:
        return None
    inner = take_object(rest, kind)
    name = take_text(inner, "name") if inner is not None else None
    if not inner and name:
        return ChoiceRead(ToolChoice(mode="tool", name=name, custom=kind == "custom", extra=rest))
    return None


def _parse_allowed(rest: Json) -> ChoiceRead | None:
    inner = take_object(rest, "allowed_tools")
    mode = take_text(inner, "mode") if inner is not None else None
    tools = as_list(inner.get("tools")) if inner is not None else None
    if inner is None or mode not in {"auto", "required"} or tools is None:
        return None
    names: list[str] = []
    for tool in tools:
        read = parse_choice(tool)
        if read is not None and read.choice.name is not None:
            names.append(read.choice.name)
    if [_named("function", name) for name in names] == tools:
        del inner["tools"]
    required = mode == "required"
    extra = nested(rest, "allowed_tools", inner)
    return ChoiceRead(ToolChoice(mode="allowed", names=tuple(names), required=required, extra=extra))


def parse_legacy_choice(value: Any) -> ToolChoice | None:
    """Return what the deprecated `function_call` of a request means; None if in no known form."""
    if isinstance(value, str):
        read = _WORDS.get(value)
        return read.choice if read is not None and value in {"auto", "none"} else None
    whole = as_object(value)
    name = whole.get("name") if whole is not None and len(whole) == 1 else None
    return ToolChoice(mode="tool", name=name) if isinstance(name, str) and name else None


def write_choice(choice: ToolChoice) -> Any:
    """Return the wire form of a tool choice."""
    match choice.mode:
        case "auto" | "none" | "required":
            return choice.mode
        case "tool":
            kind = "custom" if choice.custom else "function"
            return merge(_named(kind, choice.name or ""), choice.extra)
        case "allowed":
            mode = "required" if choice.required else "auto"
            tools = [_named("function", name) for name in choice.names]
            inner: Json = {"mode": mode, "tools": tools}
            return merge({"type": "allowed_tools", "allowed_tools": inner}, choice.extra)


def write_legacy_choice(choice: ToolChoice) -> Any:
    """Return the deprecated form of a tool choice."""
    return {"name": choice.name} if choice.mode == "tool" else choice.mode


def _named(kind: str, name: str) -> Json:
    return {"type": kind, kind: {"name": name}}


__all__ = [
    "ChoiceRead",
    "parse_choice",
    "parse_functions",
    "parse_legacy_choice",
    "parse_tools",
    "write_choice",
    "write_legacy_choice",
    "write_tool",
]
