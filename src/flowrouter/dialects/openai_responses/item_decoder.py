"""One item of a Responses stream: what its deltas say, and what only its end says.

Text and refusals are parts each for itself; all parts of a summary are one, divided by blank lines. An
item that its vendor runs begins at once and ends with its last state; a picture comes whole, at its end.
"""

from __future__ import annotations

from typing import Any

from flowrouter.canonical import events as e
from flowrouter.canonical.events import Event
from flowrouter.canonical.fold import replay_part
from flowrouter.canonical.parts import Opaque, Part, Provenance, Reasoning, Refusal, Text, ToolCall
from flowrouter.dialects.openai_responses.items import CALLS, DIALECT, SEAL, full_name
from flowrouter.dialects.openai_responses.output_items import (
    BLANK_LINE,
    SPOKEN,
    arguments_text,
    call_id,
    link,
    objects,
    read_content,
    read_item,
)
from flowrouter.wire.json import dumps_text
from flowrouter.wire.members import Json, as_list

_KINDS = {
    "message": frozenset(SPOKEN),
    "reasoning": frozenset({"summary", "content"}),
    **dict.fromkeys(CALLS, frozenset({"call"})),
}
"""Per type of item: what deltas may add to it."""

_PICTURE = "image_generation_call"


class Parts:
    """Numbers the parts of one answer, and knows what kinds there were."""

    __slots__ = ("_next", "called", "provenance", "refused", "spoke")

    def __init__(self, provenance: Provenance) -> None:
        self.provenance = provenance
        self._next = 0
        self.called = False
        self.refused = False
        self.spoke = False

    def start(self, part: Part, events: list[Event]) -> int:
        """Begin a part and return its number."""
        number = self._take(part)
        events.append(e.PartStart(index=number, part=part))
        return number

    def whole(self, part: Part, events: list[Event]) -> None:
        """Tell a part that is complete."""
        events += replay_part(self._take(part), part)

    def _take(self, part: Part) -> int:
        self.called = self.called or isinstance(part, ToolCall)
        self.refused = self.refused or isinstance(part, Refusal)
        self.spoke = True
        number = self._next
        self._next += 1
        return number


class _Strand:
    """What one place of an item has said: its part once it has begun, and how much of all there is."""

    __slots__ = ("cited", "ended", "length", "part", "weighed")

    def __init__(self) -> None:
        self.part: int | None = None
        self.length = 0
        self.cited = 0
        self.weighed = 0
        self.ended = False


