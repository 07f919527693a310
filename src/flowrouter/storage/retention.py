"""Bounded growth: old rows leave in small batches, so that nobody waits for a long transaction.

The ledger leaves with the requests, behind them: a request without its lines would look like a gap. Sums
by day stay.
"""

from __future__ import annotations

import msgspec

from flowrouter.clock import DAY_MS
from flowrouter.storage.place import Connection, Place
from flowrouter.storage.request_sums import HOUR_MS, QUARTER_MS, SLOT_KINDS

BATCH = 250
_BUDGET_DAYS = 40

_OLD_REQUESTS = """
    DELETE FROM requests WHERE id IN (SELECT id FROM requests WHERE ts_ms < ? ORDER BY ts_ms LIMIT ?)
"""
_OLD_LINES = """
    DELETE FROM ledger WHERE (exchange_id, line) IN
        (SELECT exchange_id, line FROM ledger WHERE ts_ms < ? ORDER BY ts_ms LIMIT ?)
"""
_OLD_SPENT = """
    DELETE FROM budget_lines WHERE (exchange_id, budget_id) IN
        (SELECT exchange_id, budget_id FROM budget_lines WHERE ts_ms < ? ORDER BY ts_ms LIMIT ?)
"""
_OLD_BLOCKS = """
    DELETE FROM budget_blocks WHERE (budget_id, start_ms, holder) IN
        (SELECT budget_id, start_ms, holder FROM budget_blocks WHERE start_ms < ? ORDER BY start_ms LIMIT ?)
"""
_OLD_RECEIPTS = """
    DELETE FROM receipts WHERE request_id IN
        (SELECT request_id FROM receipts WHERE created_at_ms < ? ORDER BY created_at_ms LIMIT ?)
"""
# By time instead of by key: SQLite would look for the keys of a list one by one among all of a width.
_OLD_SLOTS = """
    DELETE FROM request_slots WHERE width_ms = {0} AND kind = '{1}' AND slot_ms < ? AND slot_ms <= COALESCE(
        (SELECT slot_ms FROM request_slots WHERE width_ms = {0} AND kind = '{1}'
        ORDER BY slot_ms LIMIT 1 OFFSET ?), 9223372036854775807)
"""
_SHORT = ((QUARTER_MS, ""), *((HOUR_MS, kind) for kind in ("", *SLOT_KINDS)))
_EXPIRED_BLOBS = """
    DELETE FROM sealed_blobs WHERE (owner_id, kind, id) IN
        (SELECT owner_id, kind, id FROM sealed_blobs WHERE expires_at_ms <= ? ORDER BY expires_at_ms LIMIT ?)
"""
_EXPIRED_STATE = """
    DELETE FROM state WHERE (owner_id, key) IN
        (SELECT owner_id, key FROM state WHERE expires_at_ms <= ? ORDER BY expires_at_ms LIMIT ?)
"""
_EXPIRED_RECORDINGS = """
    DELETE FROM recordings WHERE request_id IN
        (SELECT request_id FROM recordings WHERE expires_at_ms <= ? ORDER BY expires_at_ms LIMIT ?)
"""
_ROW_AT = "SELECT ts_ms FROM requests ORDER BY ts_ms DESC LIMIT 1 OFFSET ?"


class Retention(msgspec.Struct, frozen=True, kw_only=True):
    """How long things stay; None keeps them for good."""

    request_days: int | None = 400
    request_rows: int | None = 5_000_000
    receipt_days: int | None = 30


class Pruning:
    """One round of deletions; `step` does one batch, so that its caller can do other work between."""

    __slots__ = ("_left",)

    def __init__(self, connection: Connection, retention: Retention, *, now_ms: int) -> None:
        cutoff = _cutoff(connection, retention, now_ms=now_ms)
        receipts = cutoff
        if retention.receipt_days is not None:
            receipts = max(receipts, now_ms - retention.receipt_days * DAY_MS)
        months = now_ms - _BUDGET_DAYS * DAY_MS  # a month's counters must outlast the month
        self._left = [
            (_OLD_RECEIPTS, receipts),  # before the rows that they are told from
            (_OLD_REQUESTS, cutoff),
            (_OLD_LINES, cutoff),
            *((_OLD_SLOTS.format(width, kind), cutoff - DAY_MS) for width, kind in _SHORT),
            (_OLD_SPENT, min(cutoff, months)),
            (_OLD_BLOCKS, min(cutoff, months)),
            (_EXPIRED_RECORDINGS, now_ms),
            (_EXPIRED_BLOBS, now_ms),
            (_EXPIRED_STATE, now_ms),
        ]

    def step(self, place: Place, connection: Connection) -> bool:
        """Delete one batch; return whether there may be more."""
        statement, bound = self._left[0]
        with place.transaction(connection):
            deleted = connection.execute(statement, (bound, BATCH)).rowcount
        if deleted < BATCH:
            self._left.pop(0)
        return bool(self._left)


def _cutoff(connection: Connection, retention: Retention, *, now_ms: int) -> int:
    """Return the time before which requests go, by age or by count, whichever is later."""
    cutoff = 0 if retention.request_days is None else now_ms - retention.request_days * DAY_MS
    if retention.request_rows is not None:
        row = connection.execute(_ROW_AT, (retention.request_rows,)).fetchone()
        if row is not None:
            cutoff = max(cutoff, row["ts_ms"] + 1)
    return cutoff


__all__ = ["BATCH", "Pruning", "Retention"]
