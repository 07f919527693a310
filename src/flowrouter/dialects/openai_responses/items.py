"""One item of `input` or `output` to canonical parts, and back.

Members that only this dialect knows (`id`, `status`, `namespace`, an unusual `summary`) ride in the
part's `extra`, so `render_item` gives the item as it came. A message is the one item of several
parts: its own members ride in `extra[ITEM]` of its first part, which marks where a message begins;
`render_items` puts such runs together again, and joins foreign text parts that follow each other.
Whatever is neither message, reasoning, call nor result is kept whole, as `Opaque`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec

from flowrouter.canonical.parts import (
    ContentShape,
    Opaque,
    Part,
    Provenance,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
)
from flowrouter.dialects.openai_responses.content import parse_content, write_content
from flowrouter.errors import CallerError
from flowrouter.wire.json import JsonError, dumps_text, loads
from flowrouter.wire.members import Json, as_list, as_object, merge, take_text

DIALECT = "openai_responses"

SEAL = "flr1."
"""How our own envelopes begin; they stand where the vendor's `encrypted_content` would."""

ITEM = "item"
"""The member of a first part's `extra` that holds its message's own members (`id`, `role`, `status`)."""

ABSENT = "absent"
"""The member of `extra` that lists the members an item left out though it is expected to have them."""

LOCAL = frozenset({"id", "status", "type", "namespace", "summary", "content", ABSENT})
"""Members of items that mean nothing to other dialects, so that leaving them out there loses nothing."""

NAMESPACE_MARK = "__"
"""Joins a namespace and a tool's name in it to the one name other dialects know."""

CALLS = {"function_call": "arguments", "custom_tool_call": "input"}
"""The calls a client answers, and the member that holds what the model wrote."""

RESULTS = frozenset({"function_call_output", "custom_tool_call_output"})
"""Their answers."""


def parse_item(item: Json, *, path: str = "output", provenance: Provenance | None = None) -> tuple[Part, ...]:
    """Return the parts of one item: one, or those of a message's content.

    `provenance` says who issued reasoning state (None: this dialect's own client brought it). Never
    raises: an item in an unexpected form is one `Opaque`.
    """
    kind = item.get("type", "message")
    parser = _PARSERS.get(kind) if isinstance(kind, str) else None
    parts = parser(dict(item), path, provenance) if parser is not None else ()
    return parts or (Opaque(payload=item, origin=DIALECT),)


def _parse_message(rest: Json, path: str, _: Provenance | None) -> tuple[Part, ...]:
    if rest.pop("type", None) is None:
        rest[ABSENT] = ["type"]
    assistant = rest.get("role") == "assistant"
    if not isinstance(rest.get("content"), list | str):
        return ()
    content = rest.pop("content")
    try:
        parts, shape = parse_content(content, f"{path}.content", assistant=assistant)
    except CallerError:
        return ()
    if shape == "string" or not parts or isinstance(parts[0], Opaque):
        return ()
    first = msgspec.structs.replace(parts[0], extra={**parts[0].extra, ITEM: rest})
    return (first, *parts[1:])


def _parse_call(rest: Json, _: str, __: Provenance | None) -> tuple[Part, ...]:
    kind = str(rest.pop("type"))
    custom = kind == "custom_tool_call"
    name = take_text(rest, "name")
    if not name:
        return ()
    arguments, shape = _take_arguments(rest, CALLS[kind])
    call_id = take_text(rest, "call_id") if rest.get("call_id") else None
    call = ToolCall(
        id=call_id or "",
        name=full_name(rest.get("namespace"), name),
        arguments=arguments,
        kind="custom" if custom else "function",
        shape=shape,
        extra=rest,
    )
    return (call,)


def _take_arguments(rest: Json, member: str) -> tuple[str, tuple[str, ...]]:
    if member not in rest:
        return "", (member,)
    text = take_text(rest, member)
    if text is not None:
        return text, ()
    if rest[member] is None:
        return "", ()
    return dumps_text(rest.pop(member)), ("object",)


