"""Recorded bodies, for people: to read and to remove; `recording_writer` writes them."""

from __future__ import annotations

from sqlalchemy import delete, select

from flowrouter.accounts.vault import Vault
from flowrouter.clock import Clock
from flowrouter.gateway.ports import NotFoundError
from flowrouter.storage.database import Database, owned
from flowrouter.storage.recording_writer import FIELD, TABLE, unpacked
from flowrouter.storage.tables import recordings


class StoredRecordings:
    """The recordings of one store, for people; its methods block."""

    def __init__(self, database: Database, vault: Vault, *, clock: Clock) -> None:
        self._database = database
        self._vault = vault
        self._clock = clock

    def get(self, request_id: str, *, owner_id: str | None = None) -> bytes:
        """Return what was recorded of a request, as JSON; raises `NotFoundError`, `StorageError`."""
        kept = select(recordings.c.body_sealed).where(
            recordings.c.request_id == request_id, recordings.c.expires_at_ms > self._now_ms()
        )
        with self._database.read() as connection:
            sealed = connection.execute(owned(kept, recordings, owner_id)).scalar()
        if sealed is None:
            raise NotFoundError(f"no recorded bodies of a request {request_id}")
        return unpacked(self._vault.open(sealed, table=TABLE, row=request_id, field=FIELD))

    def is_kept(self, request_id: str, *, owner_id: str | None = None) -> bool:
        """Return whether bodies of a request are kept."""
        kept = select(recordings.c.request_id).where(
            recordings.c.request_id == request_id, recordings.c.expires_at_ms > self._now_ms()
        )
        with self._database.read() as connection:
            return connection.execute(owned(kept, recordings, owner_id)).first() is not None

    def delete(self, request_id: str, *, owner_id: str | None = None) -> None:
        """Remove what was recorded of a request; raises `NotFoundError`."""
        gone = owned(delete(recordings).where(recordings.c.request_id == request_id), recordings, owner_id)
        with self._database.write() as connection:
            if not connection.execute(gone).rowcount:
                raise NotFoundError(f"no recorded bodies of a request {request_id}")

    def _now_ms(self) -> int:
        return int(self._clock.now() * 1000)


__all__ = ["StoredRecordings"]
