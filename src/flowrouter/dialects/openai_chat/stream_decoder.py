"""Chat stream chunks to events.

Nearly every chunk is one piece of text for one choice: that path does little more than decode the
JSON. `Finish` is held to the end of the stream, because the usage comes after the finish reason.
"""

from __future__ import annotations

from typing import Any

from flowrouter.canonical import events as e
from flowrouter.canonical.events import Event
from flowrouter.canonical.problem import Problem
from flowrouter.dialects.codec import DecodeOptions
from flowrouter.dialects.mould import DeltaMould
from flowrouter.dialects.openai_chat.errors import problem_of_error
from flowrouter.dialects.openai_chat.parse_messages import REASONING_FIELDS
from flowrouter.dialects.openai_chat.stream_choice import ChoiceDecoder, gather
from flowrouter.dialects.openai_chat.stream_parts import PartCounter
from flowrouter.dialects.openai_chat.usage import parse_usage
from flowrouter.wire.json import JsonError, loads
from flowrouter.wire.members import Json, as_list, as_object, is_integer
from flowrouter.wire.sse import Frame

_CHUNK_KEYS = frozenset({"id", "object", "created", "model", "choices", "usage", "error"})
_CHOICE_KEYS = frozenset({"index", "delta", "message", "finish_reason", "logprobs", "usage"})
_SPOKEN = frozenset({"role", "content", *REASONING_FIELDS})

NOISE = frozenset({
    "obfuscation",
    "prompt_filter_results",
    "content_filter_results",
    "content_filter_result",
    "content_filter_offsets",
})  # fmt: skip
"""Padding, and Azure's filter reports: nothing a client of the stream would miss."""


_NONE: frozenset[str] = frozenset()
"""Made once: each takes 216 bytes, and most answers need none of their own."""


