"""Frames of an Anthropic stream to events; never raises, whatever the bytes.

Blocks this hub has no word for are gathered and told whole when they end. The finish is told with
the stop reason, which the vendor sends together with the final usage.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import msgspec

from flowrouter.canonical import events as e
from flowrouter.canonical.events import Event
from flowrouter.canonical.parts import Opaque, Part, Reasoning, Text, ToolCall
from flowrouter.canonical.problem import Problem
from flowrouter.canonical.usage import Usage
from flowrouter.dialects.anthropic.errors import is_error, problem_from
from flowrouter.dialects.anthropic.node import ShapeError
from flowrouter.dialects.anthropic.parse_parts import parse_block
from flowrouter.dialects.anthropic.responses import AT_THE_END, BESIDE_THE_END
from flowrouter.dialects.anthropic.stops import finish_of
from flowrouter.dialects.anthropic.usage import parse_usage
from flowrouter.dialects.codec import DecodeOptions
from flowrouter.dialects.mould import DeltaMould
from flowrouter.wire.json import JsonError, loads
from flowrouter.wire.sse import Frame

_MESSAGE = frozenset({"id", "type", "role", "model", "content", "stop_reason", "stop_sequence", "usage"})
_DELTA_FIELDS = {"text_delta": "text", "input_json_delta": "partial_json", "thinking_delta": "thinking"}
_KIND_OF_DELTA = {"text_delta": "text", "input_json_delta": "tool_call", "thinking_delta": "reasoning"}


class _Block:
    """An open block: its event index, or the payload being gathered for an opaque one."""

    __slots__ = ("held", "index", "kind", "payload", "pieces", "said")

    def __init__(self, index: int, kind: str) -> None:
        self.index = index
        self.kind = kind
        self.said = False
        self.held = ""
        self.payload: dict[str, Any] | None = None
        self.pieces: list[str] = []


class AnthropicDecoder:
    """Decodes one stream: `feed` each frame, then `close`."""

    __slots__ = (
        "_blocks",
        "_done",
        "_finished",
        "_next",
        "_options",
        "_seen",
        "_spoke",
        "_started",
        "_usage",
        "mould",
    )

    def __init__(self, options: DecodeOptions) -> None:
        self._options = options
        self._blocks: dict[int, _Block] = {}
        self._next = 0
        self._seen = False
        self._started = False
        self._spoke = False
        self._finished = False
        self._done = False
        self._usage: dict[str, Any] = {}
        self.mould = DeltaMould()

    def feed(self, frame: Frame) -> list[Event]:
        """Return the events of one frame."""
        data = frame.data
        if data is None or self._done:
            return []
        if (delta := self.mould.match(frame)) is not None:
            return [delta]
        self.mould.forget()
        try:
            value = loads(data)
        except JsonError as error:
            return [] if data.strip() in (b"[DONE]", b"") else [e.FrameError(f"not JSON: {error}")]
        if not isinstance(value, dict):
            return [e.FrameError("the event is no object")]
        event = cast("dict[str, Any]", value)
        events = self._event(event, frame.event)
        if event.get("type") == "content_block_delta" and (said := _said(event)):
            self.mould.learn(frame, said, events)
        return events

    def close(self) -> list[Event]:
        """Return what the end of the bytes means."""
        if self._done:
            return []
        self._done = True
        if self._finished:
            return [e.MessageEnd()]
        if self._options.lax_finish and self._spoke:
            return [*self._end_blocks(), e.Finish(reason="other"), e.MessageEnd()]
        if self._seen:
            return [_failure("stream_truncated", "the upstream's stream broke off before its end")]
        return [_failure("empty_stream", "the upstream's stream held no event")]

    def _event(self, value: dict[str, Any], name: str | None) -> list[Event]:
        kind = value.get("type")
        if not isinstance(kind, str):
            kind = "error" if "error" in value else name or ""
        handler = _HANDLERS.get(kind)
        if handler is None:
            if is_error(value):
                return self._error(value)
            if not kind:
                return [e.FrameError("the event has no type")]
            return [*self._begin(), e.OpaqueEvent(origin="anthropic", payload=value)]
        return handler(self, value)

    def _begin(self, message: dict[str, Any] | None = None) -> list[Event]:
        """Return the start of the message, unless it has been told."""
        self._seen = True
        if self._started:
            return []
        self._started = True
        message = message or {}
        usage = self._counted(message.get("usage"))
        start = e.MessageStart(
            origin="anthropic",
            id=_string(message.get("id")),
            model=_string(message.get("model")),
            extra={
                name: member
                for name, member in message.items()
                if name not in _MESSAGE and not (member is None and name in (*AT_THE_END, *BESIDE_THE_END))
            },
            usage=usage,
        )
        return [start] if usage is None else [start, e.UsageUpdate(usage)]

    def _counted(self, raw: object) -> Usage | None:
        """Return the counts so far, a report's nulls not overriding earlier numbers."""
        if not isinstance(raw, dict):
            return None
        report = cast("dict[str, Any]", raw)
        self._usage = {
            **self._usage,
            **{name: count for name, count in report.items() if count is not None or name not in self._usage},
        }
        return parse_usage(self._usage)

    def _message_start(self, value: dict[str, Any]) -> list[Event]:
        message = value.get("message")
        if self._started:
            return [e.FrameError("a second message_start")]
        if not isinstance(message, dict):
            return [e.FrameError("message_start without a message")]
        return self._begin(cast("dict[str, Any]", message))

    def _block_start(self, value: dict[str, Any]) -> list[Event]:
        number, block = value.get("index"), value.get("content_block")
        if not isinstance(number, int) or not isinstance(block, dict):
            return [e.FrameError("content_block_start without index or block")]
        if number in self._blocks or self._finished:
            return [e.FrameError(f"block {number} cannot start here")]
        try:
            part = parse_block(block, self._options.provenance)
        except ShapeError as error:
            return [e.FrameError(str(error.within("content_block")))]
        events = self._begin()
        match part:
            case Text() | Reasoning() | ToolCall():
                return events + self._open(number, part)
            case _:
                opaque = _Block(-1, "opaque")
                opaque.payload = dict(cast("dict[str, Any]", block))
                self._blocks[number] = opaque
                return events

    def _open(self, number: int, part: Text | Reasoning | ToolCall) -> list[Event]:
        block = _Block(self._next, str(part.__struct_config__.tag))
        self._next += 1
        self._blocks[number] = block
        at = block.index
        replace = msgspec.structs.replace
        match part:
            case Text():
                events: list[Event] = [e.PartStart(index=at, part=replace(part, text="", citations=()))]
                events += self._say(at, part.text)
                events += [e.CitationDelta(at, citation) for citation in part.citations]
            case Reasoning():
                events = [e.PartStart(index=at, part=replace(part, text="", signature=None))]
                events += self._say(at, part.text)
                if part.signature:
                    events.append(e.SignatureDelta(at, part.signature))
            case ToolCall():
                self._spoke = True
                block.held = part.arguments
                events = [e.PartStart(index=at, part=replace(part, arguments=""))]
        return events

    def _say(self, index: int, text: str) -> list[Event]:
        if not text:
            return []
        self._spoke = True
        return [e.PartDelta(index, text)]

    def _block_delta(self, value: dict[str, Any]) -> list[Event]:
        number, delta = value.get("index"), value.get("delta")
        block = self._blocks.get(number) if isinstance(number, int) else None
        if block is None or not isinstance(delta, dict):
            return [e.FrameError("a delta for no open block")]
        members = cast("dict[str, Any]", delta)
        kind = _string(members.get("type"))
        field = _DELTA_FIELDS.get(kind)
        if block.payload is not None:
            return _gather(block, block.payload, members)
        if field is not None and block.kind == _KIND_OF_DELTA[kind]:
            text = members.get(field)
            if isinstance(text, str):
                block.said = block.said or bool(text)
                return self._say(block.index, text)
        elif kind == "signature_delta" and block.kind == "reasoning":
            signature = members.get("signature")
            if isinstance(signature, str):
                return [e.SignatureDelta(block.index, signature)] if signature else []
        elif kind == "citations_delta" and block.kind == "text":
            citation = members.get("citation")
            if isinstance(citation, dict):
                return [e.CitationDelta(block.index, cast("dict[str, Any]", citation))]
        return [e.FrameError(f"a {kind!r} that does not fit its {block.kind} block")]

    def _block_stop(self, value: dict[str, Any]) -> list[Event]:
        number = value.get("index")
        if not isinstance(number, int) or number not in self._blocks:
            return [e.FrameError("a stop for no open block")]
        return self._end_block(self._blocks.pop(number))

    def _end_block(self, block: _Block) -> list[Event]:
        if block.payload is not None:
            payload = _complete(block, block.payload)
            return [*self._whole(Opaque(payload=payload, origin="anthropic"))]
        events: list[Event] = []
        if block.kind == "tool_call" and not block.said:
            events.append(e.PartDelta(block.index, block.held))
        return [*events, e.PartEnd(block.index)]

    def _whole(self, part: Part) -> list[Event]:
        at = self._next
        self._next += 1
        return [e.PartStart(index=at, part=part), e.PartEnd(at)]

    def _end_blocks(self) -> list[Event]:
        blocks = list(self._blocks.values())
        self._blocks.clear()
        return [event for block in blocks for event in self._end_block(block)]

    def _message_delta(self, value: dict[str, Any]) -> list[Event]:
        events = self._begin()
        usage = self._counted(value.get("usage"))
        if usage is not None:
            events.append(e.UsageUpdate(usage))
        delta = value.get("delta")
        members = cast("dict[str, Any]", delta) if isinstance(delta, dict) else {}
        stop = members.get("stop_reason")
        if not isinstance(stop, str) or self._finished:
            return events
        self._finished = True
        sequence = members.get("stop_sequence")
        finish = e.Finish(
            reason=finish_of(stop) or "other",
            raw=stop,
            stop_sequence=sequence if isinstance(sequence, str) else None,
            extra={
                name: member
                for name, member in members.items()
                if name not in ("stop_reason", "stop_sequence")
            },
            message_extra={
                name: member for name, member in value.items() if name not in ("type", "delta", "usage")
            },
        )
        return [*events, *self._end_blocks(), finish]

    def _message_stop(self, _: dict[str, Any]) -> list[Event]:
        if not self._started:
            return [e.FrameError("message_stop before any message")]
        self._done = True
        if self._finished:
            return [e.MessageEnd()]
        return [*self._end_blocks(), e.Finish(reason="other"), e.MessageEnd()]

    def _ping(self, _: dict[str, Any]) -> list[Event]:
        return [e.Ping()]

    def _error(self, value: dict[str, Any]) -> list[Event]:
        self._done = True
        return [e.StreamError(problem_from(200, value))]


