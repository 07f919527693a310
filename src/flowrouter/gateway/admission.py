"""Keeps each account within its number of requests in flight, over all workers that share state.

An account that is full makes the exchange go on to the next target; only where nothing else is left is
it waited for, within the wait budget, in a bounded line that serves owners in turn. A slot is held
until the reply is delivered. One worker counts in memory and hands a freed slot to the next in line.
Several take leases in the shared state; one task per waiting line then looks for a free place, in
uneven steps, so that no worker is always the first.
"""

from __future__ import annotations

import asyncio
import random

import msgspec

from flowrouter.gateway.leases import LEASE_SECONDS, Leases
from flowrouter.gateway.lines import AccountBusyError, Line, Waiter
from flowrouter.gateway.ports import StateStore
from flowrouter.tasks import TaskGroup

QUEUE_MAX = 1_000
"""Requests that may wait for one account."""

_SHORTEST_LOOK = 0.01
_LONGEST_LOOK = 0.1
_SLOWER = 1.5


class Slot(msgspec.Struct, eq=False):
    """One place among an account's requests in flight; given back once. `holder` is its lease, if it has one."""

    admission: Admission | None
    account_id: str
    holder: str

    def release(self) -> None:
        """Give the place back; a second call does nothing."""
        admission, self.admission = self.admission, None
        if admission is not None:
            admission.give_back(self.account_id, self.holder)


class Admission:
    """Counts requests in flight per account id; with a shared `state` in step with other workers."""

    def __init__(
        self,
        state: StateStore | None = None,
        *,
        tasks: TaskGroup | None = None,
        queue: int = QUEUE_MAX,
        lease: float = LEASE_SECONDS,
    ) -> None:
        self._running: dict[str, int] = {}
        self._lines: dict[str, Line] = {}
        self._queue = queue
        self._tasks = tasks
        self._leases: Leases | None = None
        if state is not None and state.shared:
            assert tasks is not None
            self._leases = Leases(state, tasks=tasks, seconds=lease)

    def take_free(self, account_id: str, limit: int) -> Slot | None:
        """Return one of `limit` slots if that is known here and one is free now; else `take` finds out."""
        if self._leases is not None or account_id in self._lines:
            return None
        running = self._running.get(account_id, 0)
        if running >= limit:
            return None
        self._running[account_id] = running + 1
        return Slot(self, account_id, "")

    async def take(self, account_id: str, limit: int, *, wait: float, owner_id: str = "") -> Slot:
        """Return one of `limit` slots; raises `AccountBusyError` if none is free within `wait` seconds.

        Owners who wait for the same account are served in turn.
        """
        if (free := self.take_free(account_id, limit)) is not None:
            return free
        holder = "" if self._leases is None else await self._leased(account_id, limit, self._leases)
        if not holder:
            if wait <= 0:
                raise AccountBusyError
            holder = await self._in_line(account_id, Waiter(owner_id, limit), wait)
        return Slot(self, account_id, holder)

    def in_flight(self, account_id: str) -> int:
        """Return the requests this worker has in flight at an account."""
        return self._running.get(account_id, 0)

    def waiting(self, account_id: str) -> int:
        """Return the requests that wait here for an account."""
        line = self._lines.get(account_id)
        return line.count if line is not None else 0

    async def close(self) -> None:
        """Give back what is held, so that other workers need not wait for it to lapse."""
        if self._leases is not None:
            await self._leases.close()

    async def _leased(self, account_id: str, limit: int, leases: Leases) -> str:
        """Return the lease of a slot that is free now, an empty one where there is none."""
        if account_id in self._lines or self._running.get(account_id, 0) >= limit:
            return ""
        self._begin(account_id)
        holder = ""
        try:
            holder = await leases.take(account_id, limit)
        finally:
            if not holder:
                self.give_back(account_id, "")
        return holder

    async def _in_line(self, account_id: str, waiter: Waiter, wait: float) -> str:
        """Wait for a slot and return its lease."""
        line = self._lines.get(account_id)
        if line is None:
            line = self._lines[account_id] = Line(self._queue)
            if self._leases is not None and self._tasks is not None:
                self._tasks.start("line", self._look_out(account_id, line, self._leases))
        line.join(waiter)
        try:
            async with asyncio.timeout(wait):
                return await waiter.turn
        except BaseException as error:
            turn = waiter.turn
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self.give_back(account_id, turn.result())
            line.remove(waiter)
            self._forget(account_id)
            if isinstance(error, TimeoutError):
                raise AccountBusyError from None
            raise

    def _begin(self, account_id: str) -> None:
        self._running[account_id] = self._running.get(account_id, 0) + 1

    def give_back(self, account_id: str, holder: str) -> None:
        """Free a slot, whose lease is `holder` if it has one: `Slot.release` does."""
        if self._lines and self._leases is None and self._goes_on(account_id):
            return  # the count stays: the slot changes hands
        left = self._running.pop(account_id) - 1
        if left:
            self._running[account_id] = left
        if holder and self._leases is not None:
            self._leases.leave(holder)

    def _goes_on(self, account_id: str) -> bool:
        """Return whether somebody waits in line for a slot that is free; it is theirs by then."""
        line = self._lines.get(account_id)
        goes_on = False
        while line is not None and not goes_on and (waiter := line.pop()) is not None:
            if goes_on := not waiter.turn.done():
                waiter.turn.set_result("")
        self._forget(account_id)
        return goes_on

    def _forget(self, account_id: str) -> None:
        """Drop a line nobody stands in; one with a look-out is dropped by it."""
        line = self._lines.get(account_id)
        if line is not None and not line.count and self._leases is None:
            del self._lines[account_id]

    async def _look_out(self, account_id: str, line: Line, leases: Leases) -> None:
        """Give each free place to who is next, until nobody waits."""
        pause = _SHORTEST_LOOK
        try:
            while (first := line.first()) is not None:
                if self._running.get(account_id, 0) < first.limit and await self._next_goes(
                    account_id, line, leases
                ):
                    pause = _SHORTEST_LOOK
                    continue
                await asyncio.sleep(pause * random.uniform(0.5, 1.5))
                pause = min(pause * _SLOWER, _LONGEST_LOOK)
        finally:
            del self._lines[account_id]

    async def _next_goes(self, account_id: str, line: Line, leases: Leases) -> bool:
        """Return whether a place was free; it goes to who is next by then."""
        first = line.first()
        self._begin(account_id)
        holder = ""
        try:
            holder = await leases.take(account_id, first.limit) if first is not None else ""
        finally:
            waiter = line.pop() if holder else None
            if waiter is None or waiter.turn.done():
                self.give_back(account_id, holder)
            else:
                waiter.turn.set_result(holder)
        return bool(holder)


__all__ = ["QUEUE_MAX", "AccountBusyError", "Admission", "Slot"]
