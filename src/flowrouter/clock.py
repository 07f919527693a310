"""Time as an argument: the one place that reads the machine's clocks."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol

DAY_MS = 86_400_000


class Clock(Protocol):
    """Wall time for records, monotonic time for durations; both in seconds."""

    def now(self) -> float:
        """Return seconds since the epoch."""
        ...

    def monotonic(self) -> float:
        """Return seconds on a clock that never goes back."""
        ...


class SystemClock:
    """The machine's own clocks; a request reads them some twenty times, so nothing of ours lies between."""

    __slots__ = ()

    now = staticmethod(time.time)
    monotonic = staticmethod(time.monotonic)


def iso(seconds: float) -> str:
    """Return `seconds` since the epoch as RFC 3339 text in UTC, to the second."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def local_minute(seconds: float) -> int:
    """Return the minute of the day, in the machine's own zone, of `seconds` since the epoch."""
    there = time.localtime(seconds)
    return there.tm_hour * 60 + there.tm_min


__all__ = ["DAY_MS", "Clock", "SystemClock", "iso", "local_minute"]
