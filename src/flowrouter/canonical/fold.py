"""Events to a whole answer (`Fold`) and back (`replay`): the two are each other's inverse."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from flowrouter.canonical import events as e
from flowrouter.canonical.events import Event
from flowrouter.canonical.parts import Opaque, Part, Reasoning, Refusal, Text, ToolCall
from flowrouter.canonical.problem import Problem
from flowrouter.canonical.response import Choice, Response
from flowrouter.canonical.usage import Usage, merge
from flowrouter.wire.json import loads


class _PartInProgress:
    __slots__ = ("choice", "citations", "part", "sealed", "signature", "text")

    def __init__(self, part: Part, choice: int) -> None:
        self.part = part
        self.choice = choice
        self.text: list[str] = []
        self.signature: list[str] = []
        self.sealed: list[str] = []
        self.citations: list[dict[str, Any]] = []

    def finish(self) -> Part:
        text = "".join(self.text)
        match self.part:
            case Text() as part:
                return msgspec.structs.replace(
                    part, text=part.text + text, citations=(*part.citations, *self.citations)
                )
            case Refusal() as part:
                return msgspec.structs.replace(part, text=part.text + text)
            case ToolCall() as part:
                return msgspec.structs.replace(part, arguments=part.arguments + text)
            case Reasoning() as part:
                return msgspec.structs.replace(
                    part,
                    text=part.text + text,
                    signature="".join(self.signature) or part.signature,
                    sealed="".join(self.sealed) or part.sealed,
                )
            case Opaque() as part if text:
                return msgspec.structs.replace(part, payload=loads(text))
            case part:
                return part


class Fold:
    """Gathers events into one answer: `feed` each, then ask for `response`."""

    __slots__ = ("_extra", "_finishes", "_logprobs", "_parts", "_start", "_usage", "ended", "problem")

    def __init__(self) -> None:
        self._start: e.MessageStart | None = None
        self._parts: list[_PartInProgress] = []
        self._finishes: dict[int, e.Finish] = {}
        self._logprobs: dict[int, dict[str, Any]] = {}
        self._usage: Usage | None = None
        self._extra: dict[str, Any] = {}
        self.problem: Problem | None = None
        self.ended = False

    def feed(self, event: Event) -> None:
        """Take in one event."""
        match event:
            case e.PartDelta(index=index, text=text):
                self._parts[index].text.append(text)
            case e.PartStart(part=part, choice=choice):
                self._parts.append(_PartInProgress(part, choice))
            case e.SignatureDelta(index=index, signature=signature, sealed=sealed):
                target = self._parts[index].sealed if sealed else self._parts[index].signature
                target.append(signature)
            case e.CitationDelta(index=index, citation=citation):
                self._parts[index].citations.append(citation)
            case e.OpaqueEvent(payload=payload) if "type" not in payload:
                # Members of the answer itself that came late; unknown events name their type.
                self._extra.update(payload)
            case e.LogprobsDelta(choice=choice, logprobs=logprobs):
                self._add_logprobs(choice, logprobs)
            case e.UsageUpdate(usage=usage):
                self._usage = merge(self._usage, usage)
            case e.MessageStart():
                # A second start comes from a target that took over: the first identity stays.
                self._start = self._start or event
            case e.Finish(choice=choice):
                self._finishes[choice] = event
            case e.StreamError(problem=problem):
                self.problem = problem
            case e.MessageEnd():
                self.ended = True
            case _:
                pass

    def response(self) -> Response:
        """Return the answer so far; raises `ValueError` if it has not even begun."""
        start = self._start
        if start is None:
            raise ValueError("no answer has begun")
        numbers = sorted({part.choice for part in self._parts} | set(self._finishes)) or [0]
        return Response(
            origin=start.origin,
            id=start.id,
            model=start.model,
            created=start.created,
            choices=tuple(self._choice(number) for number in numbers),
            usage=self._usage,
            extra={**start.extra, **self._extra} if self._extra else start.extra,
        )

    def _choice(self, number: int) -> Choice:
        finish = self._finishes.get(number)
        parts = tuple(part.finish() for part in self._parts if part.choice == number)
        if finish is None:
            return Choice(index=number, parts=parts, logprobs=self._logprobs.get(number))
        return Choice(
            index=number,
            parts=parts,
            finish=finish.reason,
            raw_finish=finish.raw,
            stop_sequence=finish.stop_sequence,
            logprobs=self._logprobs.get(number),
            extra=finish.extra,
            message_extra=finish.message_extra,
            form=finish.form,
        )

    def _add_logprobs(self, choice: int, logprobs: dict[str, Any]) -> None:
        known = self._logprobs.setdefault(choice, {})
        for name, value in logprobs.items():
            if isinstance(value, list) and isinstance(known.get(name), list):
                known[name] = [*known[name], *value]
            elif value is not None or name not in known:
                known[name] = value


def fold(events: Iterable[Event]) -> Response:
    """Return the answer that `events` tell."""
    gathered = Fold()
    for event in events:
        gathered.feed(event)
    return gathered.response()


def replay(response: Response) -> list[Event]:
    """Return events that fold to `response`: a whole answer told as a stream."""
    events: list[Event] = [
        e.MessageStart(
            origin=response.origin,
            id=response.id,
            model=response.model,
            created=response.created,
            extra=response.extra,
            usage=response.usage,
        )
    ]
    index = 0
    for choice in response.choices:
        for part in choice.parts:
            events += replay_part(index, part, choice=choice.index)
            index += 1
        if choice.logprobs is not None:
            events.append(e.LogprobsDelta(choice=choice.index, logprobs=choice.logprobs))
    if response.usage is not None:
        events.append(e.UsageUpdate(response.usage))
    events += [
        e.Finish(
            choice=choice.index,
            reason=choice.finish or "other",
            raw=choice.raw_finish,
            stop_sequence=choice.stop_sequence,
            extra=choice.extra,
            message_extra=choice.message_extra,
            form=choice.form,
        )
        for choice in response.choices
    ]
    events.append(e.MessageEnd())
    return events


def replay_part(index: int, part: Part, *, choice: int = 0) -> list[Event]:
    """Return the events of one whole part."""
    header, text, tail = _split(index, part)
    events: list[Event] = [e.PartStart(index=index, choice=choice, part=header)]
    if text:
        events.append(e.PartDelta(index, text))
    return [*events, *tail, e.PartEnd(index)]


def _split(index: int, part: Part) -> tuple[Part, str, list[Event]]:
    replace = msgspec.structs.replace
    match part:
        case Text():
            cites: list[Event] = [e.CitationDelta(index, citation) for citation in part.citations]
            return replace(part, text="", citations=()), part.text, cites
        case Refusal():
            return replace(part, text=""), part.text, []
        case ToolCall():
            return replace(part, arguments=""), part.arguments, []
        case Reasoning():
            signs: list[Event] = []
            if part.signature:
                signs.append(e.SignatureDelta(index, part.signature))
            if part.sealed:
                signs.append(e.SignatureDelta(index, part.sealed, sealed=True))
            signature, sealed = (None if value else value for value in (part.signature, part.sealed))
            return replace(part, text="", signature=signature, sealed=sealed), part.text, signs
        case _:
            return part, "", []


__all__ = ["Fold", "fold", "replay", "replay_part"]
