"""A `BudgetBook` in memory, which settles by the rows it is shown."""

from __future__ import annotations

from collections.abc import Iterable

from flowrouter.gateway.ledger import Drawing, Drawn
from flowrouter.gateway.records import RequestRow
from flowrouter.storage.budget_book import granted_of, stood


class MemoryBudgetBook:
    """Counters by budget and period; `blocks` holds (drawn, settled, seen) by holder."""

    def __init__(self) -> None:
        self.blocks: dict[tuple[str, int], dict[str, list[int]]] = {}
        self.draws = 0

    async def draw(
        self, drawing: Drawing, *, limit: int, least: int, most: int, now_ms: int, force: bool = False
    ) -> Drawn:
        """Take up to `most` out of what is left."""
        self.draws += 1
        held = self.blocks.setdefault((drawing.budget_id, drawing.start_ms), {})
        rows = [(name, *values) for name, values in held.items()]
        stands = stood(rows, holder=drawing.holder, now_ms=now_ms)
        granted = granted_of(stands, limit=limit, least=least, most=most, force=force)
        mine = held.setdefault(drawing.holder, [0, 0, now_ms])
        mine[0] += granted
        mine[2] = now_ms
        return Drawn(
            granted=granted,
            committed=stands.committed + granted,
            settled=stands.settled,
            uncertain=stands.uncertain,
            others=stands.others,
        )

    async def give_back(self, drawing: Drawing, amount: int, *, now_ms: int) -> None:
        """Put back what was not used."""
        mine = self.blocks[drawing.budget_id, drawing.start_ms][drawing.holder]
        mine[0] -= amount
        mine[2] = now_ms

    def settle(self, rows: Iterable[RequestRow]) -> None:
        """Count what `rows` used, as the ledger does."""
        for row in rows:
            for line in row.budgets:
                self.blocks[line.budget_id, line.start_ms][line.holder][1] += line.amount

    def outstanding(self) -> int:
        """Return what is drawn and not settled, of all budgets."""
        return sum(drawn - spent for held in self.blocks.values() for drawn, spent, _ in held.values())


__all__ = ["MemoryBudgetBook"]
