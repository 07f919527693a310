"""One candidate of a Gemini stream: which part is open, and what a chunk adds to it.

Thoughts and text come in pieces and are open one at a time; everything else comes whole. A signature on
a piece of text ends the text, since the vendor wants signed and unsigned text kept apart.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from flowrouter.canonical import events as e
from flowrouter.canonical.events import Event
from flowrouter.canonical.parts import Opaque, Part, Provenance, Reasoning, Text, ToolCall
from flowrouter.canonical.think_tags import ThinkSplitter
from flowrouter.dialects.gemini.citations import read_citations
from flowrouter.dialects.gemini.finishes import meaning
from flowrouter.dialects.gemini.logprobs import add_logprobs, read_logprobs
from flowrouter.dialects.gemini.parse_parts import Parts
from flowrouter.dialects.gemini.partial_args import PartialArguments
from flowrouter.dialects.gemini.reply_parts import EMPTY, read_part
from flowrouter.dialects.gemini.stream_parts import keep_text
from flowrouter.wire.json import dumps_text
from flowrouter.wire.members import Json, as_list, as_object

_KNOWN = frozenset({"content", "index", "finishReason", "logprobsResult"})
_KNOWN_CONTENT = frozenset({"role", "parts"})
_SOURCES = frozenset({"groundingMetadata", "citationMetadata"})


class ChoiceDecoder:
    """The state of one candidate; every method adds its events to the list it is given."""

    __slots__ = (
        "_arguments", "_begin", "_called", "_cited", "_kind", "_open", "_parts", "_provenance", "_said", "_splitter",
        "extra", "form", "has_content", "message_extra", "number", "raw",
    )  # fmt: skip

    def __init__(
        self,
        number: int,
        turn: str,
        *,
        begin: Callable[[int, Part, list[Event]], int],
        provenance: Provenance,
        think_tags: bool,
    ) -> None:
        self.number = number
        self._begin = begin
        self._provenance = provenance
        self._parts = Parts(turn, provenance=provenance)
        self._splitter = ThinkSplitter() if think_tags else None
        self._open = -1
        self._kind = ""
        self._said: list[str] = []
        self._cited: Json = {}
        self._called = False
        self._arguments: PartialArguments | None = None
        self.has_content = False
        self.raw: str | None = None
        self.extra: Json = {}
        self.message_extra: Json = {}
        self.form: Json = {}

    def take(self, candidate: Json, events: list[Event]) -> None:
        """Add one chunk's candidate; raises `ValueError`, before anything is told, for parts that are none.

        A lane that relays frames withholds one that cannot be read, so no part of it may have been told.
        """
        if not candidate.keys() <= _KNOWN:
            self._gather(self.extra, candidate, _KNOWN)
        content = as_object(candidate.get("content"))
        if content is not None:
            parts = as_list(content.get("parts")) or ()
            if any(type(part) is not dict for part in parts):
                raise ValueError("a part is not an object")
            for part in parts:
                self._part(part, events)
            if not content.keys() <= _KNOWN_CONTENT:
                self._gather(self.message_extra, content, _KNOWN_CONTENT)
        if (logprobs := as_object(candidate.get("logprobsResult"))) is not None:
            self.form["logprobsResult"] = add_logprobs(self.form.get("logprobsResult", {}), logprobs)
            events.append(e.LogprobsDelta(choice=self.number, logprobs=read_logprobs(logprobs)))
        raw = candidate.get("finishReason")
        if raw and isinstance(raw, str):
            self.raw = raw
            self._end_arguments(events)

    def end(self, events: list[Event]) -> None:
        """End what is open."""
        self._end_arguments(events)
        if self._splitter is not None:
            for kind, piece in self._splitter.close():
                self._say(kind, piece, events)
        self._end_open(events)

    def finish(self, blocked: str | None) -> e.Finish:
        """Return why the candidate ended; `blocked` is the reason a prompt was refused for."""
        refused = blocked is not None and not self.has_content
        return e.Finish(
            choice=self.number,
            reason="content_filter" if refused else meaning(self.raw, called=self._called),
            raw=self.raw or (blocked if refused else None),
            extra=self.extra,
            message_extra=self.message_extra,
            form=self.form,
        )

    def _part(self, part: Json, events: list[Event]) -> None:
        if isinstance(text := part.get("text"), str):
            thought = part.get("thought") if len(part) == 2 else None
            if len(part) == 1 or thought is False:
                self._text(text, events)
                return
            if thought is True:
                self._say("reasoning", text, events)
                return
        else:
            call = as_object(part.get("functionCall"))
            if call is not None and self._is_piece(call):
                self._piece(part, call, events)
                return
        self._read(part, events)

    def _parsed(self, part: Json) -> list[Part]:
        """Return what a part becomes; one in an unknown form is passed on, for its own dialect's clients.

        A whole answer with such a part is refused, since another target may still give it.
        """
        try:
            return read_part(part, self._parts)
        except ValueError:
            return [Opaque(payload=part, origin="gemini")]

    def _read(self, part: Json, events: list[Event]) -> None:
        self._end_arguments(events)
        for read in self._parsed(part):
            match read:
                case Text():
                    self._text(read.text, events, extra=read.extra)
                case Reasoning() if read.text or (read.field is None and read.call_id is None):
                    self._thought(read, events)
                case Reasoning() if read.field == "text" and self._kind == "text":
                    # The text that this signs belongs to the open one, so it has to be told first.
                    self._signed_text(read, str(part.get("text")), events)
                    return
                case _:
                    self._whole(read, events)

    def _text(self, text: str, events: list[Event], *, extra: Json | None = None) -> None:
        if self._splitter is not None:
            for kind, piece in self._splitter.feed(text):
                self._say(kind, piece, events)
        elif text and self._kind == "text" and not extra:
            keep_text(self._said, text)
            events.append(e.PartDelta(self._open, text))
        else:
            self._say("text", text, events, extra=extra)

    def _say(self, kind: str, text: str, events: list[Event], *, extra: Json | None = None) -> None:
        if not text and not extra:
            return
        if self._kind != kind or extra:
            self._end_arguments(events)
            self._end_open(events)
            part = Text(text="") if kind == "text" else Reasoning(provenance=self._provenance)
            if extra:
                part = msgspec.structs.replace(part, extra=extra)
            self._open, self._kind = self._begin(self.number, part, events), kind
        if text:
            self.has_content = True
            if kind == "text":
                keep_text(self._said, text)
            events.append(e.PartDelta(self._open, text))

    def _thought(self, thought: Reasoning, events: list[Event]) -> None:
        """Add a thought with more than text: after its signature the next is a part of its own."""
        if self._kind != "reasoning" or thought.extra:
            self._end_open(events)
            bare = msgspec.structs.replace(thought, text="", signature=None)
            self._open, self._kind = self._begin(self.number, bare, events), "reasoning"
        self._say("reasoning", thought.text, events)
        if thought.signature is not None:
            self.has_content = True
            events.append(e.SignatureDelta(self._open, thought.signature))
            self._end_open(events)

    def _signed_text(self, signed: Reasoning, text: str, events: list[Event]) -> None:
        self._text(text, events)
        self._whole(msgspec.structs.replace(signed, field=EMPTY), events)

    def _whole(self, part: Part, events: list[Event]) -> None:
        """Tell a part that came in one piece."""
        self._end_open(events)
        self.has_content = True
        match part:
            case ToolCall():
                self._called = True
                at = self._begin(self.number, msgspec.structs.replace(part, arguments=""), events)
                events.append(e.PartDelta(at, part.arguments))
            case Reasoning():
                at = self._begin(self.number, msgspec.structs.replace(part, signature=None), events)
                if part.signature is not None:
                    events.append(e.SignatureDelta(at, part.signature))
            case _:
                at = self._begin(self.number, part, events)
        events.append(e.PartEnd(at))

    def _is_piece(self, call: Json) -> bool:
        """Return whether a call, or more of one, comes piecemeal."""
        if call.get("willContinue") is True or "partialArgs" in call:
            return True
        return self._arguments is not None and not call.get("name")

    def _piece(self, part: Json, call: Json, events: list[Event]) -> None:
        if call.get("name"):
            self._end_arguments(events)
        if self._arguments is None:
            self._begin_call(part, call, events)
        if self._arguments is None:
            return
        self._arguments.take(as_list(call.get("partialArgs")) or [])
        self._arguments.add(as_object(call.get("args")) or {})
        if call.get("willContinue") is not True:
            self._end_arguments(events)

    def _begin_call(self, part: Json, call: Json, events: list[Event]) -> None:
        named = {name: value for name, value in call.items() if name not in ("partialArgs", "willContinue")}
        for read in self._parsed({**part, "functionCall": {**named, "args": {}}}):
            if not isinstance(read, ToolCall):
                self._whole(read, events)
                continue
            self._end_open(events)
            self._called = self.has_content = True
            bare = msgspec.structs.replace(read, arguments="")
            self._open, self._kind = self._begin(self.number, bare, events), "call"
            self._arguments = PartialArguments()

    def _end_arguments(self, events: list[Event]) -> None:
        if self._arguments is not None:
            events.append(e.PartDelta(self._open, dumps_text(self._arguments.value)))
            self._arguments = None
            self._end_open(events)

    def _end_open(self, events: list[Event]) -> None:
        if not self._kind:
            return
        if self._kind == "text":
            sources = {name: self.extra[name] for name in _SOURCES & self.extra.keys()}
            if sources != self._cited:
                self._cited = sources
                cited = read_citations(sources, "".join(self._said))
                events += [e.CitationDelta(self._open, citation) for citation in cited]
            self._said.clear()
        events.append(e.PartEnd(self._open))
        self._open, self._kind = -1, ""

    @staticmethod
    def _gather(target: Json, news: Json, known: frozenset[str]) -> None:
        """Keep what a chunk says beside the answer: later words replace earlier ones, objects grow."""
        for name, value in news.items():
            if name in known or value is None:
                continue
            earlier, later = as_object(target.get(name)), as_object(value)
            target[name] = {**earlier, **later} if earlier is not None and later is not None else value


__all__ = ["ChoiceDecoder"]
