"""Parts of the wire to canonical parts, in requests and in replies alike.

A `thoughtSignature` may stand on any part. On a thought it is that reasoning's own; on a call or a text
it becomes a reasoning part without text directly before it, bound to the call's id or to the field
`text`; alone on a part without data, bound to the field `part`; on media it stays in their `extra`.
Parts this hub has no word for (code execution, server-side tools) are kept whole as `Opaque`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from flowrouter.canonical.parts import (
    ContentShape,
    Extra,
    Opaque,
    Part,
    Provenance,
    Reasoning,
    Text,
    ToolCall,
    ToolResult,
)
from flowrouter.dialects.gemini.ids import made_call_id
from flowrouter.dialects.gemini.media import inline_part, stored_part
from flowrouter.dialects.gemini.node import Node
from flowrouter.dialects.gemini.signatures import is_envelope, reasoning_of
from flowrouter.wire.json import dumps_text


class Parts:
    """Reads the parts of one turn; `turn` seeds the ids of calls that have none.

    `provenance` marks reasoning that a vendor's reply brings. A result without an id keeps an empty
    `call_id`: whoever knows the calls sets it.
    """

    __slots__ = ("_calls", "_provenance", "_turn")

    def __init__(self, turn: str, *, provenance: Provenance | None = None) -> None:
        self._turn = turn
        self._provenance = provenance
        self._calls = 0

    def parse(self, values: list[Any], path: str) -> list[Part]:
        """Return the canonical parts of a list of wire parts; raises `ShapeError`."""
        parts: list[Part] = []
        for number, value in enumerate(values):
            parts += self.parse_one(value, f"{path}[{number}]")
        return parts

    def parse_one(self, value: object, path: str) -> list[Part]:
        """Return what one wire part becomes: one part, with its signature's before it."""
        if isinstance(value, str):
            return [Text(text=value)]
        node = Node(value, path)
        for name in cast("dict[str, Any]", value):
            reader = _READERS.get(name)
            if reader is not None and node.peek(name) is not None:
                misplaced = () if name in _SIGNED else self._misplaced(node)
                return [*misplaced, *reader(self, node)]
        if misplaced := self._misplaced(node):
            return [*misplaced, Opaque(payload=node.rest(), origin="gemini")] if node.rest() else misplaced
        signature = node.text("thoughtSignature")
        if signature and not node.rest():
            return [*self._signed(signature, field="part")]
        return [Opaque(payload=cast("dict[str, Any]", value), origin="gemini")]

    def _misplaced(self, node: Node) -> list[Part]:
        """Take our own envelope off a part that we never put one on; it must not reach the vendor."""
        if self._provenance is not None or not is_envelope(node.peek("thoughtSignature")):
            return []
        field = "text" if len(node.rest()) > 1 else "part"
        return [*self._signed(node.text("thoughtSignature"), field=field)]

    def text(self, node: Node) -> list[Part]:
        """Read a text or a thought."""
        text = node.needed_text("text")
        if node.peek("thought") is not False and node.flag("thought"):
            first, *others = self._signed(_signature(node), text=text)
            return [_with_extra(first, node.rest()), *others]
        if self._provenance is None:
            # Words that are said to be no thought are plain words; a reply keeps that it was said.
            node.flag("thought")
        signature = _signature(node)
        signed = self._signed(signature, field="text") if signature else []
        return [*signed, Text(text=text, extra=node.rest())]

    def function_call(self, node: Node) -> list[Part]:
        """Read a call, with what signs it before it."""
        call = Node(node.pop("functionCall"), node.at("functionCall"))
        name = call.needed_text("name")
        call_id = _named(call)
        given = call.mapping("args")
        shape = (*(() if call_id else ("id",)), *(() if given is not None else ("args",)))
        call_id = call_id or made_call_id(self._turn, self._calls, name)
        self._calls += 1
        signature = _signature(node)
        signed = self._signed(signature, call_id=call_id) if signature else []
        part = ToolCall(
            id=call_id,
            name=name,
            arguments="{}" if given is None else dumps_text(given),
            shape=shape,
            extra=_outer(node, "functionCall", call),
        )
        return [*signed, part]

    def function_response(self, node: Node) -> list[Part]:
        """Read a result; the object of an agent's plain answer or error gives up its one text."""
        inner = Node(node.pop("functionResponse"), node.at("functionResponse"))
        call_id = _named(inner) or ""
        name = inner.text("name")
        media = inner.items("parts") or []
        content, is_error, shape = result_content(inner.mapping("response"))
        result = ToolResult(
            call_id=call_id,
            content=(*content, *self.parse(media, inner.at("parts"))),
            is_error=is_error,
            name=name,
            shape=shape,
            extra=_outer(node, "functionResponse", inner),
        )
        return [result]

    def inline_data(self, node: Node) -> list[Part]:
        """Read bytes."""
        blob = Node(node.pop("inlineData"), node.at("inlineData"))
        data, media_type, title = blob.text("data") or "", blob.text("mimeType"), blob.text("displayName")
        return [inline_part(media_type, data, title=title, inner=blob.rest(), extra=node.rest())]

    def file_data(self, node: Node) -> list[Part]:
        """Read an address."""
        file = Node(node.pop("fileData"), node.at("fileData"))
        uri, media_type, title = file.needed_text("fileUri"), file.text("mimeType"), file.text("displayName")
        return [stored_part(media_type, uri, title=title, inner=file.rest(), extra=node.rest())]

    def _signed(
        self, signature: str | None, *, text: str = "", field: str | None = None, call_id: str | None = None
    ) -> list[Reasoning]:
        return reasoning_of(signature, text=text, provenance=self._provenance, field=field, call_id=call_id)


