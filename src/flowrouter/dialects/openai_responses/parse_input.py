"""The items of `input` to canonical messages, one each, every oddity kept for the way back."""

from __future__ import annotations

from typing import Any, cast, get_args

import msgspec

from flowrouter.canonical.messages import Message, Role
from flowrouter.canonical.parts import Reasoning, Text, ToolCall, ToolResult
from flowrouter.dialects.openai_responses.content import parse_content
from flowrouter.dialects.openai_responses.items import ABSENT, CALLS, LOCAL, RESULTS, parse_item
from flowrouter.errors import CallerError
from flowrouter.wire.members import Json, as_list, as_object

_ROLES = tuple(role for role in get_args(Role) if role != "tool")
_MODELS_OWN = frozenset({"mcp_list_tools", "mcp_approval_request", "program"})
"""Items the model's side made, besides all whose type ends in `_call`."""


def parse_input(value: Any, shapes: Json) -> tuple[Message, ...]:
    """Return the messages of `input`; raises `CallerError` naming the first item that is none.

    Into `shapes` go `input` (`string`) and `items`: by a message's place, the members of its item that
    only this dialect knows. `sealed` lists the places of reasoning in an envelope of ours.
    """
    if isinstance(value, str):
        shapes["input"] = "string"
        return (Message(role="user", parts=(Text(text=value),), shape="string", place="input"),)
    items = as_list(value)
    if items is None:
        raise CallerError("input must be a string or a list of items.", param="input", code="invalid_type")
    return tuple(_parse(item, f"input[{number}]", shapes) for number, item in enumerate(items))


def _parse(item: Any, place: str, shapes: Json) -> Message:
    whole = as_object(item)
    if whole is None:
        raise CallerError(f"{place} must be an object.", param=place, code="invalid_type")
    kind = whole.get("type")
    if kind is not None and not isinstance(kind, str):
        raise CallerError(f"{place}.type must be a string.", param=f"{place}.type", code="invalid_type")
    if kind == "message" or (kind is None and "role" in whole):
        return _message(dict(whole), place, shapes)
    part = parse_item(whole, path=place)
    if not isinstance(part, ToolCall | ToolResult | Reasoning):
        _check(kind, whole, place)
        return Message(role=_role(kind), parts=(part,), shape="absent", place=place)
    return _step(part, place, shapes)


def _message(rest: Json, place: str, shapes: Json) -> Message:
    local: Json = {name: rest.pop(name) for name in ("id", "status") if name in rest}
    if "type" not in rest:
        local[ABSENT] = ["type"]
    elif rest.pop("type") is None:
        local["type"] = None
    role = rest.pop("role", None)
    if role not in _ROLES:
        raise CallerError(
            f"{place}.role must be one of {', '.join(_ROLES)}.", param=f"{place}.role", code="invalid_value"
        )
    present = "content" in rest
    assistant = role == "assistant"
    parts, shape = parse_content(rest.pop("content", None), f"{place}.content", assistant=assistant)
    _keep(shapes, place, local)
    return Message(
        role=cast("Role", role), parts=parts, shape=shape if present else "absent", place=place, extra=rest
    )


def _step(part: ToolCall | ToolResult | Reasoning, place: str, shapes: Json) -> Message:
    """Return the message of an item that is a call, a result or reasoning."""
    local = {name: value for name, value in part.extra.items() if name in LOCAL}
    unknown = {name: value for name, value in part.extra.items() if name not in LOCAL}
    bare = msgspec.structs.replace(part, extra=unknown)
    if isinstance(part, Reasoning) and part.sealed is not None:
        # The id was made for the client; the vendor whose state is inside never gave one.
        local.pop("id", None)
        shapes.setdefault("sealed", []).append(place)
    _keep(shapes, place, local)
    role = "tool" if isinstance(part, ToolResult) else "assistant"
    shape = "list" if isinstance(part, ToolCall | ToolResult) else "absent"
    return Message(role=role, parts=(bare,), shape=shape, place=place)


def _keep(shapes: Json, place: str, local: Json) -> None:
    if local:
        shapes.setdefault("items", {})[place] = local


def _check(kind: str | None, whole: Json, place: str) -> None:
    """Raise for an item in no form that a call or a result can have."""
    if kind in CALLS and not whole.get("name"):
        path = f"{place}.name"
        raise CallerError(f"{path} is missing.", param=path, code="missing_required_parameter")
    if kind in CALLS or kind in RESULTS:
        path = f"{place}.output" if kind in RESULTS else f"{place}.name"
        expected = "a string or a list of parts" if kind in RESULTS else "a string"
        raise CallerError(f"{path} must be {expected}.", param=path, code="invalid_type")
    if kind is None and "id" not in whole:
        path = f"{place}.type"
        raise CallerError(f"{path} is missing.", param=path, code="missing_required_parameter")


def _role(kind: str | None) -> Role:
    """Return who an item of a kind of its own stands for: the model, or what is told to it.

    What is told stands as `developer`, since a user's turn would part calls from their results.
    """
    made = kind is not None and (kind.endswith("_call") or kind in _MODELS_OWN)
    return "assistant" if made else "developer"


__all__ = ["parse_input"]
