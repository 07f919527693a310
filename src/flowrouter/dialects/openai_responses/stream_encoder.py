"""Events to the events of a Responses stream.

Parts become items; every `done` event repeats what its deltas said, and the last event holds the whole
answer, so that text is kept here. That event waits for the usage.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from flowrouter.canonical import events as e
from flowrouter.canonical.cursor import Cursor
from flowrouter.canonical.events import Event
from flowrouter.canonical.loss import Loss
from flowrouter.canonical.parts import Image, Opaque, Part, Reasoning, Refusal, Text, ToolCall
from flowrouter.canonical.usage import Usage, merge
from flowrouter.dialects.codec import EncodeOptions
from flowrouter.dialects.openai_responses.answer import Answer, ended
from flowrouter.dialects.openai_responses.errors import failure
from flowrouter.dialects.openai_responses.item_writer import ItemWriter
from flowrouter.dialects.openai_responses.items import DIALECT, ITEM
from flowrouter.dialects.openai_responses.output_items import BLANK_LINE
from flowrouter.dialects.openai_responses.stream_items import CallItem, MessageItem, ReasoningItem, WholeItem
from flowrouter.dialects.openai_responses.stream_wire import Slot, Wire
from flowrouter.dialects.openai_responses.thought_writer import ThoughtWriter
from flowrouter.wire.members import Json, as_list, as_object
from flowrouter.wire.sse import COMMENT


class Encoder:
    """Events to the bytes of one stream; `losses` gathers what it could not say."""

    __slots__ = (
        "_answer", "_done", "_finish", "_items", "_slots", "_started", "_thoughts", "_usage", "_wire", "losses",
    )  # fmt: skip

    def __init__(self, options: EncodeOptions) -> None:
        self.losses: list[Loss] = []
        self._answer = Answer(options)
        self._wire = Wire()
        self._items = ItemWriter(self._wire, self._answer, lose=self._lose)
        self._thoughts = ThoughtWriter(self._wire, self._items)
        self._slots: dict[int, Slot] = {}
        self._started = False
        self._done = False
        self._usage: Usage | None = None
        self._finish: e.Finish | None = None

    @classmethod
    def resume(cls, options: EncodeOptions, cursor: Cursor) -> Encoder:
        """Return an encoder that goes on behind all that `cursor` has seen."""
        encoder = cls(options)
        encoder._take_over(cursor)
        return encoder

    def feed(self, event: Event) -> bytes:
        """Return the bytes `event` puts on the wire (often none)."""
        if type(event) is e.PartDelta:
            slot = self._slots.get(event.index)
            if slot is None or not event.text or self._done:
                return b""
            if type(slot.part) is Reasoning:
                return self._thoughts.delta(slot, event.text)
            if type(slot.item) is WholeItem:
                slot.item.replace(event.text)
                return b""
            return self._wire.delta(slot, event.text)
        step = _STEPS.get(type(event))
        return b"" if step is None or self._done else step(self, event)

    def saying(self, index: int) -> Callable[[str], bytes] | None:
        """Return what writes the deltas of an open part, until another event; None if they must be fed."""
        slot = self._slots.get(index)
        if slot is None or self._done or type(slot.item) is WholeItem:
            return None
        return partial(self._thoughts.delta if type(slot.part) is Reasoning else self._wire.delta, slot)

    def heartbeat(self) -> bytes:
        """Return a sign of life: a comment is harmless anywhere in this stream."""
        return b"" if self._done else COMMENT

    def answer(self, parts: Sequence[Part]) -> Json:
        """Return the whole answer; `parts` are those it consists of, for one of this dialect."""
        return self._answer.final(self._items.items, self._finish, usage=self._usage, parts=parts)

    def _message_start(self, event: e.MessageStart) -> bytes:
        if self._started:
            # A target took over: the client knows this answer by its first identity.
            self._answer.origin = event.origin
            self._thoughts.own = event.origin == DIALECT
            return b""
        self._started = True
        self._answer.begin(event)
        self._thoughts.own = event.origin == DIALECT
        if event.origin != DIALECT:
            self._lose_members(event.extra, event.origin)
        snapshot = self._answer.snapshot("in_progress")
        created = self._wire.event("response.created", response=snapshot)
        return created + self._wire.event("response.in_progress", response=snapshot)

    def _part_start(self, event: e.PartStart) -> bytes:
        part = event.part
        if event.choice != 0:
            self._lose(f"choices[{event.choice}]", "one answer per reply")
            return b""
        slot = Slot(part, self._own_members(part))
        text = ""
        match part:
            case Text() | Refusal():
                out, text = self._items.begin_words(slot, part), part.text
            case Reasoning():
                out, text = b"", part.text
            case ToolCall():
                out, text = self._items.begin_call(slot, part), part.arguments
            case Opaque():
                out = self._items.begin_opaque(slot, part)
            case Image():
                out = self._items.begin_image(slot, part)
            case _:
                self._lose(f"content.{part.__struct_config__.tag}", "no place for it in an answer")
                return b""
        if slot.item is not None or isinstance(part, Reasoning):
            self._slots[event.index] = slot
        if text:
            out += self.feed(e.PartDelta(event.index, text))
        return out + self._brought_along(event.index, part)

    def _own_members(self, part: Part) -> Json:
        """Return the members of its item that a part of this dialect knows."""
        if self._answer.origin != DIALECT or isinstance(part, Opaque):
            return {}
        return as_object(part.extra.get(ITEM)) or {}

    def _brought_along(self, index: int, part: Part) -> bytes:
        """Write the state that reasoning, and the citations that a text, begins with."""
        attributes: list[Event] = []
        match part:
            case Reasoning(signature=signature, sealed=sealed, redacted=redacted):
                if redacted and not sealed:
                    self._lose("content.reasoning", "state of another vendor")
                attributes += [e.SignatureDelta(index, signature)] if signature else []
                attributes += [e.SignatureDelta(index, sealed, sealed=True)] if sealed else []
            case Text(citations=citations):
                attributes += [e.CitationDelta(index, citation) for citation in citations]
            case _:
                pass
        return b"".join(self.feed(attribute) for attribute in attributes)

    def _part_end(self, event: e.PartEnd) -> bytes:
        slot = self._slots.pop(event.index, None)
        if slot is None or slot.item is None:
            return b""
        match slot.item:
            case CallItem() as call:
                out = self._items.end_call(slot, call)
            case MessageItem() as message if slot.piece is not None:
                out = self._items.end_words(message, slot.piece)
            case ReasoningItem():
                out = self._thoughts.end(slot)
            case _:
                out = b""
        return out + self._items.release(slot.item)

    def _signature(self, event: e.SignatureDelta) -> bytes:
        slot = self._slots.get(event.index)
        if slot is None or not isinstance(slot.part, Reasoning):
            return b""
        if self._answer.origin != DIALECT and not event.sealed:
            self._lose("content.reasoning", "state of another vendor")
            return b""
        return self._thoughts.sign(slot, event.signature)

    def _citation(self, event: e.CitationDelta) -> bytes:
        slot = self._slots.get(event.index)
        return b"" if slot is None else self._items.cite(slot, event.citation)

    def _logprobs(self, event: e.LogprobsDelta) -> bytes:
        if event.choice != 0:
            return b""
        if event.logprobs.get("refusal"):
            self._lose("logprobs.refusal", "a refusal has no token probabilities here")
        return self._items.weigh(as_list(event.logprobs.get("content")) or [])

    def _usage_update(self, event: e.UsageUpdate) -> bytes:
        self._usage = merge(self._usage, event.usage)
        return b""

    def _opaque_event(self, event: e.OpaqueEvent) -> bytes:
        if event.origin != DIALECT:
            self._lose("event", f"an event only {event.origin} knows")
            return b""
        members = dict(event.payload)
        kind = members.pop("type", None)
        if not isinstance(kind, str):
            return b""
        members.pop("sequence_number", None)
        if kind == "response.output_item.added":
            return self._items.announce(as_object(members.get("item")) or {})
        known = next((item for item in self._items.items if item.id == members.get("item_id")), None)
        if known is not None and "output_index" in members:
            members["output_index"] = known.index
        return self._wire.event(kind, **members)

    def _end(self, event: e.Finish) -> bytes:
        if event.choice != 0 or self._finish is not None:
            return b""
        self._finish = event
        if self._answer.origin != DIALECT:
            self._lose_members({**event.extra, **event.message_extra}, self._answer.origin)
            if event.stop_sequence is not None:
                self._lose("stop_sequence", "no place for the stop sequence that was met")
        status, _, _ = ended(self._items.items, event)
        return self._items.close_all(cut=status == "incomplete")

    def _message_end(self, _: e.MessageEnd) -> bytes:
        self._done = True
        response = self._answer.final(self._items.items, self._finish, usage=self._usage)
        status = response.get("status")
        kind = next((word for word in ("incomplete", "failed") if word == status), "completed")
        return self._wire.event(f"response.{kind}", response=response)

    def _error(self, event: e.StreamError) -> bytes:
        out = b"" if self._started else self._message_start(e.MessageStart(origin=DIALECT, id="", model=""))
        self._done = True
        output = [item.wire("completed" if item.closed else "incomplete") for item in self._items.items]
        response = self._answer.snapshot("failed", output=output, usage=self._usage)
        return out + self._wire.event(
            "response.failed", response={**response, "error": failure(event.problem)}
        )

    def _ping(self, _: e.Ping) -> bytes:
        return self.heartbeat()

    def _lose_members(self, extra: Json, origin: str) -> None:
        for name, value in extra.items():
            if value not in (None, "", [], {}) and name != "content":
                self._lose(name, f"known to {origin} only")

    def _lose(self, path: str, reason: str) -> None:
        loss = Loss(path=path, kind="dropped", reason=reason)
        if loss not in self.losses:
            self.losses.append(loss)

    def _take_over(self, cursor: Cursor) -> None:
        """Say everything again, to nobody."""
        if cursor.started:
            start = e.MessageStart(
                origin=cursor.origin or DIALECT, id=cursor.id, model=cursor.model, created=cursor.created
            )
            self._message_start(start)
        for state in cursor.parts:
            self.feed(e.PartStart(index=state.index, part=state.header, choice=state.choice))
            if said := state.content:
                # A blank line that came alone divides a summary; it is said with what follows it.
                summed = state.kind == "reasoning" and self._thoughts.own
                divided = summed and state.chunks[-1] == BLANK_LINE
                for text in (said.removesuffix(BLANK_LINE), BLANK_LINE) if divided else (said,):
                    self.feed(e.PartDelta(state.index, text))
                if state.kind != "opaque":
                    # Each delta had a number of its own; dividing a summary took two more.
                    self._wire.sequence += state.pieces - 1
                    self._wire.sequence += 2 * said.count(BLANK_LINE) if summed else 0
            for attribute in state.attributes:
                self.feed(attribute)
            if not state.is_open:
                self.feed(e.PartEnd(state.index))
        self._usage = cursor.usage
        for finish in cursor.finishes.values():
            self.feed(finish)
        self._wire.sequence += cursor.others
        self._done = cursor.ended or cursor.problem is not None
        # What was found lost is already told by the encoder before this one.
        self.losses.clear()


_STEPS: dict[type, Callable[[Encoder, Any], bytes]] = {
    e.MessageStart: Encoder._message_start,  # pyright: ignore[reportPrivateUsage]
    e.PartStart: Encoder._part_start,  # pyright: ignore[reportPrivateUsage]
    e.PartEnd: Encoder._part_end,  # pyright: ignore[reportPrivateUsage]
    e.SignatureDelta: Encoder._signature,  # pyright: ignore[reportPrivateUsage]
    e.CitationDelta: Encoder._citation,  # pyright: ignore[reportPrivateUsage]
    e.LogprobsDelta: Encoder._logprobs,  # pyright: ignore[reportPrivateUsage]
    e.OpaqueEvent: Encoder._opaque_event,  # pyright: ignore[reportPrivateUsage]
    e.UsageUpdate: Encoder._usage_update,  # pyright: ignore[reportPrivateUsage]
    e.Finish: Encoder._end,  # pyright: ignore[reportPrivateUsage]
    e.MessageEnd: Encoder._message_end,  # pyright: ignore[reportPrivateUsage]
    e.StreamError: Encoder._error,  # pyright: ignore[reportPrivateUsage]
    e.Ping: Encoder._ping,  # pyright: ignore[reportPrivateUsage]
}

__all__ = ["Encoder"]
