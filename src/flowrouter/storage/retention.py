"""Bounded growth: old rows leave in small batches, so that nobody waits for a long transaction.

The ledger leaves with the requests, behind them: a request without its lines would look like a gap. Its sums
by day stay.
"""

from __future__ import annotations

import sqlite3

import msgspec

from flowrouter.storage.sqlite import transaction

DAY_MS = 86_400_000
BATCH = 500
_BUDGET_DAYS = 40

_OLD_REQUESTS = """
    DELETE FROM requests WHERE rowid IN (SELECT rowid FROM requests WHERE ts_ms < ? ORDER BY ts_ms LIMIT ?)
"""
_OLD_LINES = """
    DELETE FROM ledger WHERE rowid IN (SELECT rowid FROM ledger WHERE ts_ms < ? ORDER BY ts_ms LIMIT ?)
"""
_OLD_SPENT = """
    DELETE FROM budget_lines WHERE rowid IN
        (SELECT rowid FROM budget_lines WHERE ts_ms < ? ORDER BY ts_ms LIMIT ?)
"""
_OLD_BLOCKS = """
    DELETE FROM budget_blocks WHERE rowid IN
        (SELECT rowid FROM budget_blocks WHERE start_ms < ? ORDER BY start_ms LIMIT ?)
"""
_OLD_RECEIPTS = """
    DELETE FROM receipts WHERE rowid IN
        (SELECT rowid FROM receipts WHERE created_at_ms < ? ORDER BY created_at_ms LIMIT ?)
"""
_EXPIRED_BLOBS = """
    DELETE FROM sealed_blobs WHERE rowid IN
        (SELECT rowid FROM sealed_blobs WHERE expires_at_ms <= ? ORDER BY expires_at_ms LIMIT ?)
"""
_EXPIRED_STATE = """
    DELETE FROM state WHERE rowid IN
        (SELECT rowid FROM state WHERE expires_at_ms <= ? ORDER BY expires_at_ms LIMIT ?)
"""
_ROW_AT = "SELECT ts_ms FROM requests ORDER BY ts_ms DESC LIMIT 1 OFFSET ?"


class Retention(msgspec.Struct, frozen=True, kw_only=True):
    """How long things stay; None keeps them for good."""

    request_days: int | None = 90
    request_rows: int | None = 1_000_000
    receipt_days: int | None = 30


class Pruning:
    """One round of deletions; `step` does one batch, so that its caller can do other work between."""

    __slots__ = ("_left",)

    def __init__(self, connection: sqlite3.Connection, retention: Retention, *, now_ms: int) -> None:
        cutoff = _cutoff(connection, retention, now_ms=now_ms)
        receipts = cutoff
        if retention.receipt_days is not None:
            receipts = max(receipts, now_ms - retention.receipt_days * DAY_MS)
        months = now_ms - _BUDGET_DAYS * DAY_MS  # a month's counters must outlast the month
        self._left = [
            (_OLD_REQUESTS, cutoff),
            (_OLD_LINES, cutoff),
            (_OLD_SPENT, min(cutoff, months)),
            (_OLD_BLOCKS, min(cutoff, months)),
            (_OLD_RECEIPTS, receipts),
            (_EXPIRED_BLOBS, now_ms),
            (_EXPIRED_STATE, now_ms),
        ]

    def step(self, connection: sqlite3.Connection) -> bool:
        """Delete one batch; return whether there may be more."""
        statement, bound = self._left[0]
        with transaction(connection):
            deleted = connection.execute(statement, (bound, BATCH)).rowcount
        if deleted < BATCH:
            self._left.pop(0)
        return bool(self._left)


def _cutoff(connection: sqlite3.Connection, retention: Retention, *, now_ms: int) -> int:
    """Return the time before which requests go, by age or by count, whichever is later."""
    cutoff = 0 if retention.request_days is None else now_ms - retention.request_days * DAY_MS
    if retention.request_rows is not None:
        row = connection.execute(_ROW_AT, (retention.request_rows,)).fetchone()
        if row is not None:
            cutoff = max(cutoff, row["ts_ms"] + 1)
    return cutoff


__all__ = ["BATCH", "DAY_MS", "Pruning", "Retention"]
