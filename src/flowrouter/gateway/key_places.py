"""Counts the requests in flight of gateway keys: in memory for one worker, by leases in the state for several."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from flowrouter.gateway.leases import LEASE_SECONDS, Leases
from flowrouter.gateway.ports import StateStore
from flowrouter.tasks import TaskGroup


class KeyPlaces:
    """Places by key id; who holds one gives it back by calling what it got, once."""

    def __init__(self, state: StateStore, *, tasks: TaskGroup, lease: float = LEASE_SECONDS) -> None:
        self._running: dict[str, int] = {}
        self._leases = Leases(state, tasks=tasks, seconds=lease) if state.shared else None

    async def take(self, key_id: str, limit: int) -> Callable[[], None] | None:
        """Return what gives the place back, None where all `limit` are taken; nobody is waited for."""
        if self._running.get(key_id, 0) >= limit:
            return None
        self._running[key_id] = self._running.get(key_id, 0) + 1
        if self._leases is None:
            return partial(self._end, key_id)
        holder = ""
        try:
            holder = await self._leases.take(f"key:{key_id}", limit)
        finally:
            if not holder:
                self._end(key_id)
        return partial(self._leave, key_id, holder) if holder else None

    def in_flight(self, key_id: str) -> int:
        """Return the requests that hold a place here."""
        return self._running.get(key_id, 0)

    async def close(self) -> None:
        """Give back what is held."""
        if self._leases is not None:
            await self._leases.close()

    def _leave(self, key_id: str, holder: str) -> None:
        self._end(key_id)
        assert self._leases is not None
        self._leases.leave(holder)

    def _end(self, key_id: str) -> None:
        self._running[key_id] -= 1
        if not self._running[key_id]:
            del self._running[key_id]


__all__ = ["KeyPlaces"]
