"""The port of short-lived state: what several workers must know of each other.

`storage` has the adapters (memory, Redis, and the stand-in for its absence); `tests/contracts` the class
that all of them pass.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol


class StateStore(Protocol):
    """Short-lived state shared by all workers: cooldowns, pins, rate counters, holds.

    `ttl` is in seconds, None keeps the entry until it is deleted. An entry past its time is gone. What
    keeps several workers in step never fails a request: while it is away each worker goes on with state
    of its own. Whoever may not (a lock, money) uses `strict`.
    """

    @property
    def shared(self) -> bool:
        """Return whether other processes write here too."""
        ...

    @property
    def strict(self) -> StateStore:
        """Return the same state without a stand-in: its calls raise `StorageError` while it is away."""
        ...

    @property
    def share(self) -> int:
        """Return among how many workers a common limit is divided now: 1 while they count together."""
        ...

    async def get(self, key: str) -> bytes | None:
        """Return the value of `key`; a counter reads as its decimal digits."""
        ...

    async def put(self, key: str, value: bytes, *, ttl: float | None) -> None:
        """Set `key`, whatever it was."""
        ...

    async def put_if_absent(self, key: str, value: bytes, *, ttl: float | None) -> bool:
        """Set `key` unless it exists; return whether this call set it."""
        ...

    async def delete(self, key: str) -> bool:
        """Remove `key`; return whether it existed."""
        ...

    async def add(self, key: str, amount: int, *, ttl: float | None) -> int:
        """Add to the counter `key` and return the sum; the first call starts it at 0 and sets its `ttl`.

        Raises `ValueError` where the value is not a whole number.
        """
        ...

    async def scan(self, prefix: str) -> Mapping[str, bytes]:
        """Return the live entries whose keys begin with `prefix`; meant for few entries, not for each request."""
        ...

    async def take(self, key: str, *, holder: str, limit: int, ttl: float) -> bool:
        """Let `holder` have one of the `limit` places of `key` for `ttl` seconds; False where none is free.

        A holder that has a place already keeps it and begins its time anew.
        """
        ...

    async def leave(self, key: str, *, holder: str) -> None:
        """Give a place back; a holder that has none is no error."""
        ...


__all__ = ["StateStore"]
