"""What is not a message among the items of `input`: calls, their results and reasoning, both ways.

Members that only this dialect knows (`id`, `status`, `namespace`, an unusual `summary`) ride in the
part's `extra`, so `render_item` gives the item as it came. Whatever else an item may be is kept whole,
as `Opaque`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flowrouter.canonical.parts import (
    Opaque,
    Part,
    Provenance,
    Reasoning,
    ToolCall,
    ToolResult,
)
from flowrouter.dialects.openai_responses.content import parse_content, write_content
from flowrouter.wire.json import JsonError, dumps_text, loads
from flowrouter.wire.members import Json, as_list, as_object, merge, take_text

DIALECT = "openai_responses"

SEAL = "flr1."
"""How our own envelopes begin; they stand where the vendor's `encrypted_content` would."""

ITEM = "item"
"""The member of `extra` by which a part of an answer names the item it came in."""

ABSENT = "absent"
"""The member of `extra` that lists the members an item left out though it is expected to have them."""

LOCAL = frozenset({"id", "status", "type", "namespace", "summary", "content", ABSENT})
"""Members of items that mean nothing to other dialects, so that leaving them out there loses nothing."""

NAMESPACE_MARK = "__"
"""Joins a namespace and a tool's name in it to the one name other dialects know."""

CALLS = {"function_call": "arguments", "custom_tool_call": "input"}
"""The calls a client answers, and the member that holds what the model wrote."""

ADDITIONAL_TOOLS = "additional_tools"
"""An item that offers tools from its place on; Codex tells its newest models all of theirs so."""

RESULTS = frozenset({"function_call_output", "custom_tool_call_output"})
"""Their answers."""


def parse_item(item: Json, *, path: str = "output", provenance: Provenance | None = None) -> Part:
    """Return the part that an item other than a message is.

    `provenance` says who issued reasoning state (None: this dialect's own client brought it). Raises
    `CallerError` for content of a result that is in no known form; any other oddity is an `Opaque`.
    """
    kind = item.get("type")
    parser = _PARSERS.get(kind) if isinstance(kind, str) else None
    part = parser(dict(item), path, provenance) if parser is not None else None
    return part or Opaque(payload=item, origin=DIALECT)


def _parse_call(rest: Json, _: str, __: Provenance | None) -> Part | None:
    kind = str(rest.pop("type"))
    custom = kind == "custom_tool_call"
    name = take_text(rest, "name")
    if not name:
        return None
    arguments, shape = _take_arguments(rest, CALLS[kind])
    call_id = take_text(rest, "call_id") if rest.get("call_id") else None
    return ToolCall(
        id=call_id or "",
        name=full_name(rest.get("namespace"), name),
        arguments=arguments,
        kind="custom" if custom else "function",
        shape=shape,
        extra=rest,
    )


def _take_arguments(rest: Json, member: str) -> tuple[str, tuple[str, ...]]:
    if member not in rest:
        return "", (member,)
    text = take_text(rest, member)
    if text is not None:
        return text, ()
    if rest[member] is None:
        return "", ()
    return dumps_text(rest.pop(member)), ("object",)


def _parse_result(rest: Json, path: str, _: Provenance | None) -> Part | None:
    if not isinstance(rest.get("output"), str | list):
        return None
    content, shape = parse_content(rest.pop("output"), f"{path}.output")
    if rest["type"] == "function_call_output":
        del rest["type"]
    call_id = take_text(rest, "call_id") if rest.get("call_id") else None
    name = take_text(rest, "name") if rest.get("name") else None
    full = full_name(rest.get("namespace"), name) if name is not None else None
    return ToolResult(call_id=call_id or "", content=content, name=full, shape=shape, extra=rest)


def _parse_reasoning(rest: Json, _: str, provenance: Provenance | None) -> Part | None:
    del rest["type"]
    state = take_text(rest, "encrypted_content") if rest.get("encrypted_content") else None
    sealed = state if state is not None and state.startswith(SEAL) else None
    thought, summary = _texts(rest.get("content")), _texts(rest.get("summary"))
    text, field = "\n\n".join(thought or summary), "content" if thought else None
    written = _reasoning_members(text, field)
    for name in ("summary", "content"):
        if name in written and name not in rest:
            rest[ABSENT] = [name]
        elif name in written and rest[name] == written[name]:
            del rest[name]
    signature = state if sealed is None else None
    return Reasoning(
        text=text, signature=signature, sealed=sealed, provenance=provenance, field=field, extra=rest
    )


