"""One choice of a Chat stream: which part is open, and what a delta adds to it.

Reasoning, text and refusal are open one at a time; a change of kind ends the one before. Calls may
stay open side by side until the choice ends.
"""

from __future__ import annotations

from typing import Any

from flowrouter.canonical import events as e
from flowrouter.canonical.events import Event
from flowrouter.canonical.parts import Image, Part, Reasoning, Refusal, Text
from flowrouter.canonical.think_tags import ThinkSplitter
from flowrouter.dialects.codec import DecodeOptions
from flowrouter.dialects.openai_chat.content import parse_part
from flowrouter.dialects.openai_chat.finishes import meaning
from flowrouter.dialects.openai_chat.parse_messages import REASONING_FIELDS, SEALED_FIELD, details_text
from flowrouter.dialects.openai_chat.parse_responses import read_content_list
from flowrouter.dialects.openai_chat.stream_calls import CallAssembler
from flowrouter.dialects.openai_chat.stream_parts import ChoiceParts, PartCounter
from flowrouter.errors import CallerError
from flowrouter.wire.members import Json, as_list, as_object

_KNOWN_DELTA = frozenset(
    {
        "role",
        "content",
        "refusal",
        "tool_calls",
        "function_call",
        "annotations",
        "images",
        "reasoning_details",
        SEALED_FIELD,
        *REASONING_FIELDS,
    }
)


class ChoiceDecoder:
    """The state of one choice; every method adds its events to the list it is given."""

    __slots__ = (
        "_named_reasoning", "_open_kind", "_parts", "_provenance", "_refused", "_seen_text", "_splitter", "_thought",
        "calls", "extra", "message_extra", "number", "raw",
    )  # fmt: skip

    def __init__(self, number: int, reply: str, counter: PartCounter, *, options: DecodeOptions) -> None:
        self.number = number
        self._parts = ChoiceParts(number, counter)
        self._provenance = options.provenance
        self._splitter = ThinkSplitter() if options.think_tags else None
        self._open_kind = ""
        self._thought = False
        self._named_reasoning = False
        self._refused = False
        self._seen_text = False
        self.calls = CallAssembler(reply, number, self._parts)
        self.raw: str | None = None
        self.extra: Json = {}
        self.message_extra: Json = {}

    @property
    def has_content(self) -> bool:
        """Return whether anything was said."""
        return self._seen_text or self._thought or self._refused or bool(self.calls)

    def text(self, text: str, events: list[Event]) -> None:
        """Add visible text, splitting inline reasoning off where the host writes it so."""
        if self._splitter is not None:
            for kind, piece in self._splitter.feed(text):
                self._say(kind, piece, events)
        elif self._parts.open is not None and self._open_kind == "text":
            events.append(e.PartDelta(self._parts.open, text))
        else:
            self._say("text", text, events)

    def delta(self, delta: Json, events: list[Event]) -> None:
        """Add one delta, whatever it holds."""
        self._reasoning(delta, events)
        content = delta.get("content")
        if content:
            if isinstance(content, str):
                self.text(content, events)
            else:
                self._content_list(as_list(content) or [], events)
        if isinstance(refusal := delta.get("refusal"), str) and refusal:
            self._say("refusal", refusal, events)
        if calls := as_list(delta.get("tool_calls")):
            self.calls.take(calls, events)
        if (call := as_object(delta.get("function_call"))) is not None:
            self.calls.take_legacy(call, events)
        if cited := as_list(delta.get("annotations")):
            self._annotations(cited, events)
        if images := as_list(delta.get("images")):
            self._images(images, events)
        if not delta.keys() <= _KNOWN_DELTA:
            unknown = {name: value for name, value in delta.items() if name not in _KNOWN_DELTA}
            gather(self.message_extra, unknown)

    def message(self, message: Json, events: list[Event]) -> None:
        """Add a whole message, which some hosts send last: only what has not been streamed yet."""
        left = dict(message)
        if self._seen_text:
            left.pop("content", None)
        if self._thought:
            for name in (*REASONING_FIELDS, "reasoning_details"):
                left.pop(name, None)
        if self.calls:
            left.pop("tool_calls", None)
        if self._refused:
            left.pop("refusal", None)
        self.delta(left, events)

    def close(self, events: list[Event]) -> e.Finish:
        """End all parts and return why the choice ended."""
        if self._splitter is not None:
            for kind, piece in self._splitter.close():
                self._say(kind, piece, events)
        self._parts.end(events)
        self.calls.finish(events)
        reason = meaning(self.raw, called=bool(self.calls), refused=self._refused)
        return e.Finish(
            choice=self.number,
            reason=reason,
            raw=self.raw,
            extra=self.extra,
            message_extra=self.message_extra,
        )

    def _say(self, kind: str, text: str, events: list[Event], *, field: str | None = None) -> None:
        if self._parts.open is None or self._open_kind != kind:
            match kind:
                case "reasoning":
                    self._thought = True
                    self._switch(Reasoning(provenance=self._provenance, field=field), kind, events)
                case "refusal":
                    self._refused = True
                    self._switch(Refusal(text=""), kind, events)
                case _:
                    self._seen_text = True
                    self._switch(Text(text=""), kind, events)
        if text and self._parts.open is not None:
            events.append(e.PartDelta(self._parts.open, text))

    def _switch(self, part: Part, kind: str, events: list[Event]) -> None:
        self._parts.open = self._parts.begin(part, events)
        self._open_kind = kind

    def _reasoning(self, delta: Json, events: list[Event]) -> None:
        for name in REASONING_FIELDS:
            text = delta.get(name)
            if isinstance(text, str) and text:
                # Hosts that send details send the plain text beside them: it counts only once.
                self._named_reasoning = True
                self._say("reasoning", text, events, field=name)
                break
        else:
            text = details_text(delta.get("reasoning_details"))
            if text and not self._named_reasoning:
                self._say("reasoning", text, events, field="reasoning_details")
        if details := as_list(delta.get("reasoning_details")):
            _gather_details(self.message_extra, details)
        for envelope in as_list(delta.get(SEALED_FIELD)) or []:
            if isinstance(envelope, str):
                self._say("reasoning", "", events)
                if self._parts.open is not None:
                    events.append(e.SignatureDelta(self._parts.open, envelope, sealed=True))
                    # More reasoning after its envelope is a part of its own.
                    self._open_kind = "signed"

    def _content_list(self, items: list[Any], events: list[Event]) -> None:
        for part in read_content_list(items, self._provenance):
            match part:
                case Text(text=text):
                    self.text(text, events)
                case Reasoning(text=text, field=field):
                    self._say("reasoning", text, events, field=field)
                case _:
                    pass

    def _annotations(self, items: list[Any], events: list[Event]) -> None:
        for item in items:
            cited = as_object(item)
            if cited is None:
                continue
            if self._parts.open is not None and self._open_kind == "text":
                events.append(e.CitationDelta(self._parts.open, cited))
            else:
                gather(self.message_extra, {"annotations": [cited]})

    def _images(self, items: list[Any], events: list[Event]) -> None:
        for item in items:
            try:
                part = parse_part(item, "images")
            except CallerError:
                continue
            if isinstance(part, Image):
                events.append(e.PartEnd(self._parts.begin(part, events)))


