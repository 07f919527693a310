"""Notices that a stream has fallen silent: one timer over all its reads, since one for each costs more than a read."""

from __future__ import annotations

import asyncio


class Silence:
    """Watches the reads of one reply, all by one task; `begin` and `end` stand around each, `close` behind the last.

    A read during which nothing comes for `limit` seconds is cancelled; `is_over` then tells that it was by this
    watch and nobody else, as `asyncio.timeout` would. Who reads many pieces at once sets `since` at each, to the
    loop's time.
    """

    __slots__ = ("_cancelling", "_limit", "_loop", "_over", "_reading", "_task", "_timer", "since")

    def __init__(self, limit: float) -> None:
        self._limit = limit
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[object] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.since = 0.0
        self._cancelling = 0
        self._reading = False
        self._over = False

    def begin(self) -> None:
        """Watch the task that reads from now on."""
        task, loop = self._task, self._loop
        if task is None or loop is None:
            loop = self._loop = asyncio.get_running_loop()
            task = self._task = asyncio.current_task()
            assert task is not None
        self._reading = True
        self._cancelling = task.cancelling()
        self.since = loop.time()
        if self._timer is None:
            self._timer = loop.call_at(self.since + self._limit, self._look, task, loop)

    def is_over(self) -> bool:
        """Return whether the cancellation that arrived is this watch's alone, and take its own back."""
        over, self._over = self._over, False
        return over and self._task is not None and self._task.uncancel() <= self._cancelling

    def end(self) -> None:
        """Watch no more until the next read."""
        self._reading = False
        if self._over:
            self.is_over()  # the read ended all the same

    def close(self) -> None:
        """Stop the timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self, task: asyncio.Task[object], loop: asyncio.AbstractEventLoop) -> None:
        """Cancel the read that is too long under way; one that began later has time left."""
        self._timer = None
        if not self._reading:
            return
        ends = self.since + self._limit
        if loop.time() < ends:
            self._timer = loop.call_at(ends, self._look, task, loop)
        else:
            self._over = True
            task.cancel()


__all__ = ["Silence"]
