"""Writes the items of a stream: opens them, puts parts into them, closes them.

Text and refusals that follow each other share a message, calls may be open side by side. An item is
closed when the next one opens or the answer finishes, so that the last one can say it is incomplete.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flowrouter.canonical.parts import Image, Opaque, Refusal, Text, ToolCall
from flowrouter.dialects.openai_responses.annotations import annotation
from flowrouter.dialects.openai_responses.answer import Answer
from flowrouter.dialects.openai_responses.items import DIALECT, bare_name
from flowrouter.dialects.openai_responses.stream_items import (
    CallItem,
    Item,
    MessageItem,
    Piece,
    WholeItem,
    image_states,
    lone_piece,
)
from flowrouter.dialects.openai_responses.stream_wire import Slot, Wire
from flowrouter.dialects.openai_responses.token_probabilities import probabilities
from flowrouter.wire.members import Json

Lose = Callable[[str, str], None]
"""Notes what could not be said: path and reason."""


class ItemWriter:
    """The items of one answer; every method returns the bytes of the events it caused."""

    __slots__ = ("_answer", "_last_text", "_lose", "_open", "_wire", "items")

    def __init__(self, wire: Wire, answer: Answer, *, lose: Lose) -> None:
        self._wire = wire
        self._answer = answer
        self._lose = lose
        self._last_text: tuple[MessageItem, Piece] | None = None
        self._open: list[Item] = []
        self.items: list[Item] = []

    def open(self, item: Item) -> bytes:
        """Close what has ended and begin an item."""
        out = b"".join(self.close(other) for other in self._open if not other.parts)
        self._open = [other for other in self._open if not other.closed]
        self._open.append(item)
        self.items.append(item)
        begun = item.wire("in_progress")
        return out + self._wire.event("response.output_item.added", output_index=item.index, item=begun)

    def close(self, item: Item, status: str = "completed") -> bytes:
        """End an item, unless it has been."""
        if item.closed:
            return b""
        item.closed = True
        return self._wire.event("response.output_item.done", output_index=item.index, item=item.wire(status))

    def close_all(self, *, cut: bool) -> bytes:
        """End all items; `cut` says that the answer is incomplete, so that its last item is too."""
        last = self.items[-1] if self.items else None
        return b"".join(
            self.close(item, "incomplete" if cut and item is last else "completed") for item in self.items
        )

    def release(self, item: Item) -> bytes:
        """Note that one of an item's parts has ended; an earlier item without open parts is closed."""
        item.parts -= 1
        return self.close(item) if not item.parts and item is not self.items[-1] else b""

    def place(self, kind: str, own: Json) -> tuple[str, int]:
        """Return id and index of a new item: the vendor's own id, or a derived one."""
        index = len(self.items)
        given = own.get("id")
        return (given if isinstance(given, str) else self._answer.item_id(kind, index)), index

    def last(self) -> Item | None:
        """Return the last item if it is not closed."""
        return self.items[-1] if self.items and not self.items[-1].closed else None

    def _message(self, own: Json) -> tuple[MessageItem, bytes]:
        """Return the message that words go to: the last item, or a new one."""
        last = self.last()
        if isinstance(last, MessageItem) and own.get("id", last.id) == last.id:
            return last, b""
        ident, index = self.place("message", own)
        message = MessageItem(ident, index, own)
        return message, self.open(message)

    def begin_words(self, slot: Slot, part: Text | Refusal) -> bytes:
        """Begin text or a refusal."""
        message, out = self._message(slot.own)
        spoken = isinstance(part, Text)
        slot.item = message
        slot.piece = piece = message.add("output_text" if spoken else "refusal")
        message.parts += 1
        kind = "response.output_text.delta" if spoken else "response.refusal.delta"
        slot.expect(kind, _inside(message, piece), text=piece.text, logprobs=spoken)
        if spoken:
            self._last_text = (message, piece)
        return out + self._part_added(message, piece, piece.part(""))

    def _part_added(self, message: MessageItem, piece: Piece, part: Json) -> bytes:
        return self._wire.event("response.content_part.added", **_inside(message, piece), part=part)

    def end_words(self, message: MessageItem, piece: Piece) -> bytes:
        """End text, a refusal or a piece of another kind."""
        piece.open = False
        place, out = _inside(message, piece), b""
        match piece.kind:
            case "output_text":
                told = {"text": piece.said(), "logprobs": piece.logprobs}
                out = self._wire.event("response.output_text.done", **place, **told)
            case "refusal":
                out = self._wire.event("response.refusal.done", **place, refusal=piece.said())
            case _:
                pass
        return out + self._wire.event("response.content_part.done", **place, part=piece.part())

    def begin_call(self, slot: Slot, call: ToolCall) -> bytes:
        """Begin a call, under its name in its namespace if it has one."""
        custom = call.kind == "custom"
        own, name = slot.own, bare_name(slot.own.get("namespace"), call.name)
        if "namespace" not in own and (known := self._answer.echo.namespaces.get(call.name)):
            own, name = {**own, "namespace": known[0]}, known[1]
        ident, index = self.place("custom_tool_call" if custom else "function_call", own)
        slot.item = item = CallItem(ident, index, own, call=call, name=name)
        item.parts = 1
        said = "custom_tool_call_input" if custom else "function_call_arguments"
        slot.expect(f"response.{said}.delta", {"item_id": ident, "output_index": index}, text=item.text)
        return self.open(item)

    def end_call(self, slot: Slot, item: CallItem) -> bytes:
        """End a call with all that the model wrote."""
        out = b""
        if item.kind == "function_call" and not slot.own and not item.text.getvalue().strip():
            # Clients parse the arguments; the vendor writes an empty object where there are none.
            out = self._wire.delta(slot, "{}")
        place: Json = {"item_id": item.id, "output_index": item.index}
        said = item.text.getvalue()
        if item.kind == "custom_tool_call":
            return out + self._wire.event("response.custom_tool_call_input.done", **place, input=said)
        told: Json = {**place, "arguments": said, "name": item.name}
        return out + self._wire.event("response.function_call_arguments.done", **told)

    def begin_opaque(self, slot: Slot, opaque: Opaque) -> bytes:
        """Begin an item, or a piece of a message, that only this dialect knows."""
        if opaque.origin != DIALECT or self._answer.origin != DIALECT:
            self._lose("content.opaque", f"a part only {opaque.origin} knows")
            return b""
        payload = opaque.payload
        raw = lone_piece(opaque)
        if raw is None:
            return self._begin_whole(slot, payload)
        own = {name: value for name, value in payload.items() if name not in {"type", "content", "role"}}
        message, out = self._message(own)
        slot.item = message
        slot.piece = piece = message.add("raw", raw)
        message.parts += 1
        return out + self._part_added(message, piece, raw)

    def begin_image(self, slot: Slot, image: Image) -> bytes:
        """Write a picture the model made."""
        ident, _ = self.place("image_generation_call", slot.own)
        states = image_states(ident, image, slot.own)
        if states is None:
            self._lose("content.image", "an answer holds pictures themselves, not their addresses")
            return b""
        first, last = states
        out = self._begin_whole(slot, first)
        if isinstance(slot.item, WholeItem):
            slot.item.last = last
        return out

    def announce(self, item: Json) -> bytes:
        """Begin an item whose vendor announced it before it is a part."""
        return self._begin_whole(None, item)

    def _begin_whole(self, slot: Slot | None, payload: Json) -> bytes:
        """Begin an item that comes whole, unless it was announced."""
        ident, index = self.place(str(payload.get("type")), payload)
        announced = next((item for item in self.items if item.id == ident), None)
        if isinstance(announced, WholeItem) and not announced.closed and slot is not None:
            announced.last = payload
            slot.item = announced
            return b""
        item = WholeItem(ident, index, payload)
        item.parts = 1
        if slot is not None:
            slot.item = item
        return self.open(item)

    def cite(self, slot: Slot, citation: Json) -> bytes:
        """Write a citation of an open text."""
        piece, message = slot.piece, slot.item
        if piece is None or not isinstance(message, MessageItem):
            return b""
        found = annotation(citation, length=piece.text.tell(), origin=self._answer.origin)
        if found is None:
            self._lose("content.citations", "a citation that leads to no page")
            return b""
        piece.annotations.append(found)
        told = {"annotation_index": len(piece.annotations) - 1, "annotation": found}
        return self._wire.event("response.output_text.annotation.added", **_inside(message, piece), **told)

    def weigh(self, entries: list[Any]) -> bytes:
        """Write token probabilities; those of a text that has ended stand in its item only."""
        found = probabilities(entries)
        if not found:
            return b""
        if self._last_text is None:
            self._lose("logprobs", "no text they belong to")
            return b""
        message, piece = self._last_text
        piece.logprobs += found
        if not piece.open:
            return b""
        told = {"delta": "", "logprobs": found}
        return self._wire.event("response.output_text.delta", **_inside(message, piece), **told)


def _inside(message: MessageItem, piece: Piece) -> Json:
    return {"item_id": message.id, "output_index": message.index, "content_index": piece.index}


__all__ = ["ItemWriter", "Lose"]
