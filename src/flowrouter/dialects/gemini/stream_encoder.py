"""Events to the chunks of a Gemini stream, as server-sent events or as the elements of one array.

Every chunk is a whole answer object, and what all share is written once. Google's own clients drop a turn
from their history if any of its chunks has no part, so one that only tells something else carries an empty
text. Calls are held until they are complete; a signature waits for the part it stands on. An array is open
once the message has begun, so its first element leaves with the start.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from flowrouter.canonical import events as e
from flowrouter.canonical.cursor import Cursor
from flowrouter.canonical.dialect import Dialect
from flowrouter.canonical.events import Event
from flowrouter.canonical.loss import Loss
from flowrouter.canonical.parts import (
    Audio,
    Document,
    Image,
    Media,
    Opaque,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
)
from flowrouter.canonical.usage import Usage, merge
from flowrouter.dialects.codec import EncodeOptions
from flowrouter.dialects.gemini.errors import error_object
from flowrouter.dialects.gemini.finishes import word
from flowrouter.dialects.gemini.logprobs import write_logprobs
from flowrouter.dialects.gemini.reply_parts import (
    FOREIGN_STATE,
    NO_PLACE,
    NO_URL,
    NOT_ASKED,
    UNREACHABLE,
    signed,
    wants_thoughts,
    write_call,
    write_media,
    write_own,
)
from flowrouter.dialects.gemini.responses import (
    LOGPROBS,
    NO_STOP,
    absences,
    identity,
    stamp,
    unknown_members,
)
from flowrouter.dialects.gemini.stream_decoder import blocked_by
from flowrouter.dialects.gemini.stream_parts import ChoiceState, OpenPart
from flowrouter.dialects.gemini.usage import write_usage
from flowrouter.wire.json import dumps
from flowrouter.wire.members import Json

_EMPTY_TEXT: Json = {"text": ""}


class Encoder:
    """Events to the bytes of one Gemini stream; `losses` gathers what it could not say."""

    __slots__ = (
        "_after", "_array", "_before", "_choices", "_done", "_finished", "_identity", "_options", "_origin", "_own",
        "_parts", "_started", "_tail", "_thoughts", "_usage", "losses",
    )  # fmt: skip

    def __init__(self, options: EncodeOptions) -> None:
        self.losses: list[Loss] = []
        self._options = options
        self._array = options.framing == "array"
        self._before, self._after = (b",\n", b"") if self._array else (b"data: ", b"\n\n")
        self._started = False
        self._done = False
        self._finished = False
        self._own = False
        self._origin: Dialect = "gemini"
        self._identity: Json = {}
        self._tail = b"}"
        self._thoughts: bool | None = None
        self._usage: Usage | None = None
        self._parts: dict[int, OpenPart] = {}
        self._choices: dict[int, ChoiceState] = {}

    def feed(self, event: Event) -> bytes:
        """Return the bytes `event` puts on the wire (often none)."""
        if type(event) is e.PartDelta:
            part = self._parts.get(event.index)
            return b"" if part is None or not event.text else self._say(part, event.text)
        step = _STEPS.get(type(event))
        return b"" if step is None or self._done else step(self, event)

    def saying(self, index: int) -> Callable[[str], bytes] | None:
        """Return what writes the deltas of an open part, until another event; None if they must be fed."""
        part = self._parts.get(index)
        return None if part is None else partial(self._say, part)

    def heartbeat(self) -> bytes:
        """Return a sign of life: a blank line between events, white space between elements."""
        if self._done:
            return b""
        return b" " if self._array else b"\n"

    def take_over(self, cursor: Cursor) -> None:
        """Go on where `cursor` stands, as if this encoder had written all before."""
        self._usage = cursor.usage
        if cursor.started:
            self._origin, self._own = cursor.origin or "gemini", cursor.origin == "gemini"
            self._begin(cursor.id, cursor.model)
            for state in cursor.parts:
                self._part_start(e.PartStart(index=state.index, part=state.header, choice=state.choice))
                self.feed(e.PartDelta(state.index, state.content))
                for attribute in state.attributes:
                    self.feed(attribute)
                if not state.is_open:
                    self._part_end(e.PartEnd(state.index))
            for number in cursor.finishes:
                self._choice(number).envelopes.clear()
        self._finished = bool(cursor.finishes)
        self._done = cursor.ended or cursor.problem is not None
        # What was found lost is already told by the encoder before this one.
        self.losses.clear()

    def _begin(self, reply: str, model: str) -> None:
        self._started = True
        self._identity = identity(reply, self._options.model or model)
        tail = dumps(self._identity)
        self._tail = b"," + tail[1:] if self._identity else tail[1:]

    def _message_start(self, event: e.MessageStart) -> bytes:
        self._origin, self._own = event.origin, event.origin == "gemini"
        if self._started:
            # A target took over: the client knows this answer by its first identity.
            return b""
        self._begin(event.id, event.model)
        if not self._own:
            self.losses += unknown_members(event.extra, event.origin)
        told = stamp(event.created, event.extra) | event.extra if self._own else {}
        if blocked_by(told) is not None:
            return self._write({**told, **self._identity}, first=True)
        if not told and not self._array:
            return b""
        return self._write(
            {"candidates": [_candidate(0, [_EMPTY_TEXT])], **told, **self._identity}, first=True
        )

    def _write(self, chunk: Json, *, first: bool = False) -> bytes:
        return b"".join((b"[" if first and self._array else self._before, dumps(chunk), self._after))

    def _chunk(self, number: int, parts: list[Json], **members: Any) -> bytes:
        return self._write({"candidates": [_candidate(number, parts, **members)], **self._identity})

    def _choice(self, number: int) -> ChoiceState:
        state = self._choices.get(number)
        if state is None:
            state = self._choices[number] = ChoiceState(number)
        return state

    def _say(self, part: OpenPart, text: str) -> bytes:
        if part.held is not None:
            part.held.append(text)
            return b""
        if part.lead:
            text, part.lead = part.lead + text, ""
        part.choice.heard(part.kind, text, keep=not self._own)
        if part.once is not None:
            members, part.once = part.once, None
            return self._chunk(part.choice.number, [{"text": text, **members}])
        return b"".join((self._before, part.head, dumps(text), part.tail, self._tail, self._after))

    def _part_start(self, event: e.PartStart) -> bytes:
        state, part = self._choice(event.choice), event.part
        match part:
            case Text() | Refusal():
                return self._text_start(event.index, state, part)
            case Reasoning():
                return self._reasoning_start(event.index, state, part)
            case ToolCall():
                state.called = True
                opened = self._parts[event.index] = OpenPart(state, "call", part)
                opened.held = [part.arguments]
                state.calls.append(opened)
                return b""
            case Image() | Document() | Audio() | Media():
                wire = write_media(part, own=self._own)
                if wire is None:
                    return self._lose(state, str(part.__struct_config__.tag), UNREACHABLE)
                return self._add(state, wire)
            case Opaque() if self._own and part.origin == "gemini":
                return self._add(state, part.payload)
            case _:
                return self._lose(state, str(part.__struct_config__.tag), NO_PLACE)

    def _text_start(self, index: int, state: ChoiceState, part: Text | Refusal) -> bytes:
        opened = self._parts[index] = OpenPart(state, "text", part)
        opened.start = state.run_length if state.last == "text" else 0
        if self._own:
            opened.once = {**part.extra, **state.take_signature()} or None
        return self._say(opened, part.text) if part.text else b""

    def _reasoning_start(self, index: int, state: ChoiceState, part: Reasoning) -> bytes:
        opened = self._parts[index] = OpenPart(state, "thought", part)
        opened.signature.append(part.signature or "")
        if part.sealed:
            opened.sealed.append(part.sealed)
        if self._own:
            opened.once = {"thought": True, **part.extra} if part.extra else None
        elif state.last == "thought":
            opened.lead = "\n\n"
        if not self._own and not self._shows_thoughts():
            opened.held = []
        return self._say(opened, part.text) if part.text else b""

    def _shows_thoughts(self) -> bool:
        if self._thoughts is None:
            self._thoughts = wants_thoughts(self._options.asked)
        return self._thoughts

    def _part_end(self, event: e.PartEnd) -> bytes:
        part = self._parts.pop(event.index, None)
        if part is None:
            return b""
        match part.header:
            case ToolCall():
                part.ended = True
                return b"".join(self._call(call) for call in part.choice.complete_calls())
            case Reasoning():
                return self._reasoning_end(part, part.header)
            case _:
                return self._say(part, "") if part.once is not None else b""

    def _call(self, part: OpenPart) -> bytes:
        state = part.choice
        call = part.call()
        wire, note = write_call(call, own=self._own)
        if note is not None and not self._own:
            self._lose(state, "functionCall.args", note, changed=True)
        return self._add(state, signed(wire, state.envelopes) | state.take_signature(call.id))

    def _reasoning_end(self, part: OpenPart, header: Reasoning) -> bytes:
        state, signature = part.choice, "".join(part.signature)
        if part.held:
            self._lose(state, "thought", NOT_ASKED)
        if part.sealed:
            state.envelopes.append("".join(part.sealed))
        elif header.redacted or (signature and not self._own):
            self._lose(state, "thoughtSignature", FOREIGN_STATE)
        elif signature and not state.keep_signature(header, signature):
            return self._chunk(state.number, _bare_signature(header, signature))
        return b""

    def _add(self, state: ChoiceState, wire: Json) -> bytes:
        """Write a part that stands alone."""
        state.ran("")
        return self._chunk(state.number, [wire])

    def _attribute(self, event: e.SignatureDelta) -> bytes:
        part = self._parts.get(event.index)
        if part is not None:
            (part.sealed if event.sealed else part.signature).append(event.signature)
        return b""

    def _citation(self, event: e.CitationDelta) -> bytes:
        part = self._parts.get(event.index)
        if part is None or self._own:
            # Our own clients get the metadata that citations were read from, with the finish.
            return b""
        state = part.choice
        if not state.grounding.add(event.citation, state.run, start=part.start, part=state.places - 1):
            self._lose(state, "citations", NO_URL)
        return b""

    def _logprobs(self, event: e.LogprobsDelta) -> bytes:
        if self._own:
            return b""
        members = {LOGPROBS: write_logprobs(event.logprobs)}
        return self._chunk(event.choice, [_EMPTY_TEXT], **members)

    def _opaque(self, event: e.OpaqueEvent) -> bytes:
        if event.origin != "gemini":
            return self._lose(self._choice(0), "stream", "an event only its own dialect knows")
        chunk = {"candidates": [_candidate(0, [_EMPTY_TEXT])], **event.payload, **self._identity}
        return self._write(chunk)

    def _usage_update(self, event: e.UsageUpdate) -> bytes:
        self._usage = merge(self._usage, event.usage)
        if not self._finished:
            return b""
        # It comes after the finish, which had no counts then.
        return self._write({"candidates": [_candidate(0, [_EMPTY_TEXT])], **self._counts(), **self._identity})

    def _finish(self, event: e.Finish) -> bytes:
        self._finished = True
        state = self._choice(event.choice)
        if self._own and "candidates" in absences(event.form):
            counts = self._counts()
            return self._write({**counts, **self._identity}) if counts else b""
        members: Json = {"finishReason": word(event.reason, called=state.called)}
        content: Json = {}
        if self._own:
            members["finishReason"] = event.raw or members["finishReason"]
            members |= event.extra
            members |= {LOGPROBS: event.form[LOGPROBS]} if LOGPROBS in event.form else {}
            content = event.message_extra
        else:
            members |= state.grounding.metadata()
            self.losses += unknown_members({**event.extra, **event.message_extra}, self._origin)
            if event.stop_sequence is not None:
                self._lose(state, "stop_sequence", NO_STOP)
        last = signed(_EMPTY_TEXT | state.take_signature(), state.envelopes)
        candidate = _candidate(event.choice, [last], content=content, **members)
        return self._write({"candidates": [candidate], **self._counts(), **self._identity})

    def _counts(self) -> Json:
        return {} if self._usage is None else {"usageMetadata": write_usage(self._usage)}

    def _message_end(self, _: e.MessageEnd) -> bytes:
        self._done = True
        self._parts.clear()
        return b"]" if self._array else b""

    def _error(self, event: e.StreamError) -> bytes:
        """Return the failure as a bare object, which all of Google's clients take for one."""
        self._done = True
        self._parts.clear()
        told = dumps({"error": error_object(event.problem)})
        if not self._array:
            return told + b"\n\n"
        return b"".join((self._before if self._started else b"[", told, b"]"))

    def _lose(self, state: ChoiceState, what: str, reason: str, *, changed: bool = False) -> bytes:
        path = f"candidates[{state.number}].{what}"
        loss = Loss(path=path, kind="changed" if changed else "dropped", reason=reason)
        if loss not in self.losses:
            self.losses.append(loss)
        return b""


