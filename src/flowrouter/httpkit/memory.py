"""Keeps the bytes of request bodies in flight below a share of the machine's memory."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from flowrouter.errors import CallerError
from flowrouter.httpkit.bodies import declared_length

_FALLBACK = 1024**3
_UNDECLARED = 1024**2


class MemoryGate:
    """Counts declared body bytes; a request that would pass the limit is refused before it is read."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.held = 0

    @contextmanager
    def hold(self, headers: Mapping[str, str]) -> Iterator[None]:
        """Hold a request's share while it is served; raises `CallerError` (503, try again)."""
        declared = declared_length(headers)
        size = _UNDECLARED if declared is None else declared
        if self.held and self.held + size > self.limit:
            raise CallerError(
                "too many large requests are in flight; try again in a moment",
                status=503,
                code="busy",
                retry_after=1.0,
            )
        self.held += size
        try:
            yield
        finally:
            self.held -= size


def share_of_memory(share: float) -> int:
    """Return that share of the machine's memory, in bytes."""
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return _FALLBACK
    return int(total * share)


__all__ = ["MemoryGate", "share_of_memory"]
