"""An answer that has begun, and what it holds: its reply and a slot at its account."""

from __future__ import annotations

import msgspec

from flowrouter.canonical.problem import Problem
from flowrouter.gateway.admission import Slot
from flowrouter.gateway.attempt_log import AttemptLog
from flowrouter.gateway.attempts import Opened
from flowrouter.gateway.blame import Failure
from flowrouter.gateway.source import Source
from flowrouter.routing import Target, Verdict

TIMEOUT_HEADER = "x-flowrouter-timeout"
"""The seconds a client gives an exchange until its answer begins or, where it wants it whole, is there."""

HAIR = 0.002
"""Seconds by which timers may be early."""

_OUT_OF_TIME = f"the time that {TIMEOUT_HEADER} gives is over"


class Begun(msgspec.Struct, frozen=True, eq=False):
    """An attempt whose first meaningful event is held in its source.

    Whoever has one closes it; `Relay.deliver` does.
    """

    opened: Opened
    source: Source
    _slot: Slot

    __repr__ = object.__repr__

    def overdue(self, now: float) -> bool:
        """Return whether the client's own time is over, by the monotonic clock."""
        return now >= self.source.deadline - HAIR

    @property
    def target(self) -> Target:
        """Return who answers."""
        return self.opened.prepared.target

    def close(self) -> None:
        """Let go of reply and slot; a second call does nothing."""
        self.opened.reply.close()
        self._slot.release()


def out_of_time(target: Target, log: AttemptLog | None = None) -> Failure:
    """Return the failure that the client's own time is over, which is not the target's; `log` is its attempt."""
    if log is not None:
        log.verdict, log.error = "request_fault", _OUT_OF_TIME
    problem = Problem(status=504, message=_OUT_OF_TIME, code="client_timeout")
    return Failure(target=target, problem=problem, verdict=Verdict(failure="request_fault", failover=False))


__all__ = ["HAIR", "TIMEOUT_HEADER", "Begun", "out_of_time"]
