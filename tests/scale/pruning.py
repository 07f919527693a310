"""Old rows leave while new ones come: what a round of retention costs who writes beside it."""

from __future__ import annotations

import threading
import time

from flowrouter.clock import SystemClock
from flowrouter.storage import RequestWriter, Retention
from flowrouter.storage.boot import Store
from tests.contracts.fakes import bare_row
from tests.scale.rows import DAY_MS

RATE = 200
WRITER_BOUND_MS = 50.0

_BESIDE = """
    INSERT INTO state (owner_id, key, value, expires_at_ms) VALUES (?, ?, ?, ?)
    ON CONFLICT (owner_id, key) DO UPDATE SET value = excluded.value
"""


class Clock(SystemClock):
    """A clock that is ahead by so many days that the oldest day's rows are too old."""

    def __init__(self, ahead_ms: int) -> None:
        self._ahead = ahead_ms / 1000

    def now(self) -> float:
        return super().now() + self._ahead


def measure(store: Store, seconds: float) -> int:
    """Prune the oldest day under load and print what it took; return how many bounds were missed."""
    from tests.scale.run import told

    oldest, before = _oldest(store)
    boundary = oldest - oldest % DAY_MS + DAY_MS
    keep = (int(time.time() * 1000) - boundary) // DAY_MS + 1
    clock = Clock(boundary + keep * DAY_MS - int(time.time() * 1000))
    retention = Retention(request_days=keep, request_rows=None, receipt_days=30)
    writer = RequestWriter(store.place, store.data, clock=clock, retention=retention)
    writer._prune_at = 0.0
    quiet = _beside(store, 3.0)
    writer.start()
    stop = threading.Event()
    coming = threading.Thread(target=_come, args=(writer, stop))
    coming.start()
    waits = _beside(store, seconds)
    stop.set()
    coming.join()
    queued = writer.health().queued
    writer.drain(60)
    _, after = _oldest(store)
    gone = before - after + int(RATE * seconds)
    print(
        f"retention: about {gone:,} old rows left in {seconds:.0f} s while {RATE}/s came; {queued} waited at the end"
    )
    told("a writer beside, no retention", quiet, bound=float("inf"))
    slow = told("a writer beside retention", waits, bound=WRITER_BOUND_MS)
    return slow + (_oldest(store)[0] < boundary) + _lines_left(store, boundary)


def _oldest(store: Store) -> tuple[int, int]:
    with store.place.opened() as connection:
        moment = connection.execute("SELECT min(ts_ms) FROM requests").fetchone()[0]
        return int(moment), int(connection.execute("SELECT count(*) FROM requests").fetchone()[0])


def _lines_left(store: Store, boundary: int) -> bool:
    """Return whether lines of the ledger are left of what was pruned."""
    with store.place.opened() as connection:
        found = connection.execute("SELECT min(ts_ms) FROM ledger").fetchone()[0]
    if found < boundary:
        print("  <-- the ledger did not follow in time")
    return found < boundary


def _beside(store: Store, seconds: float) -> list[float]:
    """Return the milliseconds that small transactions of another connection took, one every 20 ms."""
    took: list[float] = []
    until = time.monotonic() + seconds
    with store.place.opened() as connection:
        while time.monotonic() < until:
            begun = time.perf_counter()
            with store.place.transaction(connection):
                connection.execute(_BESIDE, ("local", "scale", b"x", 2**53))
            took.append((time.perf_counter() - begun) * 1000)
            time.sleep(0.02)
    return took


def _come(writer: RequestWriter, stop: threading.Event) -> None:
    number, begun = 0, time.monotonic()
    while not stop.wait(max(0.0, begun + number / RATE - time.monotonic())):
        number += 1
        now_ms = int(time.time() * 1000)
        writer.record(
            bare_row(
                id=f"req_{now_ms:x}{number:012x}", ts_ms=now_ms, owner_id="local", key_id=f"key_{number % 60:02}",
                client_dialect="openai_chat", endpoint="/v1/chat/completions", requested_model="gpt-5.5",
                account_id=f"acc_{number % 24:02}", preset="openai", model="gpt-5.5", dialect="openai_chat",
                status=200, outcome="ok", input_tokens=900, output_tokens=90, cost_pusd=10**9, charge_pusd=10**9,
                receipt=b"{}",
            )
        )  # fmt: skip


__all__ = ["measure"]
