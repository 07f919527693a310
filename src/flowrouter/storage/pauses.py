"""Pauses of a minute or more in the store, so that a restart does not ask again at once who said no."""

from __future__ import annotations

from collections.abc import Mapping

from flowrouter.clock import Clock
from flowrouter.storage.place import Place

_PUT = """
    INSERT INTO state (owner_id, key, value, expires_at_ms) VALUES (?, ?, ?, ?)
    ON CONFLICT (owner_id, key) DO UPDATE
    SET value = excluded.value, expires_at_ms = excluded.expires_at_ms
"""
_DELETE = "DELETE FROM state WHERE key = ?"
_PRUNE = "DELETE FROM state WHERE expires_at_ms <= ?"
_LOAD = "SELECT key, value FROM state WHERE substr(key, 1, ?) = ? AND expires_at_ms > ?"


class StoredPauses:
    """Keeps pauses, or what else is kept like them under a `prefix` of its own.

    They are no change of the configuration, so no snapshot is made anew.
    """

    def __init__(self, place: Place, *, clock: Clock, prefix: str = "cooldown:") -> None:
        self._place = place
        self._prefix = prefix
        self._clock = clock

    async def put(self, key: str, value: bytes, *, owner_id: str, expires_at_ms: int) -> None:
        """Keep one, replacing the older one of its scope, and remove what is past; raises `StorageError`."""
        await self._place.run(self._put, (owner_id, self._prefix + key, value, expires_at_ms))

    async def delete(self, key: str) -> None:
        """Remove one; raises `StorageError`."""
        await self._place.run(self._delete, self._prefix + key)

    async def load(self) -> Mapping[str, bytes]:
        """Return those that are not past; raises `StorageError`."""
        return await self._place.run(self._load)

    def _put(self, row: tuple[str, str, bytes, int]) -> None:
        with self._place.writing() as connection:
            connection.execute(_PRUNE, (self._now_ms(),))
            connection.execute(_PUT, row)

    def _delete(self, key: str) -> None:
        with self._place.opened() as connection:
            connection.execute(_DELETE, (key,))

    def _load(self) -> dict[str, bytes]:
        with self._place.opened() as connection:
            rows = connection.execute(_LOAD, (len(self._prefix), self._prefix, self._now_ms())).fetchall()
        return {row["key"].removeprefix(self._prefix): bytes(row["value"]) for row in rows}

    def _now_ms(self) -> int:
        return int(self._clock.now() * 1000)


__all__ = ["StoredPauses"]
