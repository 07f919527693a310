"""Gemini's stream chunks to events.

Each chunk is a whole answer object whose parts are increments; nearly every one is a piece of text, and
that path does little more than decode the JSON. `Finish` is held to the end of the stream, because a
finish reason may stand in a chunk before the last text. A failure comes as an error object, bare or not,
alone or in an array.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flowrouter.canonical import events as e
from flowrouter.canonical.events import Event
from flowrouter.canonical.parts import Part
from flowrouter.canonical.problem import Problem
from flowrouter.dialects.codec import DecodeOptions
from flowrouter.dialects.gemini.errors import problem_of_error
from flowrouter.dialects.gemini.stream_choice import ChoiceDecoder
from flowrouter.dialects.gemini.usage import parse_usage
from flowrouter.wire.json import JsonError, loads
from flowrouter.wire.members import Json, as_list, as_object, is_integer, take_text
from flowrouter.wire.sse import Frame

_KEYS = frozenset({"candidates", "usageMetadata", "modelVersion", "responseId"})
_CANDIDATES_MAX = 128


_NONE: frozenset[str] = frozenset()
"""Made once: each takes 216 bytes, and most answers need none of their own."""


class Decoder:
    """Frames of one Gemini stream to events; never raises, whatever the bytes."""

    mould = None

    __slots__ = (
        "_blocked", "_choices", "_done", "_keys", "_next", "_options", "_reply", "_seen", "_started", "_usage",
    )  # fmt: skip

    def __init__(self, options: DecodeOptions) -> None:
        self._options = options
        self._choices: dict[int, ChoiceDecoder] = {}
        self._next = 0
        self._started = False
        self._done = False
        self._reply = ""
        self._keys: tuple[str, ...] = ()  # their view would keep the chunk in memory
        self._seen = _NONE
        self._blocked: str | None = None
        self._usage: Json | None = None

    def feed(self, frame: Frame) -> list[Event]:
        """Return the events of one frame."""
        data = frame.data
        if self._done:
            return []
        if data is None or not (text := data.strip()) or text == b"[DONE]":
            return [e.Ping()]
        try:
            value = loads(data)
        except JsonError as error:
            return [e.FrameError(f"a chunk is not JSON: {error}")]
        events: list[Event] = []
        for item in as_list(value) or [value]:
            if not self._done:
                self._chunk(item, events)
        return events

    def close(self) -> list[Event]:
        """Return what the end of the stream means: the end, or an error if it was cut."""
        if self._done:
            return []
        self._done = True
        if self._blocked is not None and not self._choices:
            refused = e.Finish(reason="content_filter", raw=self._blocked, form={"absent": ["candidates"]})
            return [refused, e.MessageEnd()]
        if not self._choices:
            return [_failure("empty_stream", "The upstream ended its stream without an answer.")]
        return self._end()

    def _end(self) -> list[Event]:
        events: list[Event] = []
        finishes: list[Event] = []
        for _, state in sorted(self._choices.items()):
            try:
                state.end(events)
            except JsonError as error:
                return [*events, _failure("stream_truncated", f"A call cannot be written: {error}")]
            lax = self._options.lax_finish and state.has_content
            if state.raw is None and not lax and (self._blocked is None or state.has_content):
                message = "The upstream's stream was cut before the answer was complete."
                return [*events, _failure("stream_truncated", message)]
            finishes.append(state.finish(self._blocked))
        return [*events, *finishes, e.MessageEnd()]

    def _chunk(self, item: Any, events: list[Event]) -> None:
        chunk = as_object(item)
        if chunk is None:
            events.append(e.FrameError("a chunk is not an object"))
            return
        if chunk.get("error"):
            self._done = True
            events.append(e.StreamError(problem_of_error(chunk)))
            return
        if not self._started and not self._start(chunk, events):
            return
        if tuple(chunk) != self._keys:
            self._look_for_news(chunk, events)
        usage = chunk.get("usageMetadata")
        if usage is not None and usage != self._usage and (counted := as_object(usage)):
            self._usage = counted
            events.append(e.UsageUpdate(parse_usage(counted)))
        for place, candidate in enumerate(as_list(chunk.get("candidates")) or ()):
            self._candidate(candidate, place, events)

    def _candidate(self, item: Any, place: int, events: list[Event]) -> None:
        candidate = as_object(item)
        if candidate is None:
            events.append(e.FrameError("a candidate is not an object"))
            return
        index = candidate.get("index", place)
        number = index if is_integer(index) and 0 <= index < _CANDIDATES_MAX else place
        state = self._choices.get(number)
        if state is None:
            state = self._choices[number] = ChoiceDecoder(
                number,
                turn_of(self._reply, number),
                begin=self._begin,
                provenance=self._options.provenance,
                think_tags=self._options.think_tags,
            )
        try:
            state.take(candidate, events)
        except ValueError as error:
            events.append(e.FrameError(f"a candidate cannot be read: {error}"))

    def _begin(self, choice: int, part: Part, events: list[Event]) -> int:
        number = self._next
        self._next += 1
        events.append(e.PartStart(index=number, part=part, choice=choice))
        return number

    def _start(self, chunk: Json, events: list[Event]) -> bool:
        """Begin the answer at the first chunk that is one."""
        if not chunk:
            events.append(e.Ping())
            return False
        if chunk.keys().isdisjoint(_KEYS) and blocked_by(chunk) is None:
            events.append(e.FrameError("a chunk without candidates"))
            return False
        self._started = True
        rest = dict(chunk)
        self._reply, model = take_name(rest, "responseId"), take_name(rest, "modelVersion")
        self._blocked = blocked_by(chunk)
        usage = as_object(chunk.get("usageMetadata"))
        created = created_at(rest)
        self._seen = self._seen.union(chunk)
        self._keys = tuple(chunk)
        extra = {name: value for name, value in rest.items() if name not in _KEYS and value is not None}
        start = e.MessageStart(
            origin="gemini",
            id=self._reply,
            model=model,
            created=created,
            extra=extra,
            usage=parse_usage(usage) if usage else None,
        )
        events.append(start)
        return True

    def _look_for_news(self, chunk: Json, events: list[Event]) -> None:
        """Pass on top-level members that no earlier chunk had."""
        self._keys = tuple(chunk)
        self._blocked = self._blocked or blocked_by(chunk)
        for name, value in chunk.items():
            if name not in _KEYS and name not in self._seen and name != "error" and value is not None:
                self._seen |= {name}
                events.append(e.OpaqueEvent(origin="gemini", payload={name: value}))


def blocked_by(answer: Json) -> str | None:
    """Return the reason for which a prompt was refused, if it was."""
    reason = (as_object(answer.get("promptFeedback")) or {}).get("blockReason")
    return reason if isinstance(reason, str) and reason else None


def created_at(rest: Json) -> int | None:
    """Take out of `rest` when an answer began; a time finer than seconds stays there too."""
    text = rest.get("createTime")
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        created = int(moment.timestamp())
        plain = datetime.fromtimestamp(created, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError):
        return None
    if plain == text:
        del rest["createTime"]
    return created


def take_name(rest: Json, name: str) -> str:
    """Take a name out of `rest`; one without letters stays there."""
    return take_text(rest, name) or "" if rest.get(name) else ""


def turn_of(reply: str, choice: int) -> str:
    """Return what tells the calls of one candidate from those of all other answers."""
    return f"{reply}/{choice}" if choice else reply


def _failure(code: str, message: str) -> e.StreamError:
    return e.StreamError(Problem(status=502, message=message, code=code))


__all__ = ["Decoder", "blocked_by", "created_at", "take_name", "turn_of"]
