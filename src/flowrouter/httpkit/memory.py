"""Keeps the bytes of request bodies in flight below a share of the machine's memory."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgspec

from flowrouter.errors import CallerError

_FALLBACK = 1024**3
_UNDECLARED = 1024**2
_LIMIT_FILES = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)


class MemoryGate:
    """Counts body bytes; a request that would pass the limit is refused, before it is read where it says its size."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.held = 0

    def hold(self, declared: int | None) -> Share:
        """Hold a request's share, to be given back by `with`; raises `CallerError` (503, try again).

        `declared` are the bytes that its body is said to have.
        """
        size = _UNDECLARED if declared is None else declared
        if self.held and self.held + size > self.limit:
            raise _busy()
        self.held += size
        return Share(self, size)


class Share(msgspec.Struct):
    """What one request holds; it grows where a body turns out larger than it was declared (chunked, compressed)."""

    gate: MemoryGate
    size: int

    def __enter__(self) -> Share:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def release(self) -> None:
        """Give it back; once."""
        self.gate.held -= self.size

    def cover(self, size: int) -> None:
        """Hold at least `size` bytes; raises `CallerError` (503). A request that is alone is never refused."""
        if size <= self.size:
            return
        more, gate = size - self.size, self.gate
        if gate.held > self.size and gate.held + more > gate.limit:
            raise _busy()
        gate.held += more
        self.size = size


def _busy() -> CallerError:
    return CallerError(
        "too many large requests are in flight; try again in a moment",
        status=503,
        code="busy",
        retry_after=1.0,
    )


def share_of_memory(share: float) -> int:
    """Return that share of the memory this process may use, in bytes: the machine's, or its container's."""
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        total = _FALLBACK
    return int(min([total, *_container_limits()]) * share)


def _container_limits() -> Iterator[int]:
    """Yield the limits of the control group this process is in (Linux; version 2, then 1)."""
    for path in _LIMIT_FILES:
        with suppress(OSError, ValueError):  # not there, or `max`
            yield int(path.read_text("ascii"))


__all__ = ["MemoryGate", "Share", "share_of_memory"]
