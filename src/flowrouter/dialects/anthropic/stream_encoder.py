"""Events to the bytes of an Anthropic stream.

The vendor sends one block at a time, so does this encoder: a part that begins while an earlier one
is open waits until that one ends. What waits is kept by the cursor too, so that `resume` can take
over at any event. The message ends with one `message_delta`, which carries the final usage.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from flowrouter.canonical import events as e
from flowrouter.canonical.cursor import Cursor
from flowrouter.canonical.dialect import Dialect
from flowrouter.canonical.events import Event
from flowrouter.canonical.loss import Loss
from flowrouter.canonical.parts import Part, Reasoning, Refusal, Text, ToolCall
from flowrouter.canonical.usage import Usage, merge
from flowrouter.dialects.anthropic.citations import citation_block
from flowrouter.dialects.anthropic.errors import error_object
from flowrouter.dialects.anthropic.render_parts import Block
from flowrouter.dialects.anthropic.responses import (
    NOTHING_TO_TELL,
    TRAILING,
    UNCITED,
    message_id,
    reply_block,
    trails,
    unknown_members,
)
from flowrouter.dialects.anthropic.stops import stop_of
from flowrouter.dialects.anthropic.usage import render_delta_usage, render_usage
from flowrouter.dialects.codec import EncodeOptions
from flowrouter.wire.json import dumps, dumps_text
from flowrouter.wire.sse import COMMENT, write

_PING = write(b'{"type":"ping"}', "ping")
_STOP = write(b'{"type":"message_stop"}', "message_stop")
_DELTA_TAIL = b"}}\n\n"
_DELTAS = {
    "text": ("text_delta", "text"),
    "refusal": ("text_delta", "text"),
    "reasoning": ("thinking_delta", "thinking"),
    "tool_call": ("input_json_delta", "partial_json"),
}


class AnthropicEncoder:
    """Encodes one stream; `losses` gathers what it could not say."""

    def __init__(self, options: EncodeOptions) -> None:
        self.losses: list[Loss] = []
        self._options = options
        self._origin: Dialect = "anthropic"
        self._started = False
        self._done = False
        self._usage: Usage | None = None
        self._finish: e.Finish | None = None
        self._called = False
        self._refused = False
        self._next = 0
        self._current: int | None = None
        self._kind = ""
        self._custom = False
        self._held = b""
        self._trails = False
        self._waiting: dict[int, list[Event]] = {}
        self._ignored: set[int] = set()

    @classmethod
    def resume(cls, options: EncodeOptions, cursor: Cursor) -> AnthropicEncoder:
        """Return an encoder that goes on behind all that `cursor` has seen."""
        encoder = cls(options)
        encoder._take_over(cursor)
        return encoder

    def feed(self, event: Event) -> bytes:
        """Return the bytes of one event."""
        if self._done:
            return b""
        if type(event) is e.PartDelta:  # nearly every one
            return self._delta(event, event.index, event.text)
        match event:
            case e.PartStart():
                return self._part_start(event)
            case e.PartEnd(index=index):
                return self._part_end(event, index)
            case e.SignatureDelta(index=index) | e.CitationDelta(index=index):
                return self._attribute(event, index)
            case e.MessageStart():
                return self._message_start(event)
            case e.UsageUpdate(usage=usage):
                self._usage = merge(self._usage, usage)
                return self._message_delta(self._finish) if self._finish is not None else b""
            case e.Finish():
                return self._end(event)
            case e.MessageEnd():
                self._done = True
                return _STOP
            case e.StreamError(problem=problem):
                self._done = True
                return _event("error", error=error_object(problem))
            case e.Ping():
                return self.heartbeat()
            case e.FrameError():
                return b""
            case _:
                return self._other(event)

    def saying(self, index: int) -> Callable[[str], bytes] | None:
        """Return what writes the deltas of an open part, until another event; None if they must be fed."""
        if self._done or index != self._current or self._held or self._custom or self._kind not in _DELTAS:
            return None
        head = self._delta_head(*_DELTAS[self._kind])
        return lambda text: head + dumps(text) + _DELTA_TAIL

    def heartbeat(self) -> bytes:
        """Return a ping, or a comment where the message has not begun."""
        if self._done:
            return b""
        return _PING if self._started else COMMENT

    def _message_start(self, event: e.MessageStart) -> bytes:
        # A second start comes from a target that took over: the first identity stays.
        self._origin = event.origin
        if self._started:
            return b""
        self._started = True
        message: dict[str, Any] = {
            "id": message_id(event.id, event.origin, self._options),
            "type": "message",
            "role": "assistant",
            "model": self._options.model or event.model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": render_usage(event.usage),
        }
        if event.origin == "anthropic":
            message.update((name, value) for name, value in event.extra.items() if name not in message)
        else:
            message |= NOTHING_TO_TELL
            self.losses += unknown_members(event.extra, event.origin)
        return _event("message_start", message=message)

    def _part_start(self, event: e.PartStart) -> bytes:
        if event.choice != 0:
            self._ignored.add(event.index)
            self._lose(f"choices[{event.choice}]", "one answer per reply")
            return b""
        if self._current is not None:
            self._waiting[event.index] = [event]
            return b""
        return self._open(event)

    def _open(self, event: e.PartStart) -> bytes:
        part = event.part
        block = self._start_block(part)
        if block is None:
            self._ignored.add(event.index)
            return b""
        given: Any = None
        if block.get("input") and not isinstance(part, ToolCall):
            # A server tool's call is whole here, but clients build its input from deltas.
            given = block["input"]
            block = {**block, "input": cast("Any", {})}
        self._current = event.index
        self._kind = str(part.__struct_config__.tag)
        self._called = self._called or isinstance(part, ToolCall)
        self._refused = self._refused or isinstance(part, Refusal)
        out = _event("content_block_start", index=self._next, content_block=block)
        if isinstance(part, Reasoning) and self._origin != "anthropic":
            # Foreign state without words or an envelope leaves nothing for the client: no block either.
            self._held = out
            self._trails = trails(part)
            return b""
        self._next += 1
        if given is not None:
            out += self._block_delta("input_json_delta", "partial_json", dumps_text(given))
        self._custom = isinstance(part, ToolCall) and part.kind == "custom"
        if self._custom:
            out += self._block_delta("input_json_delta", "partial_json", '{"input":"')
        return out

    def _start_block(self, part: Part) -> Block | None:
        own = self._origin == "anthropic"
        match part:
            case Text() if not own:
                return {"type": "text", "text": ""}
            case Refusal():
                return {"type": "text", "text": ""}
            case Reasoning() if part.redacted is None:
                extra = part.extra if own else {}
                return {"type": "thinking", "thinking": "", "signature": "", **extra}
            case ToolCall():
                extra = part.extra if own else {}
                return {"type": "tool_use", "id": part.id, "name": part.name, "input": {}, **extra}
            case _:
                return reply_block(part, self._origin, self.losses)

    def _delta(self, event: Event, index: int, text: str) -> bytes:
        if index != self._current:
            return self._wait(event, index)
        if self._custom:
            text = dumps_text(text)[1:-1]
        elif self._kind not in _DELTAS:
            return b""
        kind, field = _DELTAS[self._kind]
        if self._held:
            return self._shown() + self._block_delta(kind, field, text) if text else b""
        return self._block_delta(kind, field, text)

    def _shown(self) -> bytes:
        """Return the start of a block that was held back until there was something in it."""
        held, self._held = self._held, b""
        self._next += bool(held)
        return held

    def _block_delta(self, kind: str, field: str, text: str) -> bytes:
        return self._delta_head(kind, field) + dumps(text) + _DELTA_TAIL

    def _delta_head(self, kind: str, field: str) -> bytes:
        return (
            b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,'
            b'"delta":{"type":"%b","%b":' % (self._next - 1, kind.encode(), field.encode())
        )

    def _attribute(self, event: e.SignatureDelta | e.CitationDelta, index: int) -> bytes:
        if index != self._current:
            return self._wait(event, index)
        own = self._origin == "anthropic"
        if isinstance(event, e.CitationDelta):
            citation = event.citation if own else citation_block(event.citation)
            if citation is None:
                self._lose(UNCITED.path, UNCITED.reason)
                return b""
            delta: dict[str, Any] = {"type": "citations_delta", "citation": citation}
        else:
            if not own and not event.sealed:
                self._lose("content.reasoning", "state of another vendor")
                return b""
            if self._held and self._trails:
                self._lose(TRAILING.path, TRAILING.reason)
                return b""
            delta = {"type": "signature_delta", "signature": event.signature}
        return self._shown() + _event("content_block_delta", index=self._next - 1, delta=delta)

    def _part_end(self, event: Event, index: int) -> bytes:
        if index != self._current:
            return self._wait(event, index)
        return self._stop_block() + self._release()

    def _stop_block(self) -> bytes:
        self._current, held, self._held = None, self._held, b""
        if held:
            return b""
        out = b""
        if self._custom:
            out = self._block_delta("input_json_delta", "partial_json", '"}')
        self._custom = False
        return out + _event("content_block_stop", index=self._next - 1)

    def _wait(self, event: Event, index: int) -> bytes:
        if index not in self._ignored and index in self._waiting:
            self._waiting[index].append(event)
        return b""

    def _release(self) -> bytes:
        """Write what has waited, in the parts' order, up to one that is still open."""
        out: list[bytes] = []
        while self._current is None and self._waiting:
            start, *rest = self._waiting.pop(min(self._waiting))
            assert isinstance(start, e.PartStart)
            out.append(self._open(start))
            if start.index not in self._ignored:
                out += [
                    self._stop_block() if isinstance(event, e.PartEnd) else self.feed(event) for event in rest
                ]
        return b"".join(out)

    def _end(self, finish: e.Finish) -> bytes:
        if finish.choice != 0 or self._finish is not None:
            return b""
        self._finish = finish
        if self._origin != "anthropic":
            self.losses += unknown_members({**finish.extra, **finish.message_extra}, self._origin)
        return self._message_delta(finish)

    def _message_delta(self, finish: e.Finish) -> bytes:
        stop = stop_of(
            finish.reason, finish.raw, origin=self._origin, called=self._called, refused=self._refused
        )
        delta: dict[str, Any] = {"stop_reason": stop, "stop_sequence": finish.stop_sequence}
        beside: dict[str, Any] = {}
        if self._origin == "anthropic":
            delta = {**finish.extra, **delta}
            beside = finish.message_extra
        usage = render_delta_usage(self._usage)
        return _event("message_delta", **{**beside, "delta": delta, "usage": usage})

    def _other(self, event: Event) -> bytes:
        match event:
            case e.OpaqueEvent(origin="anthropic", payload=payload):
                kind = payload.get("type")
                return write(dumps(payload), kind if isinstance(kind, str) else None)
            case e.OpaqueEvent(origin=origin):
                self._lose("event", f"an event only {origin} knows")
            case e.LogprobsDelta():
                self._lose("logprobs", "no place for token probabilities")
            case _:
                pass
        return b""

    def _lose(self, path: str, reason: str) -> None:
        loss = Loss(path=path, kind="dropped", reason=reason)
        if loss not in self.losses:
            self.losses.append(loss)

    def _take_over(self, cursor: Cursor) -> None:
        self._started = cursor.started
        self._done = cursor.ended or cursor.problem is not None
        self._origin = cursor.origin or "anthropic"
        self._usage = cursor.usage
        self._finish = cursor.finishes.get(0)
        for state in cursor.parts:
            if state.choice != 0:
                self._ignored.add(state.index)
            elif self._current is not None:
                self._waiting[state.index] = list(state.behind or ())
            else:
                self._open(e.PartStart(index=state.index, part=state.header))
                if state.characters or any(getattr(each, "sealed", False) for each in state.attributes):
                    self._shown()
                if not state.is_open and state.index not in self._ignored:
                    self._stop_block()
        self.losses.clear()


def _event(kind: str, **members: Any) -> bytes:
    return write(dumps({"type": kind, **members}), kind)


__all__ = ["AnthropicEncoder"]
