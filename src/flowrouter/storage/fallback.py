"""Shared state that never fails a request: while Redis is away, this worker goes on in its own memory.

The first call that fails switches all calls to memory, so an outage costs one short timeout, not one per
request. A task then asks Redis once a second. When it answers, what was noted meanwhile (pauses, pins)
is carried over unless Redis knows better, and the places of requests in flight are taken again. Places
are mirrored in memory all along, and alone a worker gives out its share of them only.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from flowrouter.clock import Clock
from flowrouter.errors import StorageError
from flowrouter.logs import Logger
from flowrouter.storage.memory_state import MemoryStateStore
from flowrouter.storage.redis_state import RedisStateStore, StateDeniedError
from flowrouter.tasks import TaskGroup

LOOK_SECONDS = 1.0
"""How often an absent server is asked whether it is back."""

_UNLIMITED = 2**31
_AT_ONCE = 500
Answer = TypeVar("Answer")
Store = RedisStateStore | MemoryStateStore


class FallingBackState:
    """A shared `StateStore`, and memory for the time it is away; `workers` share the limits meanwhile."""

    shared = True

    def __init__(
        self, far: RedisStateStore, *, clock: Clock, tasks: TaskGroup, log: Logger, workers: int = 1
    ) -> None:
        self._far = far
        self._near = MemoryStateStore(clock)
        self._clock = clock
        self._tasks = tasks
        self._log = log
        self._workers = workers
        self._away_since: float | None = None

    @property
    def strict(self) -> RedisStateStore:
        """Return the shared store itself: its calls raise `StorageError` while it is away."""
        return self._far

    @property
    def share(self) -> int:
        """Return among how many workers a common limit is divided now."""
        return 1 if self._away_since is None else self._workers

    @property
    def place(self) -> str:
        """Return where the shared state is, without credentials."""
        return self._far.place

    @property
    def away_seconds(self) -> float | None:
        """Return for how long the shared store has been away; None while it answers."""
        return None if self._away_since is None else self._clock.monotonic() - self._away_since

    async def open(self) -> None:
        """Look for the shared store; an absent one is waited for beside the requests.

        Raises `StateDeniedError`: a wrong password does not mend itself.
        """
        try:
            await self._far.ping()
        except StateDeniedError:
            raise
        except StorageError as error:
            self._lose(error)

    async def ping(self) -> None:
        """Return once the shared store has answered; raises `StorageError`."""
        await self._far.ping()

    async def close(self) -> None:
        """Close the connection."""
        await self._far.close()

    async def get(self, key: str) -> bytes | None:
        """Return the value of `key`; a counter reads as its decimal digits."""
        return await self._either(lambda store: store.get(key))

    async def put(self, key: str, value: bytes, *, ttl: float | None) -> None:
        """Set `key`, whatever it was."""
        await self._either(lambda store: store.put(key, value, ttl=ttl))

    async def put_if_absent(self, key: str, value: bytes, *, ttl: float | None) -> bool:
        """Set `key` unless it exists; return whether this call set it."""
        return await self._either(lambda store: store.put_if_absent(key, value, ttl=ttl))

    async def delete(self, key: str) -> bool:
        """Remove `key`; return whether it existed."""
        return await self._either(lambda store: store.delete(key))

    async def add(self, key: str, amount: int, *, ttl: float | None) -> int:
        """Add to the counter `key` and return the sum; raises `ValueError` where it is not a number."""
        return await self._either(lambda store: store.add(key, amount, ttl=ttl))

    async def scan(self, prefix: str) -> dict[str, bytes]:
        """Return the live entries whose keys begin with `prefix`."""
        return await self._either(lambda store: store.scan(prefix))

    async def take(self, key: str, *, holder: str, limit: int, ttl: float) -> bool:
        """Let `holder` have one of the `limit` places of `key` for `ttl` seconds."""
        share = max(1, limit // self._workers)
        taken = await self._either(
            lambda store: store.take(
                key, holder=holder, limit=limit if store is self._far else share, ttl=ttl
            )
        )
        if taken and self._away_since is None:
            await self._near.take(key, holder=holder, limit=_UNLIMITED, ttl=ttl)
        return taken

    async def leave(self, key: str, *, holder: str) -> None:
        """Give a place back; a holder that has none is no error."""
        await self._near.leave(key, holder=holder)
        await self._either(lambda store: store.leave(key, holder=holder))

    async def _either(self, call: Callable[[Store], Awaitable[Answer]]) -> Answer:
        if self._away_since is None:
            try:
                return await call(self._far)
            except StorageError as error:
                self._lose(error)
        return await call(self._near)

    def _lose(self, error: StorageError) -> None:
        """Go on alone from here; told once."""
        if self._away_since is None:
            self._away_since = self._clock.monotonic()
            self._log.warning("shared state is away; this worker goes on alone", reason=error.message)
            self._tasks.start("shared state", self._wait_for_it())

    async def _wait_for_it(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                await self._far.ping()
                await self._carry_over()
            except StorageError:
                continue
            self._log.warning("shared state is back", away_s=round(self.away_seconds or 0.0, 1))
            self._away_since = None
            return

    async def _carry_over(self) -> None:
        """Bring to the shared store what was noted without it; it then lives there alone."""
        values, places = self._near.contents()
        for start in range(0, len(values), _AT_ONCE):
            some = values[start : start + _AT_ONCE]
            await asyncio.gather(
                *(self._far.put_if_absent(key, value, ttl=left) for key, value, left in some)
            )
        for start in range(0, len(places), _AT_ONCE):
            held = places[start : start + _AT_ONCE]
            await asyncio.gather(
                *(
                    self._far.take(key, holder=holder, limit=_UNLIMITED, ttl=left)
                    for key, holder, left in held
                )
            )
        for key, _, _ in values:
            await self._near.delete(key)


__all__ = ["LOOK_SECONDS", "FallingBackState"]