class ItemDecoder:
    """The state of one item; `head` is the item as it was announced."""

    __slots__ = ("_kind", "_parts", "_shared", "_strands", "closed", "head")

    def __init__(self, head: Json, parts: Parts) -> None:
        self.head = head
        self.closed = False
        self._kind = str(head.get("type"))
        self._parts = parts
        self._strands: dict[tuple[str, int], _Strand] = {}
        self._shared: dict[str, int] = {}

    def begin(self, announcement: Json, events: list[Event]) -> None:
        """Take in the event that announced the item."""
        if self._kind in CALLS:
            if self.head.get("name") and self.head.get("call_id"):
                self._strand("call", 0, events)
        elif self._kind == _PICTURE:
            events.append(e.OpaqueEvent(origin=DIALECT, payload=announcement))
        elif self._kind not in _KINDS:
            self._shared["whole"] = self._parts.start(Opaque(payload=self.head, origin=DIALECT), events)

    def say(self, kind: str, place: int, text: str, *, events: list[Event]) -> None:
        """Add a delta."""
        strand = self._strands.get((kind, place))
        if strand is None or strand.part is None:
            strand = self._strand(kind, place, events)
        if strand is not None and strand.part is not None and not strand.ended:
            strand.length += len(text)
            # A blank line alone would pass for what divides the parts of a summary.
            pieces = ("\n", "\n") if text == BLANK_LINE and kind in self._shared else (text,)
            events += [e.PartDelta(strand.part, piece) for piece in pieces]

    def complete(self, kind: str, place: int, text: str, *, events: list[Event]) -> None:
        """Add what of the whole text the deltas left out."""
        strand = self._strands.get((kind, place))
        said = 0 if strand is None else strand.length
        if len(text) > said and (said == 0 or kind in {"output_text", "refusal", "call"}):
            self.say(kind, place, text[said:], events=events)

    def weigh(self, place: int, logprobs: list[Any], *, events: list[Event]) -> None:
        """Add token probabilities of a text."""
        strand = self._strands.setdefault(("output_text", place), _Strand())
        strand.weighed += len(logprobs)
        events.append(e.LogprobsDelta(logprobs={"content": logprobs, "refusal": None}))

    def weigh_rest(self, place: int, logprobs: list[Any], *, events: list[Event]) -> None:
        """Add the probabilities that deltas left out."""
        strand = self._strands.get(("output_text", place))
        if rest := logprobs[strand.weighed if strand is not None else 0 :]:
            self.weigh(place, rest, events=events)

    def cite(self, place: int, citation: Json, *, events: list[Event]) -> None:
        """Add a citation of a text."""
        strand = self._strands.get(("output_text", place)) or self._strand("output_text", place, events)
        if strand is not None and strand.part is not None and not strand.ended:
            strand.cited += 1
            events.append(e.CitationDelta(strand.part, citation))

    def end_piece(self, place: int, piece: Json, *, events: list[Event]) -> None:
        """End one piece of a message's content."""
        kind = str(piece.get("type"))
        text = piece.get(SPOKEN.get(kind, ""))
        key = (kind, place)
        if not isinstance(text, str):
            part, _ = read_content(piece, self.head)
            if part is not None and key not in self._strands and not self.closed:
                self._strands[key] = strand = _Strand()
                strand.ended = True
                self._parts.whole(part, events)
            return
        if not self.closed and not (key in self._strands and self._strands[key].ended):
            self.complete(kind, place, text, events=events)
            strand = self._strands.get(key)
            for citation in (objects(piece.get("annotations")) or [])[strand.cited if strand else 0 :]:
                if text:
                    self.cite(place, citation, events=events)
        if rest := as_list(piece.get("logprobs")):
            self.weigh_rest(place, rest, events=events)
        self._end_strand(self._strands.get(key), events)

    def end(self, item: Json | None, events: list[Event]) -> None:
        """End the item, in the state it was told in (None: as far as it has come)."""
        if self.closed:
            for place, piece in enumerate(self._pieces(item)):
                self.weigh_rest(place, as_list(piece.get("logprobs")) or [], events=events)
            return
        if item is not None and not self._begun:
            self._tell(item, events)
        elif self._kind == "message":
            for place, piece in enumerate(self._pieces(item)):
                self.end_piece(place, piece, events=events)
        elif self._kind == "reasoning":
            self._end_reasoning(item or {}, events)
        elif self._kind in CALLS:
            if item is not None:
                self.complete("call", 0, arguments_text(item.get(CALLS[self._kind])), events=events)
        elif item is not None and item != self.head:
            events.append(e.PartDelta(self._shared["whole"], dumps_text(item)))
        for strand in self._strands.values():
            self._end_strand(strand, events)
        events += [e.PartEnd(number) for number in self._shared.values()]
        self.closed = True

    @property
    def _begun(self) -> bool:
        return bool(self._shared) or any(s.part is not None or s.ended for s in self._strands.values())

    def _pieces(self, item: Json | None) -> list[Json]:
        return (objects(item.get("content")) or []) if item is not None and self._kind == "message" else []

    def _tell(self, item: Json, events: list[Event]) -> None:
        """Tell an item of which nothing has been said yet."""
        for part in read_item(item, self._parts.provenance).parts:
            self._parts.whole(part, events)
        for place, piece in enumerate(self._pieces(item)):
            self.weigh_rest(place, as_list(piece.get("logprobs")) or [], events=events)

    def _end_reasoning(self, item: Json, events: list[Event]) -> None:
        for kind in ("summary", "content"):
            for place, piece in enumerate(objects(item.get(kind)) or ()):
                if isinstance(text := piece.get("text"), str):
                    self.complete(kind, place, text, events=events)
        state = item.get("encrypted_content")
        if isinstance(state, str) and state:
            last = self._shared.get("content", self._shared.get("summary"))
            if last is None:
                last = self._shared["summary"] = self._parts.start(self._thought("summary"), events)
            events.append(e.SignatureDelta(last, state, sealed=state.startswith(SEAL)))

    def _strand(self, kind: str, place: int, events: list[Event]) -> _Strand | None:
        """Begin the part of a place; None where the item has no such place."""
        if self.closed or kind not in _KINDS.get(self._kind, ()):
            return None
        strand = self._strands.setdefault((kind, place), _Strand())
        match kind:
            case "output_text":
                strand.part = self._parts.start(Text(text="", extra=link(self.head)), events)
            case "refusal":
                strand.part = self._parts.start(Refusal(text="", extra=link(self.head)), events)
            case "call":
                strand.part = self._start_call(events)
            case _:
                if kind in self._shared:
                    events.append(e.PartDelta(self._shared[kind], BLANK_LINE))
                else:
                    self._shared[kind] = self._parts.start(self._thought(kind), events)
                strand.part = self._shared[kind]
        return strand

    def _thought(self, kind: str) -> Reasoning:
        field = "content" if kind == "content" else None
        return Reasoning(field=field, provenance=self._parts.provenance, extra=link(self.head))

    def _start_call(self, events: list[Event]) -> int | None:
        name = self.head.get("name")
        if not isinstance(name, str) or not name:
            return None
        call = ToolCall(
            id=call_id(self.head),
            name=full_name(self.head.get("namespace"), name),
            arguments="",
            kind="custom" if self._kind == "custom_tool_call" else "function",
            extra=link(self.head),
        )
        return self._parts.start(call, events)

    def _end_strand(self, strand: _Strand | None, events: list[Event]) -> None:
        if strand is None or strand.ended:
            return
        strand.ended = True
        if strand.part is not None and strand.part not in self._shared.values():
            events.append(e.PartEnd(strand.part))


__all__ = ["ItemDecoder", "Parts"]
