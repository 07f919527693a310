"""Recorded bodies: written by a thread of their own, so that nothing waits for them.

What is kept of an exchange is one JSON document, compressed, sealed for its row, beside the request rows and
not in them: lists stay small, and bodies leave after days instead of a year. The thread is started by the
first recording. A store that fails for longer than a moment loses recordings, which are counted.
"""

from __future__ import annotations

import logging
from collections import deque
from threading import Event, Lock, Thread

import msgspec

from flowrouter.accounts.vault import Vault
from flowrouter.clock import DAY_MS, Clock
from flowrouter.gateway.recorded import recorded
from flowrouter.gateway.recording import RecordingCounts, Tape
from flowrouter.storage.place import Place

_log = logging.getLogger(__name__)

CAPACITY = 1_000
"""Recordings that may wait; their bytes are bounded by `gateway.recording.Room`."""

PAUSES = (0.25, 0.5, 1.0)
"""Seconds between tries to write one recording."""

TABLE, FIELD = "recordings", "body"

_PUT = """
    INSERT INTO recordings (request_id, owner_id, created_at_ms, expires_at_ms, size, body_sealed)
    VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT (request_id) DO NOTHING
"""


class RecordingWriter:
    """The gateway's `Shelf`: takes tapes on the event loop, writes them on its own thread.

    `longest_days`: how long request rows are kept, which no recording outlives.
    """

    def __init__(
        self,
        place: Place,
        vault: Vault,
        *,
        clock: Clock,
        longest_days: int | None = None,
        capacity: int = CAPACITY,
    ) -> None:
        self._place = place
        self._vault = vault
        self._clock = clock
        self._longest_days = longest_days
        self._capacity = capacity
        self._queue: deque[Tape] = deque()
        self._wake = Event()
        self._stop = Event()
        self._starting = Lock()
        self._thread: Thread | None = None
        self._busy = False
        self.counts = RecordingCounts()

    def put(self, tape: Tape) -> bool:
        """Take a finished tape, or return False; never blocks, never raises."""
        if self._stop.is_set() or len(self._queue) >= self._capacity:
            self.counts.dropped += 1
            return False
        self._queue.append(tape)
        self._start()
        self._wake.set()
        return True

    def missed(self) -> None:
        """Count a recording that could not begin for want of memory."""
        self.counts.dropped += 1

    def drain(self, timeout: float) -> bool:
        """Write what waits and stop; blocks up to `timeout` seconds, True when nothing was left behind."""
        self._stop.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(timeout)
        return not self._queue and not self._busy

    def _start(self) -> None:
        with self._starting:
            if self._thread is None:
                self._thread = Thread(target=self._run, name="recordings", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while self._queue or not self._stop.is_set():
            if not self._queue:
                self._wake.wait()
                self._wake.clear()
                continue
            self._busy = True
            tape = self._queue.popleft()
            try:
                self._keep(tape)
            except Exception as error:  # noqa: BLE001 - one recording that cannot be made must not end the others
                self.counts.failed += 1
                _log.warning("recording %s was lost: %s", tape.exchange_id, type(error).__name__)
            finally:
                tape.release()
                self._busy = False

    def _keep(self, tape: Tape) -> None:
        document = msgspec.json.encode(recorded(tape))
        row = self._row(tape, document)
        for pause in (*PAUSES, None):
            try:
                with self._place.opened() as connection:
                    connection.execute(_PUT, row)
            except Exception:
                if pause is None or self._stop.wait(pause):
                    raise
            else:
                self.counts.kept += 1
                return

    def _row(self, tape: Tape, document: bytes) -> tuple[object, ...]:
        sealed = self._vault.seal(packed(document), table=TABLE, row=tape.exchange_id, field=FIELD)
        created_ms = int(tape.inbound.wall * 1000)
        days = tape.days if self._longest_days is None else min(tape.days, self._longest_days)
        expires_ms = created_ms + days * DAY_MS
        return (tape.exchange_id, tape.owner_id, created_ms, expires_ms, len(document), sealed)


def packed(document: bytes) -> bytes:
    """Return `document` compressed; the library is loaded at the first one."""
    import zstandard

    return zstandard.ZstdCompressor(level=3).compress(document)


def unpacked(packed: bytes) -> bytes:
    """Return what `packed` made smaller."""
    import zstandard

    return zstandard.ZstdDecompressor().decompress(packed)


__all__ = ["FIELD", "TABLE", "RecordingWriter", "packed", "unpacked"]