def _texts(value: Any) -> list[str]:
    items = (as_object(item) or {} for item in as_list(value) or ())
    return [text for item in items if isinstance(text := item.get("text"), str) and text]


_PARSERS: dict[str, Callable[[Json, str, Provenance | None], Part | None]] = {
    "function_call": _parse_call,
    "custom_tool_call": _parse_call,
    "function_call_output": _parse_result,
    "custom_tool_call_output": _parse_result,
    "reasoning": _parse_reasoning,
}


def offered(value: Any) -> list[tuple[str, list[Any]]]:
    """Return the lists of tools that stand among the items of `input`, each with its place."""
    items = ((number, as_object(item) or {}) for number, item in enumerate(as_list(value) or ()))
    return [
        (f"input[{number}].tools", tools)
        for number, item in items
        if item.get("type") == ADDITIONAL_TOOLS and (tools := as_list(item.get("tools")))
    ]


def full_name(namespace: Any, name: str) -> str:
    """Return the one name of a tool, its namespace (if it has one) put before."""
    return f"{namespace}{NAMESPACE_MARK}{name}" if isinstance(namespace, str) and namespace else name


def bare_name(namespace: Any, name: str) -> str:
    """Return a tool's name inside its namespace."""
    return (
        name.removeprefix(f"{namespace}{NAMESPACE_MARK}")
        if isinstance(namespace, str) and namespace
        else name
    )


def render_item(part: ToolCall | ToolResult | Reasoning) -> Json:
    """Return the item of one part, with what rides in its `extra`."""
    match part:
        case ToolCall():
            return _write_call(part)
        case ToolResult():
            return _write_result(part)
        case Reasoning():
            return _write_reasoning(part)


def _write_call(call: ToolCall) -> Json:
    kind = "custom_tool_call" if call.kind == "custom" else "function_call"
    member = CALLS[kind]
    item: Json = {"type": kind, "call_id": call.id, "name": bare_name(call.extra.get("namespace"), call.name)}
    if not call.id:
        del item["call_id"]
    if member not in call.shape:
        item[member] = _arguments(call)
    return finish(item, call.extra)


def _arguments(call: ToolCall) -> Any:
    if "object" not in call.shape:
        return call.arguments
    try:
        return loads(call.arguments)
    except JsonError:
        return call.arguments


def _write_result(result: ToolResult) -> Json:
    item: Json = {"type": "function_call_output"}
    if result.call_id:
        item["call_id"] = result.call_id
    if result.name is not None:
        item["name"] = bare_name(result.extra.get("namespace"), result.name)
    item["output"] = write_content(result.content, result.shape)
    return finish(item, result.extra)


def _write_reasoning(part: Reasoning) -> Json:
    item: Json = {"type": "reasoning", **_reasoning_members(part.text, part.field)}
    if part.signature is not None:
        item["encrypted_content"] = part.signature
    return finish(item, part.extra)


def _reasoning_members(text: str, field: str | None) -> Json:
    if field == "content":
        return {"summary": [], "content": [{"type": "reasoning_text", "text": text}]}
    return {"summary": [{"type": "summary_text", "text": text}] if text else []}


def finish(item: Json, extra: Json) -> Json:
    """Return `item` with what rides in `extra`, less the members it left out."""
    merge(item, {name: value for name, value in extra.items() if name != ABSENT})
    for name in extra.get(ABSENT, ()):
        item.pop(name, None)
    return item


__all__ = [
    "ABSENT",
    "ADDITIONAL_TOOLS",
    "CALLS",
    "DIALECT",
    "ITEM",
    "LOCAL",
    "NAMESPACE_MARK",
    "RESULTS",
    "SEAL",
    "bare_name",
    "finish",
    "full_name",
    "offered",
    "parse_item",
    "render_item",
]