class ChatDecoder:
    """Frames of one Chat stream to events; never raises, whatever the bytes."""

    __slots__ = (
        "_choices", "_counter", "_done", "_id", "_keys", "_options", "_seen", "_started", "_usage", "mould",
    )  # fmt: skip

    def __init__(self, options: DecodeOptions) -> None:
        self._options = options
        self._choices: dict[int, ChoiceDecoder] = {}
        self._counter = PartCounter()
        self._started = False
        self._done = False
        self._id = ""
        self._keys: tuple[str, ...] = ()  # their view would keep the chunk in memory
        self._seen = _NONE
        self._usage: Json | None = None
        self.mould = DeltaMould()

    def feed(self, frame: Frame) -> list[Event]:
        """Return the events of one frame."""
        data = frame.data
        if self._done:
            return []
        if data is None:
            return [e.Ping()]
        if frame.event is None and (delta := self.mould.match(frame)) is not None:
            return [delta]
        self.mould.forget()
        if data[:1] != b"{":
            mark = data.strip()
            if mark == b"[DONE]":
                return self._end(terminated=True)
            if not mark:
                return [e.Ping()]
        try:
            chunk = as_object(loads(data))
        except JsonError as error:
            return [e.FrameError(f"a chunk is not JSON: {error}")]
        if chunk is None:
            return [e.FrameError("a chunk is not an object")]
        if frame.event == "error" or _is_error(chunk):
            return self._fail(problem_of_error(chunk))
        events = self._chunk(chunk)
        if frame.event is None and not self._options.think_tags and (said := _said(chunk)):
            self.mould.learn(frame, said, events)
        return events

    def close(self) -> list[Event]:
        """Return what the end of the stream means: the end, or an error if it was cut."""
        return [] if self._done else self._end(terminated=False)

    def _chunk(self, chunk: Json) -> list[Event]:
        events: list[Event] = []
        choices = as_list(chunk.get("choices"))
        if not self._started and not self._start(chunk, choices, events):
            return events
        if tuple(chunk) != self._keys:
            self._look_for_news(chunk, events)
        if choices:
            for item in choices:
                choice = as_object(item)
                if choice is None:
                    events.append(e.FrameError("a choice is not an object"))
                else:
                    self._choice(choice, events)
        usage = as_object(chunk.get("usage"))
        if usage is None and "x_groq" in chunk:
            usage = as_object((as_object(chunk["x_groq"]) or {}).get("usage"))
        if usage is not None:
            self._count(usage, events, tier=chunk.get("service_tier"))
        return events

    def _start(self, chunk: Json, choices: list[Any] | None, events: list[Event]) -> bool:
        """Begin the answer at the first chunk that is one; Azure sends a filter report before it."""
        reply, model, created = chunk.get("id"), chunk.get("model"), chunk.get("created")
        if not choices and not reply and chunk.get("usage") is None:
            if "choices" not in chunk:
                events.append(e.FrameError("a chunk without choices"))
            return False
        self._started = True
        self._id = reply if isinstance(reply, str) else ""
        extra = {
            name: value for name, value in chunk.items() if name not in _CHUNK_KEYS and name not in NOISE
        }
        if extra:
            self._seen |= set(extra)
        self._keys = tuple(chunk)
        events.append(
            e.MessageStart(
                origin="openai_chat",
                id=self._id,
                model=model if isinstance(model, str) else "",
                created=created if is_integer(created) else None,
                extra=extra,
            )
        )
        return True

    def _look_for_news(self, chunk: Json, events: list[Event]) -> None:
        """Pass on top-level members that no earlier chunk had."""
        self._keys = tuple(chunk)
        for name in chunk.keys() - _CHUNK_KEYS - NOISE - self._seen:
            if chunk[name] is not None:
                self._seen |= {name}
                events.append(e.OpaqueEvent(origin="openai_chat", payload={name: chunk[name]}))

    def _choice(self, choice: Json, events: list[Event]) -> None:
        index = choice.get("index")
        number = index if is_integer(index) and 0 <= index < 128 else 0
        state = self._choices.get(number)
        if state is None:
            state = ChoiceDecoder(number, self._id, self._counter, options=self._options)
            self._choices[number] = state
        if (delta := as_object(choice.get("delta"))) is not None:
            text = delta.get("content")
            if len(delta) == 1 and isinstance(text, str):
                if text:
                    state.text(text, events)
            elif delta:
                state.delta(delta, events)
        elif (message := as_object(choice.get("message"))) is not None:
            state.message(message, events)
        if logprobs := as_object(choice.get("logprobs")):
            events.append(e.LogprobsDelta(choice=number, logprobs=logprobs))
        raw = choice.get("finish_reason")
        if raw and isinstance(raw, str):
            state.raw = raw
        if not choice.keys() <= _CHOICE_KEYS:
            unknown = choice.keys() - _CHOICE_KEYS - NOISE
            gather(state.extra, {name: choice[name] for name in unknown if choice[name] is not None})
        if (usage := as_object(choice.get("usage"))) is not None:
            # Moonshot counts inside the choice.
            self._count(usage, events)

    def _count(self, usage: Json, events: list[Event], *, tier: object = None) -> None:
        if usage and usage != self._usage:
            self._usage = usage
            events.append(e.UsageUpdate(parse_usage(usage, tier=tier)))

    def _end(self, *, terminated: bool) -> list[Event]:
        if not self._started or not self._choices:
            return self._fail(_problem("empty_stream", "The upstream ended its stream without an answer."))
        self._done = True
        events: list[Event] = []
        finishes: list[Event] = []
        for _, state in sorted(self._choices.items()):
            finish = state.close(events)
            ended = state.raw is not None or terminated or self._options.lax_finish
            if not ended or (state.raw is None and not state.has_content):
                message = "The upstream's stream was cut before the answer was complete."
                return [*events, e.StreamError(_problem("stream_truncated", message))]
            finishes.append(finish)
        return [*events, *finishes, e.MessageEnd()]

    def _fail(self, problem: Problem) -> list[Event]:
        self._done = True
        return [e.StreamError(problem)]


def _is_error(chunk: Json) -> bool:
    """Return whether a chunk reports a failure: OpenAI's member, or a flat object of another host."""
    if chunk.get("error"):
        return True
    return "choices" not in chunk and (chunk.get("object") == "error" or "detail" in chunk)


def _said(chunk: Json) -> str:
    """Return the words of a chunk that brings nothing else which would be gathered."""
    choices = as_list(chunk.get("choices")) or []
    choice = as_object(choices[0]) if len(choices) == 1 else None
    delta = None if choice is None else as_object(choice.get("delta"))
    if choice is None or delta is None or not (choice.keys() <= _CHOICE_KEYS and delta.keys() <= _SPOKEN):
        return ""
    said = [value for name, value in delta.items() if value and name != "role"]
    return said[0] if len(said) == 1 and isinstance(said[0], str) else ""


def _problem(code: str, message: str) -> Problem:
    return Problem(status=502, message=message, kind="server_error", code=code)


__all__ = ["NOISE", "ChatDecoder"]
