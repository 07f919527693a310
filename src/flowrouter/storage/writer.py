"""The request log's writer: one thread, batches, and no way for the store to fail a request.

`record` only appends to a queue. The thread waits 50 ms after the first row, then writes what there
is in one transaction; with a lock wait of 100 ms (SQLite) a row is on its way to the disk within 200 ms, so
that is all a killed process can lose. While the store is locked, full or damaged, rows go to the
journal instead, and the thread tries again with growing pauses, then imports them. Retention runs
on the same thread, one small batch at a time: there is exactly one writer to wait for.
"""

from __future__ import annotations

import logging
import math
from collections import deque
from pathlib import Path
from threading import Event, Thread

from flowrouter.clock import Clock
from flowrouter.gateway.ports import LogHealth, RequestRow
from flowrouter.gateway.receipt_rows import receipt_of
from flowrouter.storage.journal import Journal, journal_name, strays
from flowrouter.storage.place import Connection, Place
from flowrouter.storage.postings import LEDGER, enter
from flowrouter.storage.request_rows import clean
from flowrouter.storage.retention import Pruning, Retention

_log = logging.getLogger(__name__)

GATHER_SECONDS = 0.05
BUSY_MS = 100
BATCH = 500
CAPACITY = 10_000
RECENT_RECEIPTS = 256
FIRST_PAUSE = 0.25
LONGEST_PAUSE = 5.0
IDLE_SECONDS = 1.0
BREATH_SECONDS = 0.02
PRUNE_FIRST_SECONDS = 60.0
PRUNE_EVERY_SECONDS = 3600.0
KEY_USED_EVERY_MS = 60_000

_KEY_USED = "UPDATE keys SET last_used_at_ms = ? WHERE id = ?"