def _parse_result(rest: Json, path: str, _: Provenance | None) -> tuple[Part, ...]:
    if not isinstance(rest.get("output"), str | list):
        return ()
    try:
        content, shape = parse_content(rest.pop("output"), f"{path}.output")
    except CallerError:
        return ()
    if rest["type"] == "function_call_output":
        del rest["type"]
    call_id = take_text(rest, "call_id") if rest.get("call_id") else None
    name = take_text(rest, "name") if rest.get("name") else None
    full = full_name(rest.get("namespace"), name) if name is not None else None
    return (ToolResult(call_id=call_id or "", content=content, name=full, shape=shape, extra=rest),)


def _parse_reasoning(rest: Json, _: str, provenance: Provenance | None) -> tuple[Part, ...]:
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
    return (
        Reasoning(
            text=text, signature=signature, sealed=sealed, provenance=provenance, field=field, extra=rest
        ),
    )


def _texts(value: Any) -> list[str]:
    items = (as_object(item) or {} for item in as_list(value) or ())
    return [text for item in items if isinstance(text := item.get("text"), str) and text]


_PARSERS: dict[str, Callable[[Json, str, Provenance | None], tuple[Part, ...]]] = {
    "message": _parse_message,
    "function_call": _parse_call,
    "custom_tool_call": _parse_call,
    "function_call_output": _parse_result,
    "custom_tool_call_output": _parse_result,
    "reasoning": _parse_reasoning,
}


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


def render_item(part: Part, *, role: str = "assistant") -> Json:
    """Return the item of one part; text makes a message of `role`. Opaque parts return as they came.

    Foreign parts come without `id` and `status`: who needs them adds them.
    """
    match part:
        case ToolCall():
            return render_call(part)
        case ToolResult():
            return render_result(part)
        case Reasoning():
            return render_reasoning(part)
        case Opaque(payload=payload):
            return payload
        case _:
            return render_message((part,), role=role)


def render_items(parts: Sequence[Part]) -> list[Json]:
    """Return the items of an answer's parts, runs of text and refusal as one message each."""
    items: list[Json] = []
    run: list[Part] = []
    for part in parts:
        spoken = isinstance(part, Text | Refusal)
        if run and (not spoken or ITEM in part.extra):
            items.append(render_message(run))
            run = []
        if spoken:
            run.append(part)
        else:
            items.append(render_item(part))
    return [*items, render_message(run)] if run else items


def render_message(parts: Iterable[Part], *, role: str = "assistant") -> Json:
    """Return the message item of `parts`, with the members its first part brought."""
    held = list(parts)
    own: Json = {}
    for number, part in enumerate(held):
        if not isinstance(part, Opaque) and ITEM in part.extra:
            own = part.extra[ITEM]
            bare = {name: value for name, value in part.extra.items() if name != ITEM}
            held[number] = msgspec.structs.replace(part, extra=bare)
    assistant = own.get("role", role) == "assistant"
    item: Json = {"type": "message", "role": role}
    item["content"] = write_content(held, "list", assistant=assistant)
    return finish(item, own)


def render_call(call: ToolCall) -> Json:
    """Return the item of a call, oddities included."""
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


def render_result(result: ToolResult) -> Json:
    """Return the item of a call's result as it came."""
    item: Json = {"type": "function_call_output"}
    if result.call_id:
        item["call_id"] = result.call_id
    if result.name is not None:
        item["name"] = bare_name(result.extra.get("namespace"), result.name)
    shape: ContentShape = result.shape
    item["output"] = write_content(result.content, shape)
    return finish(item, result.extra)


def render_reasoning(part: Reasoning) -> Json:
    """Return the item of a piece of reasoning; an envelope of ours stands where the vendor's state would."""
    item: Json = {"type": "reasoning", **_reasoning_members(part.text, part.field)}
    state = part.signature if part.signature is not None else part.sealed
    if state is not None:
        item["encrypted_content"] = state
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
    "parse_item",
    "render_call",
    "render_item",
    "render_items",
    "render_message",
    "render_reasoning",
    "render_result",
]
