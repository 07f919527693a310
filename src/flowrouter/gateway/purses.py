"""What this worker has drawn of budgets: taken from the durable counter in blocks, lent to requests as holds.

A block is 2 % of the budget, or $0.25 where that is less: so much may be lost with a killed process, and so
seldom is the counter asked. What lies idle for two seconds is put back, and so is what large requests gave
back beyond a block, so that other workers can use it and a crash loses only what was in use.
"""

from __future__ import annotations

import asyncio
import secrets

import msgspec

from flowrouter import logs
from flowrouter.clock import Clock
from flowrouter.errors import StorageError
from flowrouter.gateway.ledger import BudgetBook, Drawing, Drawn
from flowrouter.gateway.limit import Limit
from flowrouter.gateway.periods import Span, span_of
from flowrouter.tasks import TaskGroup

IDLE_SECONDS = 2.0
"""For how long a drawn amount may lie idle before it is put back."""

SEEN_SECONDS = 15.0
"""How often a process shows that what it has in its hands is not lost."""

_log = logs.get("budgets")
_NOTHING = Drawn(granted=0, committed=0, settled=0, uncertain=0)


class Purse:
    """What this worker has of one budget in one period.

    `pool` is drawn and free, below 0 where answers took more than was drawn; `held` is lent to requests.
    `stands` is how the budget stood at the last draw. `short` tells that a request asked for more than is left.
    """

    __slots__ = (
        "drawing", "held", "limit", "lock", "pool", "seen_at", "short", "span", "stands", "used_at", "warned",
    )  # fmt: skip

    def __init__(self, limit: Limit, span: Span, drawing: Drawing, *, now: float) -> None:
        self.limit = limit
        self.span = span
        self.drawing = drawing
        self.pool = 0
        self.held = 0
        self.stands = _NOTHING
        self.lock = asyncio.Lock()
        self.used_at = self.seen_at = now
        self.warned = self.short = False

    @property
    def free(self) -> int:
        """Return what may be lent: the pool, without what answers were granted beyond the budget."""
        return self.pool - max(0, self.stands.committed - self.limit.amount)

    @property
    def used(self) -> int:
        """Return what is used up as far as this worker knows: spent anywhere, or lost; not what is in use."""
        stands = self.stands
        return max(0, stands.committed - stands.others - self.pool - self.held)


