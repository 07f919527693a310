"""Gives memory back once it is free: what the C library and the interpreter keep for themselves.

Free pages in the middle of glibc's heaps stay resident until somebody asks (`malloc_trim`), and each further thread has
a heap of its own. So threads share one, and a chore asks: at once when nothing is under way, else once a minute,
since whoever allocates meanwhile waits (0.2 ms mostly, about 18 ms for 100 MB). Other C libraries need none of this.

CPython keeps up to 2,000 tuples of each length below 21 for later, as many as were ever free at once, and lets go
of them in a full collection only. Where the collector never has reason for one, that grows for hours. So there is
one now and then: of everything when nothing is under way, else one that finds nothing left to walk, since whoever
is served would wait for it (some 30 ms once the management routes are loaded).
"""

from __future__ import annotations

import asyncio
import gc
import os
import time
from collections.abc import Callable
from typing import Any

LOOK_SECONDS = 5.0
BUSY_SECONDS = 60.0
"""How long a gateway that is never at rest goes on without."""

COLLECT_SECONDS = 600.0
"""How long the interpreter may keep what it keeps for later."""

_WORKED_SECONDS = 0.1
"""Processor time after which there may be something to give back."""

_HEAPS = 2
_M_ARENA_MAX = -8


class Heap:
    """The heaps of the process; `is_busy` says whether anybody would wait while it is tidied."""

    def __init__(self, is_busy: Callable[[], bool]) -> None:
        self._is_busy = is_busy
        self._library = _glibc()

    def share(self) -> None:
        """Let threads that begin from now on share one heap."""
        if self._library is not None:
            self._library.mallopt(_M_ARENA_MAX, _HEAPS)

    async def follow(self) -> None:
        """Give back what is free, for ever."""
        now = asyncio.get_running_loop().time
        worked, done, collected = 0.0, now(), now()
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            if time.process_time() - worked < _WORKED_SECONDS:
                continue
            busy = self._is_busy()
            if busy and now() - done < BUSY_SECONDS:
                continue
            if now() - collected >= COLLECT_SECONDS:
                if busy:
                    # What is alive now goes with the last reference to it, as nearly everything does.
                    gc.collect(0)
                    gc.freeze()
                gc.collect()
                collected = now()
            if self._library is not None:
                await asyncio.to_thread(self._library.malloc_trim, 0)
            worked, done = time.process_time(), now()


def _glibc() -> Any:
    """Return the C library of this process, None where it is not glibc."""
    try:
        name = os.confstr("CS_GNU_LIBC_VERSION")
    except (AttributeError, ValueError, OSError):
        return None
    if not name or not name.startswith("glibc"):
        return None
    from ctypes import CDLL

    return CDLL(None)


__all__ = ["BUSY_SECONDS", "COLLECT_SECONDS", "LOOK_SECONDS", "Heap"]
