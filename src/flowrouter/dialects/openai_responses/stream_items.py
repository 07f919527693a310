"""The output items of a stream being written: what each has said so far, and its wire form.

An item's text is kept, since every `done` event and the last event of all repeat it.
"""

from __future__ import annotations

from io import StringIO
from typing import Any

from flowrouter.canonical.parts import Image, Opaque, ToolCall
from flowrouter.dialects.openai_responses.items import CALLS
from flowrouter.dialects.openai_responses.output_items import objects
from flowrouter.wire.json import JsonError, loads
from flowrouter.wire.members import Json, as_object


class Piece:
    """One piece of a message's content, or one text of a reasoning item."""

    __slots__ = ("annotations", "index", "kind", "logprobs", "open", "raw", "text")

    def __init__(self, kind: str, index: int, *, raw: Json | None = None) -> None:
        self.kind = kind
        self.index = index
        self.raw = raw
        self.text = StringIO()
        self.annotations: list[Json] = []
        self.logprobs: list[Any] = []
        self.open = True

    def said(self) -> str:
        """Return its text so far."""
        return self.text.getvalue()

    def part(self, text: str | None = None) -> Json:
        """Return its wire form, with its own text or another."""
        if self.raw is not None:
            return self.raw
        said = self.said() if text is None else text
        match self.kind:
            case "output_text" if text is None:
                return {
                    "type": "output_text",
                    "text": said,
                    "annotations": self.annotations,
                    "logprobs": self.logprobs,
                }
            case "output_text":
                return {"type": "output_text", "text": said, "annotations": [], "logprobs": []}
            case "refusal":
                return {"type": "refusal", "refusal": said}
            case kind:
                return {"type": kind, "text": said}


class Item:
    """One item; `own` are the members its vendor gave it, `parts` counts the open parts of it."""

    __slots__ = ("closed", "id", "index", "own", "parts")

    def __init__(self, ident: str, index: int, own: Json) -> None:
        self.id = ident
        self.index = index
        self.own = own
        self.parts = 0
        self.closed = False

    def wire(self, status: str) -> Json:
        """Return the item as far as it has come (`in_progress`: as it begins)."""
        raise NotImplementedError


class MessageItem(Item):
    """Text and refusals in a row."""

    __slots__ = ("pieces",)

    def __init__(self, ident: str, index: int, own: Json) -> None:
        super().__init__(ident, index, own)
        self.pieces: list[Piece] = []

    def add(self, kind: str, raw: Json | None = None) -> Piece:
        """Return a new piece of the content."""
        piece = Piece(kind, len(self.pieces), raw=raw)
        self.pieces.append(piece)
        return piece

    def wire(self, status: str) -> Json:
        """Return the message."""
        content = [] if status == "in_progress" else [piece.part() for piece in self.pieces]
        head = {"id": self.id, "type": "message", "status": status, "role": "assistant"}
        return {**head, "content": content, **self.own}


class ReasoningItem(Item):
    """Summaries, raw reasoning and the state that must come back; `mark` stands where there is no state."""

    __slots__ = ("mark", "state", "summary", "thought")

    def __init__(self, ident: str, index: int, own: Json, *, mark: str) -> None:
        super().__init__(ident, index, own)
        self.summary: list[Piece] = []
        self.thought: list[Piece] = []
        self.mark = mark
        self.state = ""

    def add(self, kind: str) -> Piece:
        """Return a new text of the kind."""
        texts = self.thought if kind == "reasoning_text" else self.summary
        piece = Piece(kind, len(texts))
        texts.append(piece)
        return piece

    def wire(self, status: str) -> Json:
        """Return the reasoning item."""
        item: Json = {"id": self.id, "type": "reasoning", "summary": []}
        if status != "in_progress":
            item["summary"] = [piece.part() for piece in self.summary]
            if self.thought:
                item["content"] = [piece.part() for piece in self.thought]
            if state := self.state or self.mark:
                item["encrypted_content"] = state
        return {**item, **self.own}


class CallItem(Item):
    """A call of a function or a custom tool; `name` is the one inside its namespace."""

    __slots__ = ("call", "kind", "name", "text")

    def __init__(self, ident: str, index: int, own: Json, *, call: ToolCall, name: str) -> None:
        super().__init__(ident, index, own)
        self.call = call
        self.name = name
        self.kind = "custom_tool_call" if call.kind == "custom" else "function_call"
        self.text = StringIO()

    @property
    def member(self) -> str:
        """Return the member that holds what the model wrote."""
        return CALLS[self.kind]

    def wire(self, status: str) -> Json:
        """Return the call."""
        head = {
            "id": self.id,
            "type": self.kind,
            "status": status,
            "call_id": self.call.id,
            "name": self.name,
        }
        return {**head, self.member: "" if status == "in_progress" else self.text.getvalue(), **self.own}


class WholeItem(Item):
    """An item that comes whole, or of which only its end is known better than its beginning."""

    __slots__ = ("first", "last")

    def __init__(self, ident: str, index: int, first: Json) -> None:
        super().__init__(ident, index, {})
        self.first = first
        self.last: Json | None = None

    def replace(self, text: str) -> None:
        """Take the JSON text of the whole item as its last state."""
        try:
            self.last = as_object(loads(text)) or self.last
        except JsonError:
            return

    def wire(self, status: str) -> Json:
        """Return the item."""
        return self.first if status == "in_progress" or self.last is None else self.last


def image_states(ident: str, image: Image, own: Json) -> tuple[Json, Json] | None:
    """Return the item of a picture the model made, as it begins and as it ends; None for a mere address."""
    source = image.source
    if source.kind != "base64" or not source.data:
        return None
    head: Json = {"id": ident, "type": "image_generation_call"}
    form = (source.media_type or "").removeprefix("image/")
    known = {"output_format": form} if form in {"png", "webp", "jpeg", "gif"} else {}
    first: Json = {**head, "status": "in_progress", "result": None, **own}
    return first, {**head, "status": "completed", **known, "result": source.data, **own}


def lone_piece(opaque: Opaque) -> Json | None:
    """Return the piece of a message that an opaque part stands for, None if it is an item of its own."""
    if opaque.payload.get("type") != "message":
        return None
    pieces = objects(opaque.payload.get("content")) or []
    return pieces[0] if len(pieces) == 1 else None


__all__ = [
    "CallItem", "Item", "MessageItem", "Piece", "ReasoningItem", "WholeItem", "image_states", "lone_piece",
]  # fmt: skip
