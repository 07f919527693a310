"""Receipts of finished exchanges: the last ones from the writer's memory, older ones from the store."""

from __future__ import annotations

from flowrouter.gateway.receipt_rows import receipt_of
from flowrouter.storage.place import Place
from flowrouter.storage.request_rows import COLUMNS, request_from
from flowrouter.storage.writer import RequestWriter

_COLUMNS = ", ".join(f"requests.{name}" for name in COLUMNS)
_GET = (
    f"SELECT {_COLUMNS}, body FROM receipts JOIN requests ON id = request_id"  # noqa: S608 - names of our own
    " WHERE request_id = ? AND (CAST(? AS TEXT) IS NULL OR receipts.owner_id = ?)"
)


class StoredReceipts:
    """Reads what the writer recorded; an exchange's receipt is readable as soon as it is recorded."""

    def __init__(self, place: Place, writer: RequestWriter) -> None:
        self._place = place
        self._writer = writer

    async def get(self, request_id: str, *, owner_id: str | None) -> bytes | None:
        """Return the receipt's JSON, or None where there is none for this owner; raises `StorageError`."""
        recent = self._writer.recent_receipt(request_id, owner_id=owner_id)
        return recent or await self._place.run(self._read, request_id, owner_id)

    def _read(self, request_id: str, owner_id: str | None) -> bytes | None:
        with self._place.opened() as connection:
            row = connection.execute(_GET, (request_id, owner_id, owner_id)).fetchone()
        return None if row is None else receipt_of(request_from(row, receipt=row["body"]))


__all__ = ["StoredReceipts"]