def _candidate(number: int, parts: list[Json], *, content: Json | None = None, **members: Any) -> Json:
    return {"content": {"parts": parts, "role": "model", **(content or {})}, **members, "index": number}


def _bare_signature(header: Reasoning, signature: str) -> list[Json]:
    """Return the signature of a thought whose text is told, or of a part without any."""
    if header.field is None and header.call_id is None:
        return [{"text": "", "thought": True, "thoughtSignature": signature}]
    return write_own([Reasoning(signature=signature, field=header.field)])


def resume(options: EncodeOptions, cursor: Cursor) -> Encoder:
    """Return an encoder that goes on where `cursor` stands."""
    encoder = Encoder(options)
    encoder.take_over(cursor)
    return encoder


_STEPS: dict[type, Callable[[Encoder, Any], bytes]] = {
    e.MessageStart: Encoder._message_start,  # pyright: ignore[reportPrivateUsage]
    e.PartStart: Encoder._part_start,  # pyright: ignore[reportPrivateUsage]
    e.PartEnd: Encoder._part_end,  # pyright: ignore[reportPrivateUsage]
    e.SignatureDelta: Encoder._attribute,  # pyright: ignore[reportPrivateUsage]
    e.CitationDelta: Encoder._citation,  # pyright: ignore[reportPrivateUsage]
    e.LogprobsDelta: Encoder._logprobs,  # pyright: ignore[reportPrivateUsage]
    e.OpaqueEvent: Encoder._opaque,  # pyright: ignore[reportPrivateUsage]
    e.UsageUpdate: Encoder._usage_update,  # pyright: ignore[reportPrivateUsage]
    e.Finish: Encoder._finish,  # pyright: ignore[reportPrivateUsage]
    e.MessageEnd: Encoder._message_end,  # pyright: ignore[reportPrivateUsage]
    e.StreamError: Encoder._error,  # pyright: ignore[reportPrivateUsage]
}

__all__ = ["Encoder", "resume"]