class RequestWriter:
    """Takes finished exchanges from any thread and writes them on its own; see the module.

    Each of several workers has a writer with a journal of its own; the first prunes, and takes over the
    journals of workers that are no more.
    """

    def __init__(
        self,
        place: Place,
        folder: Path,
        *,
        clock: Clock,
        retention: Retention | None = None,
        capacity: int = CAPACITY,
        worker: int = 0,
        workers: int = 1,
    ) -> None:
        self._place = place
        self._folder = folder
        self._clock = clock
        self._retention = retention or Retention()
        self._workers = workers
        self._capacity = capacity
        self._queue: deque[RequestRow] = deque()
        self._journal = Journal(folder / journal_name(worker))
        self._first = worker == 0
        self._recent: deque[RequestRow] = deque(maxlen=RECENT_RECEIPTS)
        self._wake = Event()
        self._asleep = False
        self._stop = Event()
        # Whether it is set, told without a call: every row asks.
        self._ended = False
        self._thread = Thread(target=self._run, name="request-writer", daemon=True)
        self._connection: Connection | None = None
        self._pause = 0.0
        self._retry_at = 0.0
        self._prune_at = clock.monotonic() + PRUNE_FIRST_SECONDS if worker == 0 else math.inf
        self._pruning: Pruning | None = None
        self._key_used: dict[str, int] = {}
        self._lost = 0
        self._last_error: str | None = None

    def start(self) -> None:
        """Start the thread; rows recorded before wait for it."""
        self._thread.start()

    def record(self, row: RequestRow) -> None:
        """Take `row`; never blocks on the store, never raises."""
        if row.receipt is not None:
            self._recent.append(row)
        queue = self._queue
        if self._ended or len(queue) >= self._capacity:
            self._set_aside([row])
            return
        queue.append(row)
        if self._asleep:
            self._wake.set()

    def recent_receipt(self, request_id: str, *, owner_id: str | None) -> bytes | None:
        """Return the receipt of one of the last exchanges, stored already or not."""
        for row in reversed(tuple(self._recent)):  # a copy: it may grow meanwhile
            if row.id == request_id:
                return receipt_of(row) if owner_id in (None, row.owner_id) else None
        return None

    def health(self) -> LogHealth:
        """Return the counts for readiness; `last_error` is None while the store takes rows."""
        return LogHealth(
            queued=len(self._queue),
            spilled=self._journal.count,
            rejected=self._journal.rejected,
            lost=self._lost,
            last_error=self._last_error,
        )

    def drain(self, timeout: float) -> bool:
        """Write or set aside all rows and stop; blocks up to `timeout` seconds, True when none was lost."""
        self._end()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout)
        if self._thread.is_alive():
            return False
        self._set_aside_queue()
        return not self._lost

    def _end(self) -> None:
        """Let the thread come to its end; from here on `record` goes straight to the journal."""
        self._ended = True
        self._stop.set()

    def _run(self) -> None:
        try:
            if self._first:
                self._journal.adopt(strays(self._folder, self._workers))
            while not self._stop.is_set():
                self._round()
            self._flush()
        except BaseException as error:
            self._note(error)
            raise
        finally:
            self._end()
            self._set_aside_queue()
            self._disconnect()

    def _round(self) -> None:
        """Do one turn of the thread: bring back what was set aside, write what is new, or tidy up."""
        if self._journal.count and self._store_may_work():
            self._import()
        if self._queue:
            self._stop.wait(GATHER_SECONDS)
            self._flush()
            if self._store_may_work():
                self._prune()
        elif self._store_may_work() and self._prune():
            self._stop.wait(BREATH_SECONDS)  # others wait for the store too, and would find it always taken
        else:
            self._sleep()

    def _sleep(self) -> None:
        """Wait for a row; whoever appends one looks for `_asleep` afterwards, so one of the two sees the other."""
        self._asleep = True
        if not self._queue:
            self._wake.wait(IDLE_SECONDS)
        self._asleep = False
        self._wake.clear()

    def _flush(self) -> None:
        for _ in range(len(self._queue) // BATCH + 1):
            batch = [self._queue.popleft() for _ in range(min(BATCH, len(self._queue)))]
            if batch and not (self._store_may_work() and self._write(batch)):
                self._set_aside(batch)

    def _store_may_work(self) -> bool:
        return self._clock.monotonic() >= self._retry_at

    def _write(self, batch: list[RequestRow], *, unseen: bool = True) -> bool:
        """Store `batch` in one transaction; return False, with the reason noted, if the store fails.

        `unseen` rows have not been written before, as those of the journal may have been.
        """
        try:
            self._insert(batch, unseen=unseen)
        except self._place.row_errors:
            return self._write_singly(batch)
        except (*self._place.errors, OSError) as error:
            self._failed(error)
            return False
        self._worked()
        return True

    def _write_singly(self, batch: list[RequestRow]) -> bool:
        """Store the rows one by one, so that one that the store cannot hold, or has, does not keep the others out."""
        for row in batch:
            try:
                self._insert([clean(row)])
            except self._place.row_errors as error:
                self._reject(row, error)
            except (*self._place.errors, OSError) as error:
                self._failed(error)
                return False
        self._worked()
        return True

    def _insert(self, batch: list[RequestRow], *, unseen: bool = False) -> None:
        with self._place.transaction(self._connect()) as connection:
            self._place.hold(connection, LEDGER)
            enter(self._place, connection, batch, unseen=unseen)
            used = self._mark_keys_used(connection, batch)
        self._key_used.update(used)  # not before: what is rolled back was not noted

    def _mark_keys_used(self, connection: Connection, batch: list[RequestRow]) -> dict[str, int]:
        """Note when keys were last used, at most once a minute for each; return what was noted."""
        used: dict[str, int] = {}
        for row in batch:
            key_id = row.key_id
            if key_id is None:
                continue
            before = used.get(key_id) or self._key_used.get(key_id, 0)
            if row.ts_ms - before >= KEY_USED_EVERY_MS:
                connection.execute(_KEY_USED, (row.ts_ms, key_id))
                used[key_id] = row.ts_ms
        return used

    def _import(self) -> None:
        """Store what the journal holds; whatever fails is tried again later."""
        try:
            for batch in self._journal.batches(BATCH):
                if not self._write(batch, unseen=False):
                    return
                self._flush()
            self._journal.imported()
        except OSError as error:
            self._failed(error)

    def _prune(self) -> bool:
        """Delete one batch of old rows if it is time; return whether there is more to do now."""
        if self._clock.monotonic() < self._prune_at:
            return False
        try:
            connection = self._connect()
            if self._pruning is None:
                now_ms = int(self._clock.now() * 1000)
                self._pruning = Pruning(connection, self._retention, now_ms=now_ms)
            if self._pruning.step(self._place, connection):
                return True
        except self._place.errors as error:
            self._failed(error)
        self._pruning = None
        self._prune_at = self._clock.monotonic() + PRUNE_EVERY_SECONDS
        return False

    def _set_aside(self, rows: list[RequestRow]) -> None:
        """Journal `rows`; where even that fails keep them queued while there is room."""
        try:
            self._journal.append(rows)
        except OSError as error:
            self._note(error)
            room = 0 if self._stop.is_set() else max(0, self._capacity - len(self._queue))
            self._queue.extendleft(reversed(rows[:room]))
            self._count_lost(rows[room:])

    def _set_aside_queue(self) -> None:
        rows = list(self._queue)
        self._queue.clear()
        if rows:
            self._set_aside(rows)

    def _count_lost(self, rows: list[RequestRow]) -> None:
        if rows:
            self._lost += len(rows)
            _log.error("request log: %d rows lost, neither store nor journal takes them", len(rows))

    def _reject(self, row: RequestRow, error: Exception) -> None:
        _log.error("request log: the store refuses row %s (%s)", row.id, type(error).__name__)
        self._journal.reject(row)

    def _failed(self, error: Exception) -> None:
        if self._pause == 0.0:
            _log.warning("request log: %s; rows go to the journal meanwhile", self._place.explain(error))
        self._note(error)
        self._pause = min(LONGEST_PAUSE, self._pause * 2 or FIRST_PAUSE)
        self._retry_at = self._clock.monotonic() + self._pause
        self._disconnect()

    def _worked(self) -> None:
        if self._pause:
            _log.warning("request log: the store takes rows again")
        self._pause = 0.0
        self._last_error = None

    def _note(self, error: BaseException) -> None:
        self._last_error = self._place.explain(error)

    def _connect(self) -> Connection:
        if self._connection is None:
            self._connection = self._place.connect(busy_ms=BUSY_MS)
        return self._connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


__all__ = ["RequestWriter"]