def result_content(response: dict[str, Any] | None) -> tuple[tuple[Part, ...], bool | None, ContentShape]:
    """Return what a response object says: content, whether it is an error, how it stood.

    `{"result": text}`, `{"output": text}` and `{"error": text}` are what SDKs and agents wrap plain
    text in; any other object is its own JSON text.
    """
    if response is None:
        return (), None, "absent"
    match response:
        case {"result": str(text)} | {"output": str(text)} if len(response) == 1:
            return (Text(text=text),), None, "string"
        case {"error": str(text)} if len(response) == 1:
            return (Text(text=text),), True, "string"
        case {"error": _} if len(response) == 1:
            return (Text(text=dumps_text(response)),), True, "list"
        case _:
            return ((Text(text=dumps_text(response)),) if response else ()), None, "list"


def _named(node: Node) -> str | None:
    """Return the id of a call or a result; an empty one names nothing and stays in the rest."""
    return node.text("id") if node.peek("id") else None


def _signature(node: Node) -> str | None:
    """Return the part's signature; an empty one signs nothing and stays in the rest."""
    return node.text("thoughtSignature") if node.peek("thoughtSignature") else None


def _outer(node: Node, name: str, inner: Node) -> Extra:
    """Return what is left of a part, with what is left of its one object under that name."""
    return {**node.rest(), name: inner.rest()} if inner.rest() else node.rest()


def _with_extra(part: Reasoning, extra: Extra) -> Reasoning:
    if not extra:
        return part
    return Reasoning(
        text=part.text, signature=part.signature, sealed=part.sealed, provenance=part.provenance, extra=extra
    )


_SIGNED = frozenset({"text", "functionCall", "function_call"})
"""The parts on which envelopes of ours stand."""

_READERS: dict[str, Callable[[Parts, Node], list[Part]]] = {
    "text": Parts.text,
    "functionCall": Parts.function_call,
    "function_call": Parts.function_call,
    "functionResponse": Parts.function_response,
    "function_response": Parts.function_response,
    "inlineData": Parts.inline_data,
    "inline_data": Parts.inline_data,
    "fileData": Parts.file_data,
    "file_data": Parts.file_data,
}

__all__ = ["Parts", "result_content"]
