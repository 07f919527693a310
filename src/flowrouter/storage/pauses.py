"""Pauses of a minute or more in SQLite, so that a restart does not ask again at once who said no."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

from flowrouter.clock import Clock
from flowrouter.storage.sqlite import opened, transaction

_PREFIX = "cooldown:"

_PUT = """
    INSERT INTO state (owner_id, key, value, expires_at_ms) VALUES (?, ?, ?, ?)
    ON CONFLICT (owner_id, key) DO UPDATE
    SET value = excluded.value, expires_at_ms = excluded.expires_at_ms
"""
_DELETE = "DELETE FROM state WHERE key = ?"
_PRUNE = "DELETE FROM state WHERE expires_at_ms <= ?"
_LOAD = "SELECT key, value FROM state WHERE substr(key, 1, ?) = ? AND expires_at_ms > ?"


class SqlitePauses:
    """Keeps pauses; they are no change of the configuration, so no snapshot is made anew."""

    def __init__(self, path: Path, *, clock: Clock) -> None:
        self._path = path
        self._clock = clock

    async def put(self, key: str, value: bytes, *, owner_id: str, expires_at_ms: int) -> None:
        """Keep one, replacing the older one of its scope, and remove what is past; raises `StorageError`."""
        await asyncio.to_thread(self._put, (owner_id, _PREFIX + key, value, expires_at_ms))

    async def delete(self, key: str) -> None:
        """Remove one; raises `StorageError`."""
        await asyncio.to_thread(self._delete, _PREFIX + key)

    async def load(self) -> Mapping[str, bytes]:
        """Return those that are not past; raises `StorageError`."""
        return await asyncio.to_thread(self._load)

    def _put(self, row: tuple[str, str, bytes, int]) -> None:
        with opened(self._path) as connection, transaction(connection):
            connection.execute(_PRUNE, (self._now_ms(),))
            connection.execute(_PUT, row)

    def _delete(self, key: str) -> None:
        with opened(self._path) as connection:
            connection.execute(_DELETE, (key,))

    def _load(self) -> dict[str, bytes]:
        with opened(self._path) as connection:
            rows = connection.execute(_LOAD, (len(_PREFIX), _PREFIX, self._now_ms())).fetchall()
        return {row["key"].removeprefix(_PREFIX): bytes(row["value"]) for row in rows}

    def _now_ms(self) -> int:
        return int(self._clock.now() * 1000)


__all__ = ["SqlitePauses"]
