"""Canonical messages back to the Chat messages they came from, member for member."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from flowrouter.canonical.messages import Message
from flowrouter.canonical.parts import ContentShape, Part, Reasoning, Refusal, ToolCall, ToolResult
from flowrouter.dialects.openai_chat.cache_marks import put_cache
from flowrouter.dialects.openai_chat.content import write_content
from flowrouter.wire.json import JsonError, loads
from flowrouter.wire.members import Json, merge


def write_messages(messages: Sequence[Message], *, legacy: Iterable[str]) -> list[Json]:
    """Return the wire form of `messages`; `legacy` holds the made ids of deprecated calls."""
    made = frozenset(legacy)
    items: list[Json] = []
    for message in messages:
        if message.role == "tool":
            results = (part for part in message.parts if isinstance(part, ToolResult))
            items += [_write_result(result, legacy=result.call_id in made) for result in results]
        else:
            items.append(_write_message(message))
    return items


def _write_message(message: Message) -> Json:
    item: Json = {"role": message.role}
    if message.role == "assistant":
        body, others = split_parts(message.parts)
        _put_content(item, body, message.shape)
        put_reasoning(item, others)
        put_calls(item, others)
    else:
        _put_content(item, message.parts, message.shape)
    if message.name is not None:
        item["name"] = message.name
    return merge(item, message.extra)


def _write_result(result: ToolResult, *, legacy: bool) -> Json:
    item: Json = {"role": "function"} if legacy else {"role": "tool", "tool_call_id": result.call_id}
    if not legacy and not result.call_id:
        del item["tool_call_id"]
    if result.name is not None:
        item["name"] = result.name
    _put_content(item, result.content, result.shape)
    return merge(put_cache(item, result.cache), result.extra)


def _put_content(item: Json, parts: Sequence[Part], shape: ContentShape) -> None:
    if parts or shape != "absent":
        item["content"] = write_content(parts, shape)


def split_parts(parts: Iterable[Part]) -> tuple[list[Part], list[Part]]:
    """Return the parts that stand in `content`, and those with members of their own."""
    body: list[Part] = []
    others: list[Part] = []
    for part in parts:
        own = isinstance(part, Reasoning | ToolCall) or (isinstance(part, Refusal) and part.field is None)
        (others if own else body).append(part)
    return body, others


def put_reasoning(item: Json, parts: Iterable[Part]) -> None:
    """Write reasoning texts into the members they came in; envelopes of ours never go to a vendor.

    Text read from `reasoning_details` goes back with the details themselves, which `extra` holds.
    """
    for part in parts:
        if isinstance(part, Reasoning) and part.text and part.field != "reasoning_details":
            field = part.field or "reasoning_content"
            item[field] = item.get(field, "") + part.text


def put_calls(item: Json, parts: Iterable[Part]) -> None:
    """Write refusal and tool calls into their members."""
    for part in parts:
        match part:
            case Refusal(text=text):
                item["refusal"] = text
            case ToolCall(kind="legacy"):
                item["function_call"] = merge({"name": part.name, "arguments": part.arguments}, part.extra)
            case ToolCall():
                item.setdefault("tool_calls", []).append(write_call(part))
            case _:
                pass


def write_call(call: ToolCall) -> Json:
    """Return the wire form of a call, oddities included."""
    member, argument = ("custom", "input") if call.kind == "custom" else ("function", "arguments")
    inner: Json = {"name": call.name, argument: _arguments(call)}
    item: Json = {"id": call.id, "type": member, member: inner}
    for name in call.shape:
        item.pop(name, None)
        inner.pop(name, None)
    return merge(put_cache(item, call.cache), call.extra)


def _arguments(call: ToolCall) -> Any:
    if "object" not in call.shape:
        return call.arguments
    try:
        return loads(call.arguments)
    except JsonError:
        return call.arguments


__all__ = ["put_calls", "put_reasoning", "split_parts", "write_call", "write_messages"]
