"""Chat messages to canonical ones, every oddity kept for the way back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, get_args

import msgspec

from flowrouter.canonical.messages import Message, Role, spoken
from flowrouter.canonical.parts import ContentShape, Part, Reasoning, Refusal, Text, ToolCall, ToolResult
from flowrouter.dialects.openai_chat.cache_marks import take_cache
from flowrouter.dialects.openai_chat.content import parse_content
from flowrouter.errors import CallerError
from flowrouter.wire.json import dumps_text
from flowrouter.wire.members import Json, as_list, as_object, nested, take_list, take_object, take_text

REASONING_FIELDS = ("reasoning_content", "reasoning")
"""The de-facto members for readable reasoning, the commoner first."""

SEALED_FIELD = "reasoning_signatures"
"""Our own member: sealed envelopes of reasoning state, returned by the client as they came."""


class LegacyCalls(msgspec.Struct, eq=False):
    """Ids for calls of the deprecated form, which has none: results are paired by name."""

    ids: list[str] = []
    _open: list[tuple[str, str]] = []

    def call(self, name: str) -> str:
        """Return the id for a call of `name`."""
        made = f"call_legacy_{len(self.ids)}"
        self.ids.append(made)
        self._open.append((name, made))
        return made

    def answer(self, name: str) -> str:
        """Return the id of the call that a result of `name` answers: the latest open one."""
        for place in range(len(self._open) - 1, -1, -1):
            if self._open[place][0] == name:
                return self._open.pop(place)[1]
        made = f"call_legacy_{len(self.ids)}"
        self.ids.append(made)
        return made


def parse_messages(items: list[Any], legacy: LegacyCalls) -> Sequence[Message]:
    """Return the members of `messages`; raises `CallerError` naming the first that is none."""
    if (words := spoken(items)) is not None:
        return words
    messages: list[Message] = []
    for item in items:
        try:
            role, said = item["role"], item["content"]
        except (KeyError, TypeError):
            role = said = None
        if said and len(item) == 2 and isinstance(said, str) and role in _SPEAKERS:
            # Nothing but words, of which nothing is left to look at.
            messages.append(Message(role=role, parts=(Text(text=said),), shape="string"))
        else:
            messages.append(_parse_message(item, f"messages[{len(messages)}]", legacy))
    return tuple(messages)


_SPEAKERS = ("user", "assistant", "system", "developer")


def _parse_message(item: Any, path: str, legacy: LegacyCalls) -> Message:
    if not isinstance(item, dict):
        raise CallerError(f"{path} must be an object.", param=path, code="invalid_type")
    rest: Json = dict(item)  # pyright: ignore[reportUnknownArgumentType]
    match rest.pop("role", None):
        case "user" | "system" | "developer" as role:
            return _plain(role, rest, path)
        case "assistant":
            return _assistant(rest, path, legacy)
        case "tool":
            call_id = take_text(rest, "tool_call_id") if rest.get("tool_call_id") else None
            return _tool_result(rest, path, call_id or "")
        case "function":
            return _tool_result(rest, path, legacy.answer(str(rest.get("name"))))
        case _:
            known = ", ".join((*get_args(Role), "function"))
            message = f"{path}.role must be one of {known}."
            raise CallerError(message, param=f"{path}.role", code="invalid_value")


def _plain(role: Role, rest: Json, path: str) -> Message:
    present = "content" in rest
    parts, shape = parse_content(rest.pop("content", None), path)
    name = take_text(rest, "name") if rest else None
    return Message(role=role, parts=parts, name=name, shape=shape if present else "absent", extra=rest)


def _tool_result(rest: Json, path: str, call_id: str) -> Message:
    shape: ContentShape = "absent"
    parts: tuple[Part, ...] = ()
    if "content" in rest:
        parts, shape = parse_content(rest.pop("content"), path)
    name = take_text(rest, "name") if rest else None
    cache = take_cache(rest) if rest else None
    result = ToolResult(call_id=call_id, content=parts, name=name, shape=shape, cache=cache, extra=rest)
    return Message(role="tool", parts=(result,))


def _assistant(rest: Json, path: str, legacy: LegacyCalls) -> Message:
    plain = _plain("assistant", rest, path)
    if not rest:
        return plain
    parts = list(plain.parts)
    if len(rest) > 1 or "tool_calls" not in rest:
        parts = [*take_reasoning(rest), *parts]
        if refusal := take_text(rest, "refusal"):
            parts.append(Refusal(text=refusal))
        elif refusal is not None:
            rest["refusal"] = refusal
    if calls := as_list(rest.get("tool_calls")):
        del rest["tool_calls"]
        parts += [parse_call(call, f"{path}.tool_calls[{n}]") for n, call in enumerate(calls)]
    if rest and (call := parse_legacy_call(rest)) is not None:
        parts.append(
            ToolCall(
                id=legacy.call(call.name),
                name=call.name,
                arguments=call.arguments,
                kind="legacy",
                extra=call.extra,
            )
        )
    return Message(role="assistant", parts=tuple(parts), name=plain.name, shape=plain.shape, extra=rest)


def take_reasoning(rest: Json) -> list[Reasoning]:
    """Take the reasoning out of a message: its text, and any envelopes of ours beside it."""
    text, field = "", None
    for name in REASONING_FIELDS:
        if isinstance(rest.get(name), str) and rest[name]:
            text, field = rest.pop(name), name
            break
    else:
        if "reasoning_details" in rest and (text := details_text(rest["reasoning_details"])):
            field = "reasoning_details"
    envelopes: list[str | None] = []
    if SEALED_FIELD in rest:
        envelopes += [s for s in take_list(rest, SEALED_FIELD) or [] if isinstance(s, str)]
    if not text and not envelopes:
        return []
    first, *others = envelopes or [None]
    head = Reasoning(text=text, sealed=first, field=field)
    return [head, *(Reasoning(sealed=envelope) for envelope in others)]


def details_text(details: Any) -> str:
    """Return the readable text of OpenRouter's `reasoning_details`."""
    pieces: list[str] = []
    for item in as_list(details) or []:
        detail = as_object(item) or {}
        text = detail.get("text") or detail.get("summary")
        if isinstance(text, str):
            pieces.append(text)
    return "".join(pieces)


