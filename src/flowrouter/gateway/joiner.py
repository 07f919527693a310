"""Brings the events of a target that goes on into an answer that has begun.

The client keeps one message: the first attempt's id and model, its open text part, indexes that count on.
What the new target says before the join is held back or dropped, so that until then nothing of it has
left; whatever cannot stand behind the sent text ends the attempt instead (`verdict`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from flowrouter.canonical import events as e
from flowrouter.canonical.cursor import Cursor
from flowrouter.canonical.events import Event
from flowrouter.canonical.parts import Part, Reasoning, Text, ToolCall
from flowrouter.canonical.usage import Usage, merge
from flowrouter.gateway.joins import Match


class Joiner:
    """One attempt to go on; `feed` returns what may leave, `failed` says why there is no join.

    `joined` tells that the place is found, `told` that something new has left. An attempt can still fail
    then, if it calls a tool on the strength of signed reasoning that was withheld.
    """

    def __init__(self, match: Match, cursor: Cursor) -> None:
        self.failed: str | None = None
        self.joined = False
        self.told = False
        self._match = match
        self._cursor = cursor
        sent = next((part for part in reversed(cursor.parts) if part.kind == "text"), None)
        self._slot = sent.index if sent is not None and sent.is_open else None
        self._next = len(cursor.parts)
        self._texts: set[int] = set()
        self._places: dict[int, int] = {}
        self._withheld_state = False
        self._start: e.MessageStart | None = None
        self._usage: Usage | None = None

    def feed(self, event: Event) -> list[Event]:
        """Return what `event` adds to the client's stream; nothing once the attempt has failed."""
        if self.failed is not None:
            return []
        step = _STEPS.get(type(event))
        out: list[Event] = [] if step is None else step(self, event)
        if self.failed is not None or not out:
            return []
        if self.told:
            return out
        self.told = True
        ahead: list[Event] = [] if self._start is None else [self._start]
        return [*ahead, *([] if self._usage is None else [e.UsageUpdate(self._usage)]), *out]

    def _fail(self, reason: str) -> list[Event]:
        self.failed = reason
        return []

    def _begin(self, event: e.MessageStart) -> list[Event]:
        """Keep the identity the client knows; only the origin changes, by which ends are understood."""
        known = self._cursor
        self._start = e.MessageStart(
            origin=event.origin, id=known.id, model=known.model, created=known.created
        )
        return []

    def _text(self, text: str) -> list[Event]:
        new = text if self.joined else self._match.feed(text)
        return self._judged(new)

    def _judged(self, new: str) -> list[Event]:
        if self._match.verdict == "failed":
            return self._fail(self._match.reason)
        if self._match.verdict == "undecided":
            return []
        self.joined = True
        if not new:
            return []
        out: list[Event] = []
        if self._slot is None:
            self._slot, self._next = self._next, self._next + 1
            out.append(e.PartStart(index=self._slot, part=Text(text="")))
        out.append(e.PartDelta(self._slot, new))
        return out

    def _settle(self) -> list[Event]:
        """Decide the join, since no more text can belong to it."""
        return [] if self.joined else self._judged(self._match.end())

    def _close_text(self) -> list[Event]:
        slot, self._slot = self._slot, None
        return [] if slot is None else [e.PartEnd(slot)]

    def _part_start(self, event: e.PartStart) -> list[Event]:
        part = event.part
        if event.choice != 0:
            return [] if self.joined else self._fail("the target gave several answers")
        if isinstance(part, Text):
            if part.citations and not self.joined:
                return self._fail("the target's text has citations")
            self._texts.add(event.index)
            return self._text(part.text) if part.text else []
        if isinstance(part, Reasoning) and not self.joined:
            self._withheld_state = self._withheld_state or _is_state(part)
            return []
        return self._other_part(event, part)

    def _other_part(self, event: e.PartStart, part: Part) -> list[Event]:
        out = self._settle()
        if not self.joined:
            return []
        if isinstance(part, ToolCall) and self._withheld_state:
            return self._fail("the target calls a tool by reasoning of its own, which cannot be told")
        out += self._close_text()
        place, self._next = self._next, self._next + 1
        self._places[event.index] = place
        return [*out, msgspec.structs.replace(event, index=place)]

    def _delta(self, event: e.PartDelta) -> list[Event]:
        if event.index in self._texts:
            return self._text(event.text) if event.text else []
        place = self._places.get(event.index)
        return [] if place is None else [e.PartDelta(place, event.text)]

    def _signature(self, event: e.SignatureDelta) -> list[Event]:
        place = self._places.get(event.index)
        if place is None:
            self._withheld_state = True
            return []
        return [msgspec.structs.replace(event, index=place)]

    def _citation(self, event: e.CitationDelta) -> list[Event]:
        if not self.joined:
            return self._fail("the target's text has citations")
        place = self._slot if event.index in self._texts else self._places.get(event.index)
        return [] if place is None else [msgspec.structs.replace(event, index=place)]

    def _part_end(self, event: e.PartEnd) -> list[Event]:
        # The text's own end waits: what follows may be more of it.
        place = self._places.pop(event.index, None)
        return [] if place is None else [e.PartEnd(place)]

    def _usage_update(self, event: e.UsageUpdate) -> list[Event]:
        if self.told:
            return [event]
        self._usage = merge(self._usage, event.usage)
        return []

    def _finish(self, event: e.Finish) -> list[Event]:
        if event.choice != 0:
            return []
        out = self._settle()
        return [*out, *self._close_text(), event] if self.joined else []

    def _frame_error(self, event: e.FrameError) -> list[Event]:
        # Before anything new has left, what could not be read may have been the text at the seam.
        return [event] if self.told else self._fail("the target's answer cannot be read")

    def _end(self, event: e.MessageEnd) -> list[Event]:
        return [event] if self.joined else self._fail(self._match.reason or "the answer holds no join")

    def _foreign(self, _: Event) -> list[Event]:
        """Drop what speaks of the target's own stream: its numbers and ids mean nothing in this one."""
        return []


def _is_state(part: Reasoning) -> bool:
    return bool(part.signature or part.sealed or part.redacted)


_STEPS: dict[type, Callable[[Joiner, Any], list[Event]]] = {
    e.MessageStart: Joiner._begin,  # pyright: ignore[reportPrivateUsage]
    e.PartStart: Joiner._part_start,  # pyright: ignore[reportPrivateUsage]
    e.PartDelta: Joiner._delta,  # pyright: ignore[reportPrivateUsage]
    e.PartEnd: Joiner._part_end,  # pyright: ignore[reportPrivateUsage]
    e.SignatureDelta: Joiner._signature,  # pyright: ignore[reportPrivateUsage]
    e.CitationDelta: Joiner._citation,  # pyright: ignore[reportPrivateUsage]
    e.UsageUpdate: Joiner._usage_update,  # pyright: ignore[reportPrivateUsage]
    e.Finish: Joiner._finish,  # pyright: ignore[reportPrivateUsage]
    e.FrameError: Joiner._frame_error,  # pyright: ignore[reportPrivateUsage]
    e.MessageEnd: Joiner._end,  # pyright: ignore[reportPrivateUsage]
    e.OpaqueEvent: Joiner._foreign,  # pyright: ignore[reportPrivateUsage]
    e.LogprobsDelta: Joiner._foreign,  # pyright: ignore[reportPrivateUsage]
}

__all__ = ["Joiner"]
