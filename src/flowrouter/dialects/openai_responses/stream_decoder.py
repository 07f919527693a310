"""Responses stream events to events of the hub; never raises, whatever the bytes.

Items are known by their `output_index`. Text opens a part with its first word, so that what says nothing
is no part; a call opens with its name. What deltas left out is taken from `done` events, and what those
left out from the answer in the terminal event, which also brings usage and finish.
"""

from __future__ import annotations

from collections.abc import Callable

from flowrouter.canonical import events as e
from flowrouter.canonical.events import Event
from flowrouter.canonical.problem import Problem
from flowrouter.dialects.codec import DecodeOptions
from flowrouter.dialects.openai_responses.errors import problem_of_error
from flowrouter.dialects.openai_responses.finishes import is_malformed_call
from flowrouter.dialects.openai_responses.item_decoder import ItemDecoder, Parts
from flowrouter.dialects.openai_responses.items import DIALECT
from flowrouter.dialects.openai_responses.output_items import read_output
from flowrouter.dialects.openai_responses.responses import read_ending
from flowrouter.dialects.openai_responses.usage import parse_usage
from flowrouter.wire.json import JsonError, loads
from flowrouter.wire.members import Json, as_list, as_object, is_integer
from flowrouter.wire.sse import Frame

_QUIET = frozenset({
    "response.created", "response.in_progress", "response.queued", "response.content_part.added",
    "response.reasoning_summary_part.added", "response.reasoning_summary_part.done", "keepalive",
})  # fmt: skip
"""Events that tell nothing once the answer has begun."""


