"""Request bodies to canonical requests.

Beside its canonical form a request keeps the body it came from (`kept`), so that what no stage has
edited leaves for its own vendor exactly as it came, spelling included.
"""

from __future__ import annotations

from typing import Any, cast

import msgspec

from flowrouter.canonical.messages import Message, Role
from flowrouter.canonical.parts import ContentShape, Extra, Part, Reasoning, ToolCall, ToolResult
from flowrouter.canonical.request import Request
from flowrouter.dialects.gemini.ids import is_made
from flowrouter.dialects.gemini.node import Node, ShapeError, snake
from flowrouter.dialects.gemini.parse_generation import CONFIG, parse_generation
from flowrouter.dialects.gemini.parse_parts import Parts
from flowrouter.dialects.gemini.parse_tools import parse_tool_choice, parse_tools
from flowrouter.dialects.gemini.plain import plain_request
from flowrouter.errors import CallerError
from flowrouter.wire.json import JsonError, loads

SYSTEM = "systemInstruction"

_ROLES: dict[str, Role] = {"user": "user", "function": "user", "model": "assistant", "system": "system"}


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A request as it came: the body's members, and the canonical form they were read as.

    `ours` holds the places of turns that carry something of the gateway's own (envelopes, made ids),
    which no vendor may see.
    """

    body: dict[str, Any]
    request: Request
    ours: frozenset[str] = frozenset()

    def member(self, name: str) -> tuple[str, Any] | None:
        """Return a member under the spelling it came in, None if it was not there."""
        for spelt in (name, snake(name)):
            if spelt in self.body:
                return spelt, self.body[spelt]
        return None


def kept(request: Request) -> Kept | None:
    """Return what `request` was read from, if it was read from this dialect."""
    value = request.shapes.get("kept")
    return value if isinstance(value, Kept) else None


def parse_request(body: bytes) -> Request:
    """Return the request a body asks for; raises `CallerError` naming the field at fault.

    The address holds model and verb: `model` is empty and `stream` false.
    """
    return read_request(read_body(body))


def read_body(body: bytes) -> dict[str, Any]:
    """Return the members of a body; raises `CallerError`."""
    try:
        value = loads(body)
    except JsonError as error:
        raise CallerError(f"the body is not valid JSON: {error}") from None
    if not isinstance(value, dict):
        raise CallerError("the body: expected an object")
    return cast("dict[str, Any]", value)


def read_request(body: dict[str, Any]) -> Request:
    """Return the request that a decoded body asks for; raises `CallerError`."""
    try:
        return _request(body)
    except ShapeError as error:
        raise CallerError(str(error), param=error.path or None) from None
    except RecursionError:
        raise CallerError("the request is nested too deeply") from None


def _request(body: dict[str, Any]) -> Request:
    if (plain := plain_request(body)) is not None:
        return _keeping(plain, body)
    node = Node(body, "")
    turns = _Turns()
    messages = _messages(node, turns)
    system, system_shape = _system(node)
    if any(map(_is_ours, system)):
        turns.ours.add(SYSTEM)
    choice, choice_extra = parse_tool_choice(node)
    generation = parse_generation(node)
    request = Request(
        origin="gemini",
        model="",
        messages=messages,
        system=system,
        system_shape=system_shape,
        tools=parse_tools(node),
        tool_choice=choice,
        sampling=generation.sampling,
        max_tokens=generation.max_tokens,
        stop=generation.stop,
        reasoning=generation.reasoning,
        output=generation.output,
        metadata=node.mapping("labels"),
        service_tier=node.text("serviceTier"),
        extra={**choice_extra, **generation.extra, **node.rest("cachedContent", "safetySettings")},
    )
    form = f"{CONFIG}.{generation.output_member}"
    names = {"output": form, "output.schema": form} if generation.output_member else None
    return _keeping(request, body, ours=frozenset(turns.ours), names=names)


def _keeping(
    request: Request,
    body: dict[str, Any],
    *,
    ours: frozenset[str] = frozenset(),
    names: dict[str, str] | None = None,
) -> Request:
    """Return `request` with the body it came from."""
    whole = Kept(body=body, request=request, ours=ours)
    return msgspec.structs.replace(request, shapes={"kept": whole, "names": names or {}})


def _system(node: Node) -> tuple[tuple[Part, ...], ContentShape]:
    value = node.pop(SYSTEM)
    match value:
        case None:
            return (), "absent"
        case str() | list():
            values = cast("list[Any]", value) if isinstance(value, list) else [value]
            parts = Parts("system").parse(values, SYSTEM)
            return tuple(parts), "string" if isinstance(value, str) else "list"
        case dict() if "parts" in value:
            inner = Node(cast("object", value), SYSTEM)
            parts = Parts("system").parse(inner.items("parts") or [], inner.at("parts"))
            return tuple(parts), "list"
        case dict() if value:
            return tuple(Parts("system").parse_one(cast("object", value), SYSTEM)), "list"
        case dict():
            return (), "list"
        case _:
            raise ShapeError(SYSTEM, "expected an object")


def _messages(node: Node, turns: _Turns) -> tuple[Message, ...]:
    values = node.items("contents")
    if not values:
        raise ShapeError("contents", "field required" if values is None else "at least one turn is required")
    return tuple(turns.read(value, f"contents[{number}]") for number, value in enumerate(values))


def _known_role(node: Node) -> Extra:
    """Return what is left of a turn; an explicit null as the role is as good as none."""
    return {name: value for name, value in node.rest().items() if name != "role"}


def _is_ours(part: Part) -> bool:
    match part:
        case Reasoning(sealed=sealed):
            return sealed is not None
        case ToolCall(id=call_id):
            return is_made(call_id) and "id" not in part.shape
        case ToolResult(call_id=call_id):
            return is_made(call_id)
        case _:
            return False


class _Turns:
    """Reads turns in order; results without an id get that of the call they answer, by name, then order.

    `ours` gathers the places of turns that carry something of the gateway's own.
    """

    __slots__ = ("_open", "ours")

    def __init__(self) -> None:
        self._open: list[ToolCall] = []
        self.ours: set[str] = set()

    def read(self, value: object, path: str) -> Message:
        """Return one turn."""
        node = Node(value, path)
        role = _ROLES.get(node.text("role") or "user")
        if role is None:
            raise ShapeError(f"{path}.role", "expected user or model")
        shape: ContentShape = "list" if node.peek("parts") is not None else "absent"
        parts = Parts(path).parse(node.items("parts") or [], f"{path}.parts")
        if any(map(_is_ours, parts)):
            self.ours.add(path)
        answered = tuple(self._known(part) if isinstance(part, ToolResult) else part for part in parts)
        if role == "assistant":
            self._open = [part for part in parts if isinstance(part, ToolCall)] or self._open
        return Message(role=role, parts=answered, shape=shape, place=path, extra=_known_role(node))

    def _known(self, result: ToolResult) -> ToolResult:
        call = self._answered(result)
        if call is None:
            return result
        self._open = [other for other in self._open if other is not call]
        if call.id == result.call_id:
            return result
        return msgspec.structs.replace(result, call_id=call.id)

    def _answered(self, result: ToolResult) -> ToolCall | None:
        same = [call for call in self._open if call.id == result.call_id]
        if same:
            return same[0]
        unnamed = [call for call in self._open if not result.call_id or is_made(call.id)]
        named = [call for call in unnamed if call.name == result.name]
        return next(iter(named or ([] if result.call_id else unnamed)), None)


__all__ = ["SYSTEM", "Kept", "kept", "parse_request", "read_body", "read_request"]
