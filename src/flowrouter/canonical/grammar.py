"""The event grammar as a table, and a checker that holds a stream against it."""

from __future__ import annotations

from typing import Literal

from flowrouter.canonical import events as e
from flowrouter.canonical.events import Event
from flowrouter.errors import FlowRouterError

State = Literal["new", "open", "done"]

GRAMMAR: dict[type, tuple[frozenset[State], State | None]] = {
    e.Ping: (frozenset({"new", "open"}), None),
    e.FrameError: (frozenset({"new", "open"}), None),
    e.MessageStart: (frozenset({"new"}), "open"),
    e.PartStart: (frozenset({"open"}), None),
    e.PartDelta: (frozenset({"open"}), None),
    e.SignatureDelta: (frozenset({"open"}), None),
    e.CitationDelta: (frozenset({"open"}), None),
    e.PartEnd: (frozenset({"open"}), None),
    e.LogprobsDelta: (frozenset({"open"}), None),
    e.UsageUpdate: (frozenset({"open"}), None),
    e.OpaqueEvent: (frozenset({"open"}), None),
    e.Finish: (frozenset({"open"}), None),
    e.MessageEnd: (frozenset({"open"}), "done"),
    e.StreamError: (frozenset({"new", "open"}), "done"),
}
"""Per event: the states it may occur in, and the state it leads to (None: the same)."""


class GrammarError(FlowRouterError, AssertionError):
    """A decoder broke the grammar: a defect of ours, never of the upstream."""


class Grammar:
    """Checks events one by one; raises `GrammarError` at the first that is out of place."""

    def __init__(self) -> None:
        self.state: State = "new"
        self._parts: dict[int, int] = {}
        self._open: set[int] = set()
        self._finished: set[int] = set()

    def check(self, event: Event) -> Event:
        """Return `event` if it may stand here."""
        states, then = GRAMMAR[type(event)]
        self._require(self.state in states, f"{type(event).__name__} in state {self.state}")
        match event:
            case e.PartStart(index=index, choice=choice):
                self._require(index == len(self._parts), f"part {index} is not the next one")
                self._require(choice not in self._finished, f"choice {choice} has finished")
                self._parts[index] = choice
                self._open.add(index)
            case e.PartDelta(index=index) | e.SignatureDelta(index=index) | e.CitationDelta(index=index):
                self._require(index in self._open, f"part {index} is not open")
            case e.PartEnd(index=index):
                self._require(index in self._open, f"part {index} is not open")
                self._open.discard(index)
            case e.Finish(choice=choice):
                self._require(choice not in self._finished, f"choice {choice} finished twice")
                still_open = [index for index in self._open if self._parts[index] == choice]
                self._require(not still_open, f"choice {choice} finished with open parts {still_open}")
                self._finished.add(choice)
            case e.MessageEnd():
                self._require(bool(self._finished), "the message ended without a finish")
                self._require(not self._open, f"the message ended with open parts {self._open}")
            case _:
                pass
        self.state = then or self.state
        return event

    def end(self) -> None:
        """Require that the stream came to its end or to an error."""
        self._require(self.state == "done", f"the stream stopped in state {self.state}")

    @staticmethod
    def _require(holds: bool, complaint: str) -> None:
        if not holds:
            raise GrammarError(complaint)


__all__ = ["GRAMMAR", "Grammar", "GrammarError"]
