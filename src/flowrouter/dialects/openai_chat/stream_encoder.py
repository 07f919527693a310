"""Events to Chat stream chunks.

What all chunks share is written once; a piece of text then costs one string encoding and a few
joins. The role goes out once per choice, call indexes count the calls of a choice, and the usage
chunk comes last, only if the client asked for it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flowrouter.canonical import events as e
from flowrouter.canonical.cursor import Cursor
from flowrouter.canonical.events import Event
from flowrouter.canonical.loss import Loss
from flowrouter.canonical.parts import Image, Part, Reasoning, Refusal, Text, ToolCall
from flowrouter.canonical.usage import Usage, merge
from flowrouter.dialects.codec import EncodeOptions
from flowrouter.dialects.openai_chat.annotations import annotation
from flowrouter.dialects.openai_chat.content import write_part
from flowrouter.dialects.openai_chat.errors import error_object
from flowrouter.dialects.openai_chat.finishes import word
from flowrouter.dialects.openai_chat.ids import reply_id
from flowrouter.dialects.openai_chat.parse_messages import REASONING_FIELDS, SEALED_FIELD
from flowrouter.dialects.openai_chat.render_responses import NO_STATE, unknown_members
from flowrouter.dialects.openai_chat.usage import write_usage
from flowrouter.wire.json import dumps
from flowrouter.wire.members import Json
from flowrouter.wire.sse import COMMENT

_DONE = b"data: [DONE]\n\n"

_SAID = frozenset({"content", *REASONING_FIELDS})
"""Members of a whole message that the deltas have told already."""


class _OpenPart:
    """An open part: its deltas stand between `head` and `tail`, frame and all; `lead` goes before the first."""

    __slots__ = ("choice", "head", "lead", "length", "start", "tail")

    def __init__(self, choice: int, head: bytes, tail: bytes) -> None:
        self.choice = choice
        self.head = head
        self.tail = tail
        self.lead = ""
        self.start = 0
        self.length = 0

    def say(self, text: str) -> bytes:
        """Return the chunk that adds a text."""
        self.length += len(text)
        if self.lead:
            text, self.lead = self.lead + text, ""
        return self.head + dumps(text) + self.tail


class _Choice:
    """What has left for one choice: calls made, characters of text, whether it reasoned or refused."""

    __slots__ = ("calls", "legacy", "reasoned", "refused", "text")

    def __init__(self) -> None:
        self.calls = 0
        self.legacy = False
        self.reasoned = False
        self.refused = False
        self.text = 0


class ChatEncoder:
    """Events to the bytes of one Chat stream; `losses` gathers what it could not say."""

    __slots__ = (
        "_choices", "_close", "_done", "_open", "_options", "_origin", "_own", "_parts", "_started", "_usage", "losses",
    )  # fmt: skip

    def __init__(self, options: EncodeOptions) -> None:
        self.losses: list[Loss] = []
        self._options = options
        self._started = False
        self._done = False
        self._own = False
        self._origin = ""
        self._open = b""
        self._close = b'],"usage":null}\n\n' if options.include_usage else b"]}\n\n"
        self._parts: dict[int, _OpenPart] = {}
        self._choices: dict[int, _Choice] = {}
        self._usage: Usage | None = None

    def feed(self, event: Event) -> bytes:
        """Return the bytes `event` puts on the wire (often none)."""
        if type(event) is e.PartDelta:
            part = self._parts.get(event.index)
            return b"" if part is None or not event.text else part.say(event.text)
        step = _STEPS.get(type(event))
        return b"" if step is None or self._done else step(self, event)

    def saying(self, index: int) -> Callable[[str], bytes] | None:
        """Return what writes the deltas of an open part, until another event; None if they must be fed."""
        part = self._parts.get(index)
        return None if part is None else part.say

    def heartbeat(self) -> bytes:
        """Return a sign of life: a comment is harmless anywhere in a Chat stream."""
        return COMMENT

    def take_over(self, cursor: Cursor) -> None:
        """Go on where `cursor` stands, as if this encoder had written all before."""
        self._done = cursor.ended or cursor.problem is not None
        self._usage = cursor.usage
        if not cursor.started:
            return
        self._origin = str(cursor.origin)
        self._own = cursor.origin == "openai_chat"
        self._begin(str(cursor.origin), cursor.id, model=cursor.model, created=cursor.created)
        self._choices[0] = _Choice()
        for state in cursor.parts:
            part = self._enter(state.index, state.choice, state.header)
            if part is not None and state.characters:
                part.lead = ""
                part.length = state.characters
            if not state.is_open:
                self._part_end(e.PartEnd(state.index))
        for number in cursor.finishes:
            self._choices.setdefault(number, _Choice())
        # What was found lost is already told by the encoder before this one.
        self.losses.clear()

    def _begin(
        self, origin: str, vendor_id: str, *, model: str, created: int | None, extra: bytes = b""
    ) -> None:
        self._started = True
        head = {
            "id": reply_id(origin, vendor_id),
            "object": "chat.completion.chunk",
            "created": int(self._options.now) if created is None else created,
            "model": self._options.model or model,
        }
        self._open = b'data: %b%b,"choices":[' % (dumps(head)[:-1], extra)

    def _message_start(self, event: e.MessageStart) -> bytes:
        self._origin = event.origin
        self._own = event.origin == "openai_chat"
        if self._started:
            # A target took over: the client knows this answer by its first identity.
            return b""
        if not self._own:
            self.losses += unknown_members(event.extra, event.origin)
        lasting, once = _split_extra(event.extra if self._own else {})
        self._begin(event.origin, event.id, model=event.model, created=event.created, extra=_members(lasting))
        self._choices[0] = _Choice()
        return self._chunk(0, {"role": "assistant", "content": ""}, more=_members(once))

    def _chunk(
        self,
        choice: int,
        delta: Json,
        *,
        finish: str | None = None,
        extra: Json | None = None,
        more: bytes = b"",
    ) -> bytes:
        item: Json = {"index": choice, "delta": delta, "finish_reason": finish, **(extra or {})}
        close = self._close if not more else b"]%b%b" % (more, self._close[1:])
        return b"".join((self._open, dumps(item), close))

    def _choice(self, number: int) -> tuple[_Choice, bytes]:
        """Return the choice, and its role chunk if this is the first of it."""
        state = self._choices.get(number)
        if state is not None:
            return state, b""
        state = self._choices[number] = _Choice()
        return state, self._chunk(number, {"role": "assistant", "content": ""})

    def _part_start(self, event: e.PartStart) -> bytes:
        _, role = self._choice(event.choice)
        first = self._announce(event.choice, event.part)
        part = self._enter(event.index, event.choice, event.part)
        text = _initial_text(event.part)
        return role + first + (self.feed(e.PartDelta(event.index, text)) if part and text else b"")

    def _announce(self, number: int, part: Part) -> bytes:
        """Return the chunk a part begins with: the head of a call, or all of an image."""
        state = self._choices[number]
        match part:
            case ToolCall() if self._is_legacy(part):
                if state.calls:
                    return b""
                return self._chunk(number, {"function_call": {"name": part.name, "arguments": ""}})
            case ToolCall():
                member, argument = _call_members(part)
                head: Json = {"index": state.calls, "id": part.id, "type": member}
                head[member] = {"name": part.name, argument: ""}
                if self._own:
                    head |= part.extra
                return self._chunk(number, {"tool_calls": [head]})
            case Image():
                return self._chunk(number, {"images": [write_part(part)]})
            case _:
                return b""

    def _is_legacy(self, call: ToolCall) -> bool:
        return self._options.legacy_calls or call.kind == "legacy"

    def _enter(self, index: int, number: int, part: Part) -> _OpenPart | None:
        """Open a part whose deltas will follow; None for one that has none."""
        state = self._choices.setdefault(number, _Choice())
        opened = self._shape(number, state, part)
        if opened is not None:
            self._parts[index] = opened
        return opened

    def _shape(self, number: int, state: _Choice, part: Part) -> _OpenPart | None:
        match part:
            case Text():
                opened = self._between(number, b'{"content":', b"}")
                opened.start = state.text
                return opened
            case Reasoning():
                opened = self._between(number, b'{"%b":' % self._reasoning_field(part), b"}")
                opened.lead = "\n\n" if state.reasoned and not self._own else ""
                state.reasoned = True
                if part.redacted and not part.sealed:
                    self._lose(number, "reasoning.signature", NO_STATE)
                return opened
            case Refusal():
                state.refused = True
                return self._between(number, b'{"refusal":', b"}")
            case ToolCall():
                return self._shape_call(number, state, part)
            case Image():
                return None
            case _:
                self._lose(number, str(part.__struct_config__.tag), "Chat has no place for it in an answer")
                return None

    def _shape_call(self, number: int, state: _Choice, part: ToolCall) -> _OpenPart | None:
        place, state.calls = state.calls, state.calls + 1
        if not self._is_legacy(part):
            member, argument = _call_members(part)
            head = b'{"tool_calls":[{"index":%d,"%b":{"%b":' % (place, member.encode(), argument.encode())
            return self._between(number, head, b"}}]}")
        state.legacy = True
        if place:
            self._lose(number, "tool_calls", f"function_call holds one call; {part.name!r} was dropped")
            return None
        return self._between(number, b'{"function_call":{"arguments":', b"}}")

    def _between(self, number: int, head: bytes, tail: bytes) -> _OpenPart:
        head = b'%b{"index":%d,"delta":%b' % (self._open, number, head)
        return _OpenPart(number, head, b'%b,"finish_reason":null}%b' % (tail, self._close))

    def _reasoning_field(self, part: Reasoning) -> bytes:
        if self._own and part.field in {"reasoning", "reasoning_details"}:
            return b"reasoning"
        return b"reasoning_content"

    def _part_end(self, event: e.PartEnd) -> bytes:
        part = self._parts.pop(event.index, None)
        if part is not None and part.head.endswith(b'{"content":'):
            self._choices[part.choice].text = part.start + part.length
        return b""

    def _signature(self, event: e.SignatureDelta) -> bytes:
        part = self._parts.get(event.index)
        number = 0 if part is None else part.choice
        if event.sealed:
            return self._chunk(number, {SEALED_FIELD: [event.signature]})
        self._lose(number, "reasoning.signature", NO_STATE)
        return b""

    def _citation(self, event: e.CitationDelta) -> bytes:
        part = self._parts.get(event.index)
        if part is None:
            return b""
        found = annotation(event.citation, start=part.start, end=part.start + part.length, own=self._own)
        if found is None:
            self._lose(part.choice, "citations", "a citation without a URL")
            return b""
        return self._chunk(part.choice, {"annotations": [found]})

    def _logprobs(self, event: e.LogprobsDelta) -> bytes:
        _, role = self._choice(event.choice)
        return role + self._chunk(event.choice, {}, extra={"logprobs": event.logprobs})

    def _opaque(self, event: e.OpaqueEvent) -> bytes:
        if event.origin != "openai_chat":
            self._lose(0, "stream", "an event only its own dialect knows")
            return b""
        return b"".join((self._open, b"]", _members(event.payload), self._close[1:]))

    def _usage_update(self, event: e.UsageUpdate) -> bytes:
        self._usage = merge(self._usage, event.usage)
        return b""

    def _finish(self, event: e.Finish) -> bytes:
        state, role = self._choice(event.choice)
        called = state.calls > 0
        legacy = state.legacy or self._options.legacy_calls
        reason = event.raw if self._own and event.raw else None
        if reason is None or (legacy and reason == "tool_calls"):
            reason = word(event.reason, called=called, refused=state.refused, legacy=legacy)
        delta, extra = (event.message_extra, event.extra) if self._own else ({}, {})
        if not self._own:
            self.losses += unknown_members({**event.extra, **event.message_extra}, self._origin)
            if event.stop_sequence is not None:
                self._lose(event.choice, "stop_sequence", "no place for the stop sequence that was met")
        delta = {name: value for name, value in delta.items() if name not in _SAID}
        extra = {name: value for name, value in extra.items() if name != "finish_reason"}
        return role + self._chunk(event.choice, delta, finish=reason, extra=extra)

    def _message_end(self, _: e.MessageEnd) -> bytes:
        self._done = True
        self._parts.clear()
        if not self._options.include_usage or self._usage is None:
            return _DONE
        usage = dumps(write_usage(self._usage))
        return b'%b],"usage":%b}\n\n%b' % (self._open, usage, _DONE)

    def _error(self, event: e.StreamError) -> bytes:
        self._done = True
        self._parts.clear()
        return b"data: %b\n\n" % dumps({"error": error_object(event.problem)})

    def _lose(self, number: int, what: str, reason: str) -> None:
        loss = Loss(path=f"choices[{number}].{what}", kind="dropped", reason=reason)
        if loss not in self.losses:
            self.losses.append(loss)


def _call_members(call: ToolCall) -> tuple[str, str]:
    return ("custom", "input") if call.kind == "custom" else ("function", "arguments")


def _initial_text(part: Part) -> str:
    match part:
        case Text(text=text) | Refusal(text=text) | Reasoning(text=text):
            return text
        case ToolCall(arguments=arguments):
            return arguments
        case _:
            return ""


def _split_extra(extra: Json) -> tuple[Json, Json]:
    """Return the unknown members every chunk repeats (short values), and those only the first has."""
    lasting = {name: value for name, value in extra.items() if _is_short(value)}
    return lasting, {name: value for name, value in extra.items() if name not in lasting}


def _is_short(value: Any) -> bool:
    return (
        value is None
        or isinstance(value, bool | int | float)
        or (isinstance(value, str) and len(value) < 100)
    )


def _members(members: Json) -> bytes:
    """Return `members` as JSON text that goes on an object: a comma before each."""
    return b"," + dumps(members)[1:-1] if members else b""


_STEPS: dict[type, Callable[[ChatEncoder, Any], bytes]] = {
    e.MessageStart: ChatEncoder._message_start,  # pyright: ignore[reportPrivateUsage]
    e.PartStart: ChatEncoder._part_start,  # pyright: ignore[reportPrivateUsage]
    e.PartEnd: ChatEncoder._part_end,  # pyright: ignore[reportPrivateUsage]
    e.SignatureDelta: ChatEncoder._signature,  # pyright: ignore[reportPrivateUsage]
    e.CitationDelta: ChatEncoder._citation,  # pyright: ignore[reportPrivateUsage]
    e.LogprobsDelta: ChatEncoder._logprobs,  # pyright: ignore[reportPrivateUsage]
    e.OpaqueEvent: ChatEncoder._opaque,  # pyright: ignore[reportPrivateUsage]
    e.UsageUpdate: ChatEncoder._usage_update,  # pyright: ignore[reportPrivateUsage]
    e.Finish: ChatEncoder._finish,  # pyright: ignore[reportPrivateUsage]
    e.MessageEnd: ChatEncoder._message_end,  # pyright: ignore[reportPrivateUsage]
    e.StreamError: ChatEncoder._error,  # pyright: ignore[reportPrivateUsage]
}


def resume(options: EncodeOptions, cursor: Cursor) -> ChatEncoder:
    """Return an encoder that goes on where `cursor` stands."""
    encoder = ChatEncoder(options)
    encoder.take_over(cursor)
    return encoder


__all__ = ["ChatEncoder", "resume"]
