"""Writes the reasoning of a stream: a summary's parts, raw reasoning, and the state that must come back.

An item begins with its first text or state, so reasoning that says nothing leaves none behind.
"""

from __future__ import annotations

from flowrouter.canonical.parts import Reasoning
from flowrouter.dialects.openai_responses.item_writer import ItemWriter
from flowrouter.dialects.openai_responses.items import SEAL
from flowrouter.dialects.openai_responses.output_items import BLANK_LINE
from flowrouter.dialects.openai_responses.stream_items import Piece, ReasoningItem
from flowrouter.dialects.openai_responses.stream_wire import Slot, Wire
from flowrouter.wire.members import Json

_EVENTS = {
    "summary_text": ("reasoning_summary_text", "reasoning_summary_part"),
    "reasoning_text": ("reasoning_text", "content_part"),
}
"""What the events of a text of reasoning are called: those of its text, and those of the part."""


class ThoughtWriter:
    """The reasoning items of one answer; `own` says that it comes in this dialect."""

    __slots__ = ("_items", "_wire", "own")

    def __init__(self, wire: Wire, items: ItemWriter) -> None:
        self._wire = wire
        self._items = items
        self.own = False

    def delta(self, slot: Slot, text: str) -> bytes:
        """Write more reasoning; in its own vendor's a blank line alone is where the next part begins."""
        if text == BLANK_LINE and self.own and slot.piece is not None and not slot.broken:
            slot.broken = slot.piece.kind == "summary_text"
            if slot.broken:
                return b""
        if slot.broken:
            slot.broken = False
            return self._end_text(slot) + self._begin_text(slot) + self._wire.delta(slot, text)
        if slot.piece is None:
            return self._open(slot) + self._begin_text(slot) + self._wire.delta(slot, text)
        return self._wire.delta(slot, text)

    def sign(self, slot: Slot, state: str) -> bytes:
        """Take state that the item ends with."""
        out = self._open(slot)
        if isinstance(slot.item, ReasoningItem):
            slot.item.state += state
        return out

    def end(self, slot: Slot) -> bytes:
        """End a part of reasoning."""
        out = b""
        if slot.broken:
            slot.broken = False
            out = self._wire.delta(slot, BLANK_LINE)
        return out + self._end_text(slot)

    def _open(self, slot: Slot) -> bytes:
        """Begin the item of a part, unless it has begun: two parts of the vendor's may share one."""
        if slot.item is not None:
            return b""
        last, own = self._items.last(), slot.own.get("id")
        out = b""
        if isinstance(last, ReasoningItem) and own is not None and own == last.id:
            slot.item = last
        else:
            ident, index = self._items.place("reasoning", slot.own)
            # An envelope with nothing in it: another vendor's reasoning must not pass for this one's own
            # when the client brings it back.
            slot.item = ReasoningItem(ident, index, slot.own, mark="" if self.own else SEAL)
            out = self._items.open(slot.item)
        slot.item.parts += 1
        return out

    def _begin_text(self, slot: Slot) -> bytes:
        item = slot.item
        if not isinstance(item, ReasoningItem):
            return b""
        raw = self.own and isinstance(slot.part, Reasoning) and slot.part.field == "content"
        slot.piece = piece = item.add("reasoning_text" if raw else "summary_text")
        text, part = _EVENTS[piece.kind]
        place = _inside(item, piece)
        slot.expect(f"response.{text}.delta", place, text=piece.text)
        return self._wire.event(f"response.{part}.added", **place, part=piece.part(""))

    def _end_text(self, slot: Slot) -> bytes:
        item, piece = slot.item, slot.piece
        if piece is None or not isinstance(item, ReasoningItem):
            return b""
        piece.open = False
        text, part = _EVENTS[piece.kind]
        place = _inside(item, piece)
        said = self._wire.event(f"response.{text}.done", **place, text=piece.said())
        return said + self._wire.event(f"response.{part}.done", **place, part=piece.part())


def _inside(item: ReasoningItem, piece: Piece) -> Json:
    counted = "content_index" if piece.kind == "reasoning_text" else "summary_index"
    return {"item_id": item.id, "output_index": item.index, counted: piece.index}


__all__ = ["ThoughtWriter"]