class Decoder:
    """Decodes one stream: `feed` each frame, then `close`."""

    mould = None
    __slots__ = ("_done", "_items", "_options", "_parts", "_seen", "_started")

    def __init__(self, options: DecodeOptions) -> None:
        self._options = options
        self._parts = Parts(options.provenance)
        self._items: dict[int, ItemDecoder] = {}
        self._seen = False
        self._started = False
        self._done = False

    def feed(self, frame: Frame) -> list[Event]:
        """Return the events of one frame."""
        data = frame.data
        if self._done:
            return []
        if data is None:
            return [e.Ping()]
        try:
            value = as_object(loads(data))
        except JsonError as error:
            return (
                [] if data.strip() in {b"[DONE]", b""} else [e.FrameError(f"an event is not JSON: {error}")]
            )
        if value is None:
            return [e.FrameError("an event is not an object")]
        kind = value.get("type")
        if not isinstance(kind, str):
            kind = "error" if value.get("error") else frame.event or ""
            value = {**value, "type": kind}
        handler = _HANDLERS.get(kind)
        events: list[Event] = []
        if handler is not None:
            handler(self, value, events)
        else:
            self._other(kind, value, events)
        return events

    def close(self) -> list[Event]:
        """Return what the end of the bytes means: an error, if the terminal event did not come."""
        if self._done:
            return []
        self._done = True
        if self._options.lax_finish and self._parts.spoke:
            events: list[Event] = []
            for item in self._items.values():
                item.end(None, events)
            return [*events, e.Finish(reason="other"), e.MessageEnd()]
        if self._seen:
            return [
                _failure("stream_truncated", "The upstream's stream was cut before the answer was complete.")
            ]
        return [_failure("empty_stream", "The upstream ended its stream without an answer.")]

    def _begin(self, response: Json, events: list[Event]) -> None:
        """Tell the start of the answer, unless it has been told."""
        self._seen = True
        if self._started:
            return
        self._started = True
        reply, model, created = response.get("id"), response.get("model"), response.get("created_at")
        events.append(
            e.MessageStart(
                origin=DIALECT,
                id=reply if isinstance(reply, str) else "",
                model=model if isinstance(model, str) else "",
                created=created if is_integer(created) else None,
            )
        )

    def _lifecycle(self, value: Json, events: list[Event]) -> None:
        response = as_object(value.get("response"))
        if response is None:
            events.append(e.FrameError("a lifecycle event without a response"))
            return
        self._begin(response, events)

    def _other(self, kind: str, value: Json, events: list[Event]) -> None:
        """Pass on an event this hub does not know; failures of other hosts have their own forms."""
        if value.get("error") and "response" not in value:
            self._error(value, events)
        elif not kind:
            events.append(e.FrameError("an event without a type"))
        elif kind in _QUIET or not self._started:
            events.append(e.Ping())
        else:
            events.append(e.OpaqueEvent(origin=DIALECT, payload=value))

    def _item(self, value: Json, events: list[Event], *, kind: str) -> ItemDecoder:
        """Return the item an event is about, one that was never announced included."""
        index = value.get("output_index")
        if not is_integer(index):
            index = self._place_of(value, kind)
        item = self._items.get(index)
        if item is None:
            self._begin({}, events)
            head: Json = {"type": kind}
            if isinstance(ident := value.get("item_id"), str):
                head["id"] = ident
            item = self._items[index] = ItemDecoder(head, self._parts)
        return item

    def _place_of(self, value: Json, kind: str) -> int:
        """Return the index of an item that an event does not tell: by its id, else the last if of the kind."""
        ident = value.get("item_id")
        for index, item in self._items.items():
            if ident is not None and item.head.get("id") == ident:
                return index
        last = max(self._items, default=-1)
        return last if last >= 0 and self._items[last].head.get("type") == kind else last + 1

    def _text(self, value: Json, events: list[Event]) -> None:
        delta, place = value.get("delta"), _count(value, "content_index")
        item = self._item(value, events, kind="message")
        if isinstance(delta, str) and delta:
            item.say("output_text", place, delta, events=events)
        if logprobs := as_list(value.get("logprobs")):
            item.weigh(place, logprobs, events=events)

    def _words(self, value: Json, events: list[Event]) -> None:
        """Take in a delta of anything but visible text."""
        owner, kind, counted = _DELTAS[value["type"]]
        delta = value.get("delta")
        if isinstance(delta, str) and delta:
            item = self._item(value, events, kind=owner)
            item.say(kind, _count(value, counted), delta, events=events)

    def _words_done(self, value: Json, events: list[Event]) -> None:
        """Take in the whole text behind its deltas: what they left out is said now."""
        owner, kind, counted, member = _DONES[value["type"]]
        text, place = value.get(member), _count(value, counted)
        item = self._item(value, events, kind=owner)
        if isinstance(text, str):
            item.complete(kind, place, text, events=events)
        if logprobs := as_list(value.get("logprobs")):
            item.weigh_rest(place, logprobs, events=events)

    def _annotation(self, value: Json, events: list[Event]) -> None:
        citation = as_object(value.get("annotation"))
        if citation is not None:
            item = self._item(value, events, kind="message")
            item.cite(_count(value, "content_index"), citation, events=events)

    def _part_done(self, value: Json, events: list[Event]) -> None:
        piece, place = as_object(value.get("part")), _count(value, "content_index")
        if piece is not None and piece.get("type") != "reasoning_text":
            self._item(value, events, kind="message").end_piece(place, piece, events=events)

    def _item_added(self, value: Json, events: list[Event]) -> None:
        item = as_object(value.get("item"))
        if item is None:
            # Some hosts announce an empty item first.
            events.append(e.Ping())
            return
        self._begin({}, events)
        number = value.get("output_index")
        index = number if is_integer(number) else len(self._items)
        if index in self._items:
            events.append(e.FrameError(f"item {index} was announced twice"))
            return
        self._items[index] = decoder = ItemDecoder(item, self._parts)
        decoder.begin(value, events)

    def _item_done(self, value: Json, events: list[Event]) -> None:
        item = as_object(value.get("item"))
        if item is None:
            events.append(e.FrameError("the end of an item without the item"))
            return
        self._item({"item_id": item.get("id"), **value}, events, kind=str(item.get("type"))).end(item, events)

    def _terminal(self, value: Json, events: list[Event]) -> None:
        response = as_object(value.get("response")) or {}
        failed = "failed" in (response.get("status"), str(value.get("type")).removeprefix("response."))
        if failed and not is_malformed_call(response):
            self._error(response, events)
            return
        self._begin(response, events)
        self._done = True
        output = [
            item for value in as_list(response.get("output")) or () if (item := as_object(value)) is not None
        ]
        self._reconcile(output, events)
        usage = as_object(response.get("usage"))
        if usage is not None:
            events.append(e.UsageUpdate(parse_usage(usage, response=response)))
        _, moulds = read_output(output, self._options.provenance)
        if "status" not in response:
            response = {**response, "status": str(value.get("type")).removeprefix("response.")}
        ending = read_ending(response, moulds, called=self._parts.called, refused=self._parts.refused)
        events.append(e.Finish(reason=ending.reason, raw=ending.raw, extra=ending.extra, form=ending.form))
        events.append(e.MessageEnd())

    def _reconcile(self, output: list[Json], events: list[Event]) -> None:
        """Tell what only the whole answer says, and end what is still open."""
        left = dict(sorted(self._items.items()))
        for place, item in enumerate(output):
            index = _match(item, place, left)
            if index is None:
                fresh = ItemDecoder(item, self._parts)
                fresh.end(item, events)
            else:
                left.pop(index).end(item, events)
        for known in left.values():
            known.end(None, events)

    def _error(self, value: Json, events: list[Event]) -> None:
        self._done = True
        events.append(e.StreamError(problem_of_error(value)))


