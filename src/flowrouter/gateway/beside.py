"""Work on a large request that would hold up all the others, beside the event loop.

Translating ten megabytes keeps an interpreter busy for half a second. A thread does it, one request at a time,
and sees to it that the loop gets its turn: JSON is read and written piece by piece, threads take turns ten
times as often, and the collector of cycles, which would walk all that has just been read, rests meanwhile.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from typing import TypeVar

from flowrouter.errors import CallerError
from flowrouter.wire.json import in_pieces

LARGE = 1024 * 1024
"""Bytes of a body from which on its translation goes beside the loop."""

WAITING = 2
"""Requests that may be let in beside the one under way; the next is refused."""

_TURN = 0.0005
T = TypeVar("T")


class Beside:
    """One thread for large requests."""

    def __init__(self) -> None:
        self._pool: ThreadPoolExecutor | None = None
        self._inside = 0

    @contextmanager
    def place(self) -> Iterator[None]:
        """Let a request in, for all that it has to have done here; raises `CallerError` where too many are."""
        if self._inside > WAITING:
            raise CallerError(
                "the gateway is translating as many large requests as it takes at a time; try again in some seconds",
                status=503,
                code="busy",
                retry_after=5.0,
                retry=True,
            )
        self._inside += 1
        try:
            yield
        finally:
            self._inside -= 1

    async def run(self, work: Callable[[], T]) -> T:
        """Return what `work` returns, of a request that has its `place`; they take turns."""
        if self._pool is None:
            self._pool = ThreadPoolExecutor(1, thread_name_prefix="large-requests")
        return await asyncio.wrap_future(self._pool.submit(copy_context().run, politely, work))

    def close(self) -> None:
        """Begin nothing more."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)


def politely(work: Callable[[], T]) -> T:
    """Return what `work` returns, done in a thread that leaves the event loop its turn; not for the loop's own."""
    in_pieces.set(True)
    with _polite:
        return work()


class _Polite:
    """Short turns and no collector while anybody works beside the loop."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._working = 0
        self._before = (0.0, False)

    def __enter__(self) -> None:
        with self._lock:
            self._working += 1
            if self._working == 1:
                self._before = (sys.getswitchinterval(), gc.isenabled())
                sys.setswitchinterval(_TURN)
                gc.disable()

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._working -= 1
            if not self._working:
                turn, collects = self._before
                sys.setswitchinterval(turn)
                if collects:
                    gc.enable()


_polite = _Polite()

__all__ = ["LARGE", "WAITING", "Beside", "politely"]