def gather(target: Json, news: Json) -> None:
    """Add unknown members of a delta to what earlier deltas held: texts and lists grow, the rest replaces."""
    for name, value in news.items():
        known = target.get(name)
        if value is None:
            target.setdefault(name, None)
        elif isinstance(known, str) and isinstance(value, str) and name not in _WHOLE:
            target[name] = known + value
        elif (earlier := as_list(known)) is not None and (later := as_list(value)) is not None:
            target[name] = [*earlier, *later]
        elif (inner := as_object(known)) is not None and (more := as_object(value)) is not None:
            gather(inner, more)
        else:
            target[name] = value


_WHOLE = frozenset({"id", "type", "role", "name"})
"""Texts that come whole and may be repeated."""


def _gather_details(extra: Json, details: list[Any]) -> None:
    """Join OpenRouter's detail deltas: those of one type and index are pieces of one."""
    held: list[Any] = extra.setdefault("reasoning_details", [])
    for item in details:
        detail = as_object(item)
        last = as_object(held[-1]) if held else None
        if detail is None or last is None or _detail_key(last) != _detail_key(detail):
            held.append(dict(detail) if detail is not None else item)
            continue
        for name, value in detail.items():
            if name in {"text", "summary", "data"} and isinstance(value, str):
                last[name] = f"{last.get(name) or ''}{value}"
            elif value is not None:
                last[name] = value


def _detail_key(detail: Json) -> tuple[Any, Any]:
    return detail.get("type"), detail.get("index")


__all__ = ["ChoiceDecoder", "gather"]
