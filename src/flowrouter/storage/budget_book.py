"""The durable counters of budgets: drawn in blocks, by one process at a time.

What a process has in its hands is `drawn - settled` of its row. Rows of processes that were not seen for a
minute keep counting: what they had may have been spent, and only people can say that it was not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, TypeVar

from flowrouter.gateway.ledger import Drawing, Drawn
from flowrouter.storage.place import Connection, Place

GONE_MS = 60_000
"""After so long without a sign of life a process is taken to be gone."""

Answer = TypeVar("Answer")

_STANDING = """
    SELECT holder, drawn, settled, seen_at_ms FROM budget_blocks WHERE budget_id = ? AND start_ms = ?
"""
_DRAW = """
    INSERT INTO budget_blocks (budget_id, start_ms, holder, owner_id, drawn, settled, seen_at_ms)
    VALUES (?, ?, ?, ?, ?, 0, ?)
    ON CONFLICT (budget_id, start_ms, holder) DO UPDATE
    SET drawn = budget_blocks.drawn + excluded.drawn, seen_at_ms = excluded.seen_at_ms
"""


class StoredBudgetBook:
    """The `BudgetBook` of one store."""

    def __init__(self, place: Place) -> None:
        self._place = place

    async def draw(
        self, drawing: Drawing, *, limit: int, least: int, most: int, now_ms: int, force: bool = False
    ) -> Drawn:
        """Take up to `most` out of what is left of `limit`; raises `StorageError`."""
        work = partial(
            _draw, drawing=drawing, limit=limit, least=least, most=most, now_ms=now_ms, force=force
        )
        return await self._place.run(self._do, work, drawing)

    async def give_back(self, drawing: Drawing, amount: int, *, now_ms: int) -> None:
        """Put back what was drawn and not used; 0 only shows that the process lives; raises `StorageError`."""
        work = partial(_add, drawing=drawing, amount=-amount, now_ms=now_ms)
        await self._place.run(self._do, work, drawing)

    def _do(self, work: Callable[[Connection], Answer], drawing: Drawing) -> Answer:
        with self._place.writing() as connection:
            self._place.hold(connection, f"budget {drawing.budget_id} {drawing.start_ms}")
            return work(connection)


def _draw(
    connection: Connection,
    *,
    drawing: Drawing,
    limit: int,
    least: int,
    most: int,
    now_ms: int,
    force: bool,
) -> Drawn:
    rows = connection.execute(_STANDING, (drawing.budget_id, drawing.start_ms))
    stands = stood(rows, holder=drawing.holder, now_ms=now_ms)
    granted = granted_of(stands, limit=limit, least=least, most=most, force=force)
    if granted:
        _add(connection, drawing=drawing, amount=granted, now_ms=now_ms)
    return Drawn(
        granted=granted,
        committed=stands.committed + granted,
        settled=stands.settled,
        uncertain=stands.uncertain,
        others=stands.others,
    )


def _add(connection: Connection, *, drawing: Drawing, amount: int, now_ms: int) -> None:
    named = (drawing.budget_id, drawing.start_ms, drawing.holder, drawing.owner_id)
    connection.execute(_DRAW, (*named, amount, now_ms))


def granted_of(stands: Drawn, *, limit: int, least: int, most: int, force: bool) -> int:
    """Return what a draw gets of a budget that stands so."""
    granted = most if force else min(most, limit - stands.committed)
    return granted if granted > 0 and granted >= least else 0


def stood(rows: Iterable[Any], *, holder: str, now_ms: int) -> Drawn:
    """Return how a budget stands by its rows: holder, drawn, settled, when seen (ms).

    A holder is named `MACHINE/WORKER/LIFE`; earlier lives of one's own place are over.
    """
    committed = settled = uncertain = others = 0
    place = holder.rpartition("/")[0]
    for name, drawn, spent, seen_at_ms in rows:
        committed += max(drawn, spent)
        settled += spent
        if name == holder:
            continue
        if name.rpartition("/")[0] == place or now_ms - seen_at_ms > GONE_MS:
            uncertain += max(0, drawn - spent)
        else:
            others += max(0, drawn - spent)
    return Drawn(granted=0, committed=committed, settled=settled, uncertain=uncertain, others=others)


__all__ = ["GONE_MS", "StoredBudgetBook", "granted_of", "stood"]
