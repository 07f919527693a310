"""Stand-ins for what the pipeline keeps its state in: a log, a sealed store, seals."""

from __future__ import annotations

from flowrouter.accounts.vault import UnsealError
from flowrouter.gateway.ports import LogHealth, RequestRow
from flowrouter.gateway.recording import Tape


class Recorder:
    """The request log: keeps the rows."""

    def __init__(self) -> None:
        self.rows: list[RequestRow] = []

    def record(self, row: RequestRow) -> None:
        self.rows.append(row)

    def health(self) -> LogHealth:
        return LogHealth(queued=0, spilled=0, rejected=0, lost=0, last_error=None)

    def drain(self, timeout: float) -> bool:
        del timeout
        return True


class MemoryShelf:
    """Keeps finished tapes; a full one takes none."""

    def __init__(self) -> None:
        self.tapes: list[Tape] = []
        self.full = False
        self.missing = 0

    def put(self, tape: Tape) -> bool:
        if self.full:
            self.missing += 1
            return False
        self.tapes.append(tape)
        return True

    def missed(self) -> None:
        self.missing += 1


class NoBlobs:
    """A sealed store that keeps nothing: what a playbook remembers is in its state."""

    async def put(
        self, owner_id: str, kind: str, blob_id: str, *, value: bytes, expires_at_ms: int | None = None
    ) -> None:
        del owner_id, kind, blob_id, value, expires_at_ms

    async def get(self, owner_id: str, kind: str, blob_id: str) -> bytes | None:
        del owner_id, kind, blob_id
        return None

    async def delete(self, owner_id: str, kind: str, blob_id: str) -> bool:
        del owner_id, kind, blob_id
        return False


class MemoryPauses:
    """The pauses kept over a restart: as a store has them, in memory."""

    def __init__(self) -> None:
        self.rows: dict[str, bytes] = {}

    async def put(self, key: str, value: bytes, *, owner_id: str, expires_at_ms: int) -> None:
        del owner_id, expires_at_ms
        self.rows[key] = value

    async def delete(self, key: str) -> None:
        self.rows.pop(key, None)

    async def load(self) -> dict[str, bytes]:
        return dict(self.rows)


class OpenSeals:
    """Sealing without secrecy, bound to its place as the vault's is."""

    def seal(self, value: bytes, *, table: str, row: str, field: str) -> bytes:
        return f"{table}|{row}|{field}|".encode() + value

    def open(self, blob: bytes, *, table: str, row: str, field: str) -> bytes:
        place = f"{table}|{row}|{field}|".encode()
        if not blob.startswith(place):
            raise UnsealError("not here")
        return blob.removeprefix(place)


__all__ = ["MemoryPauses", "MemoryShelf", "NoBlobs", "OpenSeals", "Recorder"]
