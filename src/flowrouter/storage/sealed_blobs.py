"""Sealed values in the store: whoever reads it sees whose they are, not what they say."""

from __future__ import annotations

from urllib.parse import quote

from flowrouter.accounts.vault import Vault
from flowrouter.clock import Clock
from flowrouter.storage.place import Place

_PUT = """
    INSERT INTO sealed_blobs (owner_id, kind, id, value, created_at_ms, expires_at_ms)
    VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT (owner_id, kind, id) DO UPDATE
    SET value = excluded.value, created_at_ms = excluded.created_at_ms, expires_at_ms = excluded.expires_at_ms
"""
_GET = """
    SELECT value FROM sealed_blobs
    WHERE owner_id = ? AND kind = ? AND id = ? AND (expires_at_ms IS NULL OR expires_at_ms > ?)
"""
_DELETE = "DELETE FROM sealed_blobs WHERE owner_id = ? AND kind = ? AND id = ?"


class StoredSealedBlobs:
    """Values of one store, sealed by its vault for their owner, kind and id."""

    def __init__(self, place: Place, vault: Vault, *, clock: Clock) -> None:
        self._place = place
        self._vault = vault
        self._clock = clock

    async def put(
        self, owner_id: str, kind: str, blob_id: str, *, value: bytes, expires_at_ms: int | None = None
    ) -> None:
        """Keep `value`, replacing what was there; raises `StorageError`."""
        await self._place.run(self._put, (owner_id, kind, blob_id), value, expires_at_ms)

    async def get(self, owner_id: str, kind: str, blob_id: str) -> bytes | None:
        """Return the value unless it is missing or past its time; raises `StorageError` if it does not open."""
        return await self._place.run(self._get, (owner_id, kind, blob_id))

    async def delete(self, owner_id: str, kind: str, blob_id: str) -> bool:
        """Remove the value; return whether there was one that could still be read."""
        return await self._place.run(self._delete, (owner_id, kind, blob_id))

    def _put(self, place: tuple[str, str, str], value: bytes, expires_at_ms: int | None) -> None:
        sealed = self._vault.seal(value, table="sealed_blobs", row=_row(place), field="value")
        with self._place.opened() as connection:
            connection.execute(_PUT, (*place, sealed, self._now_ms(), expires_at_ms))

    def _get(self, place: tuple[str, str, str]) -> bytes | None:
        with self._place.opened() as connection:
            row = connection.execute(_GET, (*place, self._now_ms())).fetchone()
        if row is None:
            return None
        return self._vault.open(row["value"], table="sealed_blobs", row=_row(place), field="value")

    def _delete(self, place: tuple[str, str, str]) -> bool:
        with self._place.writing() as connection:
            live = connection.execute(_GET, (*place, self._now_ms())).fetchone() is not None
            connection.execute(_DELETE, place)
        return live

    def _now_ms(self) -> int:
        return int(self._clock.now() * 1000)


def _row(place: tuple[str, str, str]) -> str:
    """Return the row's name for the seal; parts are quoted so that no two places read alike."""
    return "/".join(quote(part, safe="") for part in place)


__all__ = ["StoredSealedBlobs"]