def parse_call(item: Any, path: str) -> ToolCall:
    """Return one member of `tool_calls`; raises `CallerError` for one without a name."""
    whole = as_object(item)
    if whole is None:
        raise CallerError(f"{path} must be an object.", param=path, code="invalid_type")
    if len(whole) == 3 and whole.get("type") == "function" and (call := _plain_call(whole)) is not None:
        return call
    rest = dict(whole)
    shape = [name for name in ("id", "type") if name not in rest]
    custom = rest.get("type") == "custom"
    if rest.get("type") in ("function", "custom"):
        del rest["type"]
    inner = take_object(rest, "custom" if custom else "function")
    name = take_text(inner, "name") if inner is not None else None
    if inner is None or not name:
        field = f"{path}.{'custom' if custom else 'function'}.name"
        raise CallerError(f"{field} is missing.", param=field, code="missing_required_parameter")
    arguments, oddity = _take_arguments(inner, "input" if custom else "arguments")
    return ToolCall(
        id=take_text(rest, "id") or "",
        name=name,
        arguments=arguments,
        kind="custom" if custom else "function",
        shape=(*shape, *oddity),
        cache=take_cache(rest),
        extra=nested(rest, "custom" if custom else "function", inner),
    )


def _plain_call(whole: Json) -> ToolCall | None:
    """Return a call that says what the vendor's own do and nothing else."""
    call_id, inner = whole.get("id"), whole.get("function")
    if isinstance(call_id, str) and isinstance(inner, dict) and len(inner) == 2:  # pyright: ignore[reportUnknownArgumentType]
        name, arguments = inner.get("name"), inner.get("arguments")  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
        if isinstance(name, str) and name and isinstance(arguments, str):
            return ToolCall(id=call_id, name=name, arguments=arguments)
    return None


def _take_arguments(inner: Json, member: str) -> tuple[str, tuple[str, ...]]:
    if member not in inner:
        return "", (member,)
    text = take_text(inner, member)
    if text is not None:
        return text, ()
    value = inner[member]
    if value is None:
        return "", ()
    # Ollama and others take and give an object here.
    del inner[member]
    return dumps_text(value), ("object",)


def parse_legacy_call(rest: Json) -> ToolCall | None:
    """Take the deprecated `function_call` out of an assistant message."""
    call = as_object(rest.get("function_call"))
    if call is None or not isinstance(call.get("name"), str) or not isinstance(call.get("arguments"), str):
        return None
    del rest["function_call"]
    inner = dict(call)
    name, arguments = inner.pop("name"), inner.pop("arguments")
    return ToolCall(id="", name=name, arguments=arguments, kind="legacy", extra=inner)


__all__ = [
    "REASONING_FIELDS",
    "SEALED_FIELD",
    "LegacyCalls",
    "details_text",
    "parse_call",
    "parse_legacy_call",
    "parse_messages",
    "take_reasoning",
]