def _said(value: dict[str, Any]) -> str:
    """Return the string that a delta event brings, if it is of a kind that brings one."""
    delta = value.get("delta")
    if not isinstance(delta, dict):
        return ""
    members = cast("dict[str, Any]", delta)
    return _string(members.get(_DELTA_FIELDS.get(_string(members.get("type")), "")))


def _gather(block: _Block, payload: dict[str, Any], delta: dict[str, Any]) -> list[Event]:
    """Add a delta to a block that is told whole."""
    for name, value in delta.items():
        match name, value:
            case "type", _:
                pass
            case "partial_json", str():
                block.pieces.append(value)
            case (("text" | "thinking"), str()):
                payload[name] = f"{payload.get(name) or ''}{value}"
            case "citation", _:
                payload["citations"] = [*(payload.get("citations") or ()), value]
            case _:
                payload[name] = value
    return []


def _complete(block: _Block, payload: dict[str, Any]) -> dict[str, Any]:
    text = "".join(block.pieces)
    if text:
        try:
            payload["input"] = loads(text)
        except JsonError:
            payload["input"] = {"_raw": text}
    return payload


def _failure(code: str, message: str) -> e.StreamError:
    return e.StreamError(Problem(status=502, message=message, code=code))


def _string(value: object) -> str:
    return value if isinstance(value, str) else ""


_HANDLERS: dict[str, Callable[[AnthropicDecoder, dict[str, Any]], list[Event]]] = {
    "message_start": AnthropicDecoder._message_start,  # pyright: ignore[reportPrivateUsage]
    "content_block_start": AnthropicDecoder._block_start,  # pyright: ignore[reportPrivateUsage]
    "content_block_delta": AnthropicDecoder._block_delta,  # pyright: ignore[reportPrivateUsage]
    "content_block_stop": AnthropicDecoder._block_stop,  # pyright: ignore[reportPrivateUsage]
    "message_delta": AnthropicDecoder._message_delta,  # pyright: ignore[reportPrivateUsage]
    "message_stop": AnthropicDecoder._message_stop,  # pyright: ignore[reportPrivateUsage]
    "ping": AnthropicDecoder._ping,  # pyright: ignore[reportPrivateUsage]
    "error": AnthropicDecoder._error,  # pyright: ignore[reportPrivateUsage]
}

__all__ = ["AnthropicDecoder"]