def _match(item: Json, place: int, known: dict[int, ItemDecoder]) -> int | None:
    """Return which of the items that were streamed this one is; some hosts give it a new id at the end."""
    for name in ("id", "call_id"):
        if (ident := item.get(name)) is not None:
            found = next((index for index, other in known.items() if other.head.get(name) == ident), None)
            if found is not None:
                return found
    same = [index for index, other in known.items() if other.head.get("type") == item.get("type")]
    return place if place in same else next(iter(same), None)


def _count(value: Json, name: str) -> int:
    number = value.get(name)
    return number if is_integer(number) else 0


def _failure(code: str, message: str) -> e.StreamError:
    return e.StreamError(Problem(status=502, message=message, kind="server_error", code=code))


_DELTAS = {
    "response.refusal.delta": ("message", "refusal", "content_index"),
    "response.reasoning_summary_text.delta": ("reasoning", "summary", "summary_index"),
    "response.reasoning_text.delta": ("reasoning", "content", "content_index"),
    "response.function_call_arguments.delta": ("function_call", "call", ""),
    "response.custom_tool_call_input.delta": ("custom_tool_call", "call", ""),
}
"""Per delta: the item it belongs to, what it adds to, and the member that counts those."""

_DONES = {
    "response.output_text.done": ("message", "output_text", "content_index", "text"),
    "response.refusal.done": ("message", "refusal", "content_index", "refusal"),
    "response.reasoning_summary_text.done": ("reasoning", "summary", "summary_index", "text"),
    "response.reasoning_text.done": ("reasoning", "content", "content_index", "text"),
    "response.function_call_arguments.done": ("function_call", "call", "", "arguments"),
    "response.custom_tool_call_input.done": ("custom_tool_call", "call", "", "input"),
}
"""The same for the events behind the deltas, with the member that holds the whole text."""

_HANDLERS: dict[str, Callable[[Decoder, Json, list[Event]], None]] = {
    "response.output_text.delta": Decoder._text,  # pyright: ignore[reportPrivateUsage]
    **dict.fromkeys(_DELTAS, Decoder._words),  # pyright: ignore[reportPrivateUsage]
    **dict.fromkeys(_DONES, Decoder._words_done),  # pyright: ignore[reportPrivateUsage]
    "response.created": Decoder._lifecycle,  # pyright: ignore[reportPrivateUsage]
    "response.queued": Decoder._lifecycle,  # pyright: ignore[reportPrivateUsage]
    "response.in_progress": Decoder._lifecycle,  # pyright: ignore[reportPrivateUsage]
    "response.output_item.added": Decoder._item_added,  # pyright: ignore[reportPrivateUsage]
    "response.output_item.done": Decoder._item_done,  # pyright: ignore[reportPrivateUsage]
    "response.content_part.done": Decoder._part_done,  # pyright: ignore[reportPrivateUsage]
    "response.output_text.annotation.added": Decoder._annotation,  # pyright: ignore[reportPrivateUsage]
    "response.completed": Decoder._terminal,  # pyright: ignore[reportPrivateUsage]
    "response.incomplete": Decoder._terminal,  # pyright: ignore[reportPrivateUsage]
    "response.failed": Decoder._terminal,  # pyright: ignore[reportPrivateUsage]
    "response.cancelled": Decoder._terminal,  # pyright: ignore[reportPrivateUsage]
    "error": Decoder._error,  # pyright: ignore[reportPrivateUsage]
}

__all__ = ["Decoder"]
