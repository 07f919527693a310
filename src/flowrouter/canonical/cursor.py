"""How far an answer has got: all that is needed to go on with it elsewhere, never the frames."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from flowrouter.canonical import events as e
from flowrouter.canonical.dialect import Dialect
from flowrouter.canonical.events import Event
from flowrouter.canonical.fold import replay
from flowrouter.canonical.outline import Outline
from flowrouter.canonical.parts import Part, Text, ToolCall
from flowrouter.canonical.problem import Problem
from flowrouter.canonical.response import Response
from flowrouter.canonical.usage import Usage, merge

_CHUNKS_MAX = 16


class PartState:
    """One part as far as it has come; `header` is the part it began as, `kind` that part's tag.

    `text` holds visible text only, `content` what all deltas added, whatever the kind (dialects repeat it
    when a part ends), in `pieces` deltas, of which `joined` stand behind another in one chunk; `attributes` are
    its signatures and citations. `behind` holds all events of a part that began while an earlier one was open: a
    dialect that sends one part at a time has not said them yet.
    """

    __slots__ = (
        "attributes", "behind", "choice", "chunks", "header", "index", "is_open", "joined", "kind", "name", "signed",
    )  # fmt: skip

    def __init__(self, index: int, choice: int, header: Part) -> None:
        self.index = index
        self.choice = choice
        self.header = header
        self.kind = str(header.__struct_config__.tag)
        self.name = header.name if isinstance(header, ToolCall) else None
        self.is_open = True
        self.signed = False
        self.chunks: list[str] = []
        self.joined = 0
        self.attributes: list[e.SignatureDelta | e.CitationDelta] = []
        self.behind: list[Event] | None = None

    def say(self, text: str) -> None:
        """Take what a delta adds."""
        chunks = self.chunks
        chunks.append(text)
        if len(chunks) >= _CHUNKS_MAX:
            self.joined += len(chunks) - 1
            chunks[:] = ["".join(chunks)]  # small strings cost fifty bytes each beside their text

    def say_behind(self, text: str) -> None:
        """Take the same for a part that began while an earlier one was open."""
        self.say(text)
        if self.behind is not None:
            self.behind.append(e.PartDelta(self.index, text))

    @property
    def pieces(self) -> int:
        """Return how many deltas added to it."""
        return self.joined + len(self.chunks)

    @property
    def characters(self) -> int:
        """Return how much it said, for estimating; what is opaque says nothing."""
        if self.kind == "opaque":
            return 0
        header = self.header
        begun = len(header.text) if isinstance(header, Text) else 0
        return begun + sum(map(len, self.chunks))

    @property
    def text(self) -> str:
        """Return the visible text so far (empty for other kinds)."""
        header = self.header
        return header.text + "".join(self.chunks) if isinstance(header, Text) else ""

    @property
    def content(self) -> str:
        """Return what the deltas added to the part it began as."""
        return "".join(self.chunks)


class Cursor(msgspec.Struct, eq=False):
    """The state of one answer, advanced by `apply` for each event that left for the client.

    `others` counts events that belong to no part, for dialects that number what they send, `unread_at` the
    characters ahead of the first frame that could not be read.
    """

    started: bool = False
    meaningful: bool = False
    ended: bool = False
    origin: Dialect | None = None
    id: str = ""
    model: str = ""
    created: int | None = None
    parts: list[PartState] = []
    finishes: dict[int, e.Finish] = {}
    usage: Usage | None = None
    problem: Problem | None = None
    frame_errors: int = 0
    unread_at: int = 0
    others: int = 0

    def apply(self, event: Event) -> None:
        """Advance by one event."""
        if not self.meaningful and e.is_meaningful(event):
            self.meaningful = True
        step = _STEPS.get(type(event))
        if step is not None:
            step(self, event)

    def say(self, delta: e.PartDelta) -> None:
        """Advance by a delta that is not empty: nearly every event is one."""
        state = self.parts[delta.index]
        self.meaningful = True
        state.say(delta.text)
        if state.behind is not None:
            state.behind.append(delta)

    def saying(self, index: int) -> Callable[[str], None]:
        """Return what takes the texts that a part of an answer under way goes on with, until it is told anything else."""
        state = self.parts[index]
        return state.say if state.behind is None else state.say_behind

    @property
    def text(self) -> str:
        """Return all visible text of the first choice so far."""
        return "".join(part.text for part in self.parts if part.choice == 0)

    @property
    def characters(self) -> int:
        """Return the number of characters of all parts, for estimating missing usage."""
        return sum(part.characters for part in self.parts)

    @property
    def may_have_hole(self) -> bool:
        """Return whether text came behind a frame that could not be read: some may be missing between."""
        return self.frame_errors > 0 and self.characters > self.unread_at


def whole(response: Response) -> Cursor:
    """Return the cursor of an answer that came in one piece; an uncounted one is told event by event."""
    if response.usage is None:
        cursor = Cursor()
        for event in replay(response):
            cursor.apply(event)
        return cursor
    cursor = Cursor(
        started=True,
        meaningful=True,
        ended=True,
        origin=response.origin,
        id=response.id,
        model=response.model,
        created=response.created,
        usage=response.usage,
    )
    index = 0
    for choice in response.choices:
        number = choice.index
        cursor.finishes[number] = e.Finish(
            reason=choice.finish or "other", raw=choice.raw_finish, choice=number
        )
        for part in choice.parts:
            if isinstance(part, ToolCall):
                _called(cursor, PartState(index, number, part))
            index += 1
    return cursor


def at_end(outline: Outline, origin: Dialect) -> Cursor:
    """Return the cursor of a counted answer in one piece of which only its outline was read."""
    finishes: dict[int, e.Finish] = {}
    if outline.finish is not None:
        finishes[0] = e.Finish(reason=outline.finish)
    cursor = Cursor(
        started=True,
        meaningful=True,
        ended=True,
        origin=origin,
        id=outline.id,
        model=outline.model,
        usage=outline.usage,
        finishes=finishes,
    )
    for index, tool in enumerate(outline.called):
        _called(cursor, PartState(index, 0, ToolCall(id="", name=tool, arguments="")))
    return cursor


def _called(cursor: Cursor, call: PartState) -> None:
    call.is_open = False
    cursor.parts.append(call)


def _start(cursor: Cursor, event: e.MessageStart) -> None:
    if cursor.started:
        return  # a target that took over: the first identity stays
    cursor.started = True
    cursor.origin, cursor.id, cursor.model, cursor.created = (
        event.origin,
        event.id,
        event.model,
        event.created,
    )


def _part_start(cursor: Cursor, event: e.PartStart) -> None:
    part = event.part
    state = PartState(event.index, event.choice, part)
    if any(earlier.is_open for earlier in cursor.parts):
        state.behind = [event]
    cursor.parts.append(state)


def _part_delta(cursor: Cursor, event: e.PartDelta) -> None:
    if event.text:
        cursor.say(event)
    elif (behind := cursor.parts[event.index].behind) is not None:
        behind.append(event)


def _part_end(cursor: Cursor, event: e.PartEnd) -> None:
    state = cursor.parts[event.index]
    state.is_open = False
    if state.behind is not None:
        state.behind.append(event)


def _signature(cursor: Cursor, event: e.SignatureDelta) -> None:
    state = cursor.parts[event.index]
    state.signed = True
    state.attributes.append(event)
    if state.behind is not None:
        state.behind.append(event)


def _citation(cursor: Cursor, event: e.CitationDelta) -> None:
    state = cursor.parts[event.index]
    state.attributes.append(event)
    if state.behind is not None:
        state.behind.append(event)


def _finish(cursor: Cursor, event: e.Finish) -> None:
    cursor.finishes[event.choice] = event


def _usage(cursor: Cursor, event: e.UsageUpdate) -> None:
    cursor.usage = merge(cursor.usage, event.usage)


def _error(cursor: Cursor, event: e.StreamError) -> None:
    cursor.problem = event.problem


def _frame_error(cursor: Cursor, _: e.FrameError) -> None:
    if not cursor.frame_errors:
        cursor.unread_at = cursor.characters
    cursor.frame_errors += 1


def _other(cursor: Cursor, _: e.OpaqueEvent | e.LogprobsDelta) -> None:
    cursor.others += 1


def _end(cursor: Cursor, _: e.MessageEnd) -> None:
    cursor.ended = True


_STEPS: dict[type, Callable[[Cursor, Any], None]] = {
    e.MessageStart: _start,
    e.PartStart: _part_start,
    e.PartDelta: _part_delta,
    e.PartEnd: _part_end,
    e.SignatureDelta: _signature,
    e.CitationDelta: _citation,
    e.Finish: _finish,
    e.UsageUpdate: _usage,
    e.StreamError: _error,
    e.FrameError: _frame_error,
    e.MessageEnd: _end,
    e.OpaqueEvent: _other,
    e.LogprobsDelta: _other,
}

__all__ = ["Cursor", "PartState", "at_end", "whole"]
