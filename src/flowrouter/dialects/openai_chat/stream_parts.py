"""Where a streamed reply's parts begin and end: numbered over all its choices, one growing at a time in each."""

from __future__ import annotations

from flowrouter.canonical import events as e
from flowrouter.canonical.events import Event
from flowrouter.canonical.parts import Part


class PartCounter:
    """Numbers the parts of one reply over all its choices."""

    __slots__ = ("_next",)

    def __init__(self) -> None:
        self._next = 0

    def take(self) -> int:
        """Return the next number."""
        number = self._next
        self._next += 1
        return number


class ChoiceParts:
    """The parts of one choice; `open` is the number of the text or reasoning that still grows."""

    __slots__ = ("_choice", "_counter", "open")

    def __init__(self, choice: int, counter: PartCounter) -> None:
        self._choice = choice
        self._counter = counter
        self.open: int | None = None

    def begin(self, part: Part, events: list[Event]) -> int:
        """Start `part` in the answer, which ends the open one; return its number."""
        self.end(events)
        number = self._counter.take()
        events.append(e.PartStart(index=number, part=part, choice=self._choice))
        return number

    def end(self, events: list[Event]) -> None:
        """End the open part, if there is one."""
        if self.open is not None:
            events.append(e.PartEnd(self.open))
            self.open = None


__all__ = ["ChoiceParts", "PartCounter"]