class Purses:
    """All purses of this worker; what they need is given once. `node` names the machine and the worker."""

    def __init__(self, book: BudgetBook, *, clock: Clock, tasks: TaskGroup, node: str = "local/0") -> None:
        self._book = book
        self._clock = clock
        self._tasks = tasks
        self.holder = f"{node}/{secrets.token_hex(6)}"
        self._purses: dict[tuple[str, int], Purse] = {}
        self._keeping: asyncio.Task[None] | None = None

    def of(self, limit: Limit) -> Purse:
        """Return the purse of the present period."""
        now = self._clock.now()
        span = span_of(limit.budget, now)
        purse = self._purses.get((limit.id, span.start_ms))
        if purse is None:
            drawing = Drawing(
                budget_id=limit.id, start_ms=span.start_ms, holder=self.holder, owner_id=limit.owner_id
            )
            purse = self._purses[limit.id, span.start_ms] = Purse(limit, span, drawing, now=now)
        elif purse.limit is not limit:
            purse.limit = limit  # its owner changed the amount
        return purse

    def present(self) -> list[Purse]:
        """Return the purses there are."""
        return list(self._purses.values())

    async def reserve(self, purse: Purse, *, least: int, most: int, force: bool = False) -> int:
        """Lend up to `most`; 0 where there is less than `least`. Raises `StorageError`.

        With `force` all of `most` is lent, though the budget is used up.
        """
        if not most:
            return 0
        if purse.free < most:
            async with purse.lock:
                granted = purse.free < most
                while granted:
                    granted = await self._fill(purse, least=least, most=most, force=force)
                    if purse.free >= least:
                        break  # else others took of it while the counter was asked: once more
        lent = most if force else min(most, purse.free)
        if lent < least:
            purse.short = True
            return 0
        purse.used_at = self._clock.monotonic()
        purse.pool -= lent
        purse.held += lent
        return lent

    def give_up(self, purse: Purse, amount: int) -> None:
        """Take back what was lent and is not needed."""
        purse.held -= amount
        purse.pool += amount

    def settle(self, purse: Purse, *, lent: int, spent: int) -> None:
        """Take back what was lent but for what was spent of it, or more."""
        purse.held -= lent
        purse.pool += lent - spent
        purse.used_at = self._clock.monotonic()
        if purse.pool < 0:
            self._tasks.start("budgets", self._cover(purse))

    async def _cover(self, purse: Purse) -> None:
        """Draw what answers took beyond what was drawn."""
        async with purse.lock:
            missing = -purse.pool
            if missing > 0:
                try:
                    await self._draw(purse, least=missing, most=missing, force=True)
                except StorageError as error:  # it is in the ledger all the same, and counts from there
                    _log.warning("a budget could not be drawn on", budget=purse.limit.id, error=error)

    async def _fill(self, purse: Purse, *, least: int, most: int, force: bool) -> bool:
        """Draw what is missing; return whether anything came of it."""
        needed = max(0, least - purse.free)
        wanted = max(most - purse.free, 1)
        if force:
            drawn = await self._draw(purse, least=needed, most=max(wanted, purse.limit.block))
            if drawn.granted < wanted:
                await self._draw(purse, least=0, most=wanted - drawn.granted, force=True)
            return False
        drawn = await self._draw(purse, least=max(1, needed), most=max(wanted, purse.limit.block))
        return drawn.granted > 0

    async def _draw(self, purse: Purse, *, least: int, most: int, force: bool = False) -> Drawn:
        """Draw, and put it into the purse even if nobody waits for it any more."""
        drawing = self._tasks.start("budgets", self._drawn(purse, least=least, most=most, force=force))
        found = await asyncio.shield(drawing)
        if isinstance(found, StorageError):
            raise found
        self._keep()
        return found

    async def _drawn(self, purse: Purse, *, least: int, most: int, force: bool) -> Drawn | StorageError:
        try:
            drawn = await self._book.draw(
                purse.drawing,
                limit=purse.limit.amount,
                least=least,
                most=most,
                now_ms=int(self._clock.now() * 1000),
                force=force,
            )
        except StorageError as error:
            return error
        purse.pool += drawn.granted
        purse.stands = drawn
        purse.seen_at = self._clock.monotonic()
        return drawn

    def _keep(self) -> None:
        if self._keeping is None or self._keeping.done():
            self._keeping = self._tasks.start("budgets", self._look_after())

    async def _look_after(self) -> None:
        """Put back what lies idle and show that this process lives, until there is nothing left to do."""
        while any(purse.pool or purse.held for purse in self._purses.values()):
            await asyncio.sleep(IDLE_SECONDS)
            for purse in self.present():
                await self._look(purse)

    async def _look(self, purse: Purse) -> None:
        now = self._clock.monotonic()
        over = self._clock.now() >= purse.span.end
        idle = now - purse.used_at >= IDLE_SECONDS or over
        # Where there is too little left for a request, several workers may have a part of what it needs.
        if purse.pool > 0 and (purse.short or (idle and (over or not purse.held))):
            purse.short = False
            await self._put_back(purse, purse.pool)
        elif purse.pool > purse.limit.block:
            await self._put_back(purse, purse.pool - purse.limit.block)
        elif (purse.pool or purse.held) and now - purse.seen_at >= SEEN_SECONDS:
            await self._back(purse, 0)
        if over and not purse.pool and not purse.held:
            self._purses.pop((purse.limit.id, purse.span.start_ms), None)

    async def _put_back(self, purse: Purse, amount: int) -> None:
        purse.pool -= amount
        if not await self._back(purse, amount):
            purse.pool += amount

    async def _back(self, purse: Purse, amount: int) -> bool:
        try:
            await self._book.give_back(purse.drawing, amount, now_ms=int(self._clock.now() * 1000))
        except StorageError as error:
            _log.warning("a budget cannot take back what was drawn", budget=purse.limit.id, error=error)
            return False
        purse.seen_at = self._clock.monotonic()
        purse.stands = msgspec.structs.replace(purse.stands, committed=purse.stands.committed - amount)
        return True

    async def close(self) -> None:
        """Put back all that is free, so that the next start finds it."""
        if self._keeping is not None:
            self._keeping.cancel()
        for purse in self.present():
            if purse.pool > 0:
                await self._put_back(purse, purse.pool)


__all__ = ["IDLE_SECONDS", "Purse", "Purses"]
