"""Locks between the processes that share one store, kept in it.

A server and a command on the same store know nothing of each other's memory; what only one of them may do
at a time (renewing an access token) is decided here. A lock whose holder died ends by itself.
"""

from __future__ import annotations

from flowrouter.clock import Clock
from flowrouter.storage.place import Place

_OWNER = "local"
_TAKE = """
    INSERT INTO state (owner_id, key, value, expires_at_ms) VALUES (?, ?, ?, ?)
    ON CONFLICT (owner_id, key) DO UPDATE
    SET value = excluded.value, expires_at_ms = excluded.expires_at_ms
    WHERE state.expires_at_ms <= ? OR state.value = excluded.value
"""
_LEAVE = "DELETE FROM state WHERE owner_id = ? AND key = ? AND value = ?"


class StoredLock:
    """Locks by name in one store."""

    def __init__(self, place: Place, *, clock: Clock) -> None:
        self._place = place
        self._clock = clock

    async def take(self, name: str, holder: str, *, ttl: float) -> bool:
        """Let `holder` have `name` for `ttl` seconds; raises `StorageError`."""
        return await self._place.run(self._take, name, holder, ttl)

    async def leave(self, name: str, holder: str) -> None:
        """Give it back, unless another has it meanwhile; raises `StorageError`."""
        await self._place.run(self._leave, name, holder)

    def _take(self, name: str, holder: str, ttl: float) -> bool:
        now_ms = int(self._clock.now() * 1000)
        values = (_OWNER, f"lock:{name}", holder.encode(), now_ms + int(ttl * 1000), now_ms)
        with self._place.opened() as connection:
            return connection.execute(_TAKE, values).rowcount > 0

    def _leave(self, name: str, holder: str) -> None:
        with self._place.opened() as connection:
            connection.execute(_LEAVE, (_OWNER, f"lock:{name}", holder.encode()))


__all__ = ["StoredLock"]
