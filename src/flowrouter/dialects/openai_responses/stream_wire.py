"""Numbered events on the wire, and where the deltas of a part go."""

from __future__ import annotations

from io import StringIO
from typing import Any

from flowrouter.canonical.parts import Part
from flowrouter.dialects.openai_responses.stream_items import Item, Piece
from flowrouter.wire.json import dumps
from flowrouter.wire.members import Json
from flowrouter.wire.sse import write


class Slot:
    """One open part: its item and piece once they have begun, and the frame around each of its deltas.

    `own` are the members its vendor gave its item, `broken` says that a blank line was held back.
    """

    __slots__ = ("broken", "head", "item", "own", "part", "piece", "tail", "text")

    def __init__(self, part: Part, own: Json) -> None:
        self.part = part
        self.own = own
        self.item: Item | None = None
        self.piece: Piece | None = None
        self.text: StringIO | None = None
        self.head = b""
        self.tail = b"}\n\n"
        self.broken = False

    def expect(self, kind: str, place: Json, *, text: StringIO, logprobs: bool = False) -> None:
        """Prepare the frame of deltas of the kind at the place, whose text is gathered in `text`."""
        members = dumps({"type": kind, **place})[:-1]
        self.head = b'event: %b\ndata: %b,"sequence_number":' % (kind.encode(), members)
        self.tail = b',"logprobs":[]}\n\n' if logprobs else b"}\n\n"
        self.text = text


class Wire:
    """Writes the events of one stream; `sequence` is the number of the next."""

    __slots__ = ("sequence",)

    def __init__(self) -> None:
        self.sequence = 0

    def event(self, kind: str, **members: Any) -> bytes:
        """Return one event."""
        number = self.sequence
        self.sequence = number + 1
        return write(dumps({"type": kind, "sequence_number": number, **members}), kind)

    def delta(self, slot: Slot, text: str) -> bytes:
        """Return one delta of a part that has begun."""
        if slot.text is not None:
            slot.text.write(text)
        number = self.sequence
        self.sequence = number + 1
        return b'%b%d,"delta":%b%b' % (slot.head, number, dumps(text), slot.tail)


__all__ = ["Slot", "Wire"]
