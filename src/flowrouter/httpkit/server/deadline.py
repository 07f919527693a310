"""The one timer of a connection: what it waits for changes with every request, the timer hardly ever.

Making and cancelling a timer costs more than the rest of the watch. So a deadline is a number; a timer that
fires ahead of it looks again later, and one that finds nothing to wait for is not set again until there is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

NEVER = float("inf")
_TICK = 0.001


class Deadline:
    """Tells `missed` once when `at`, a time of the loop's clock, has passed; `NEVER` lifts it."""

    __slots__ = ("_fires", "_loop", "_missed", "_timer", "at")

    def __init__(self, loop: asyncio.AbstractEventLoop, missed: Callable[[], None]) -> None:
        self._loop = loop
        self._missed = missed
        self._timer: asyncio.TimerHandle | None = None
        self._fires = NEVER
        self.at = NEVER

    def set(self, seconds: float) -> None:
        """Wait so long from now on."""
        at = self.at = self._loop.time() + seconds
        if at < self._fires:
            self._arm(seconds)

    def end(self) -> None:
        """Wait for nothing any more, and hold on to nobody."""
        self.at = self._fires = NEVER
        self._missed = _nothing
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._fires = self._loop.time() + seconds
        self._timer = self._loop.call_later(seconds, self._look)

    def _look(self) -> None:
        self._timer = None
        self._fires = NEVER
        left = self.at - self._loop.time()
        if left == NEVER:
            return
        if left > 0:
            self._arm(max(left, _TICK))
        else:
            self.at = NEVER
            self._missed()


def _nothing() -> None:
    return


__all__ = ["NEVER", "Deadline"]
