"""Who waits for a full account, and whose turn is next: owners in turn, each owner's requests in order.

A line is bounded. Where it is full, the owner with most waiting gives up their last place to one who has
fewer, so that nobody's burst keeps the others out.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque

from flowrouter.errors import UpstreamError


class AccountBusyError(UpstreamError):
    """The account has as many requests in flight as it may."""

    def __init__(self) -> None:
        super().__init__("the account has as many requests in flight as it may", kind="busy")


class Waiter:
    """One request in line; `turn` is done when it may go, or when its place was given away."""

    __slots__ = ("limit", "owner_id", "turn")

    def __init__(self, owner_id: str, limit: int) -> None:
        self.owner_id = owner_id
        self.limit = limit
        self.turn: asyncio.Future[str] = asyncio.get_running_loop().create_future()


class Line:
    """The waiters of one account, at most `size`."""

    __slots__ = ("_owners", "_size", "count")

    def __init__(self, size: int) -> None:
        self._size = size
        self._owners: OrderedDict[str, deque[Waiter]] = OrderedDict()
        self.count = 0

    def join(self, waiter: Waiter) -> None:
        """Put `waiter` at the end of its owner's row; raises `AccountBusyError` where there is no room."""
        if self.count >= self._size:
            self._make_room(waiter.owner_id)
        self._owners.setdefault(waiter.owner_id, deque()).append(waiter)
        self.count += 1

    def first(self) -> Waiter | None:
        """Return who is next without taking it out."""
        for row in self._owners.values():
            return row[0]
        return None

    def pop(self) -> Waiter | None:
        """Take out who is next; its owner's turn then comes after everybody else's."""
        waiter = self.first()
        if waiter is not None:
            self.remove(waiter)
            if waiter.owner_id in self._owners:
                self._owners.move_to_end(waiter.owner_id)
        return waiter

    def remove(self, waiter: Waiter) -> None:
        """Take out one that gave up; one that is not here is no error."""
        row = self._owners.get(waiter.owner_id)
        if row is None or waiter not in row:
            return
        row.remove(waiter)
        self.count -= 1
        if not row:
            del self._owners[waiter.owner_id]

    def _make_room(self, owner_id: str) -> None:
        longest = max(self._owners, key=lambda each: len(self._owners[each]))
        if len(self._owners[longest]) <= len(self._owners.get(owner_id, ())) + 1:
            raise AccountBusyError
        last = self._owners[longest][-1]
        self.remove(last)
        if not last.turn.done():
            last.turn.set_exception(AccountBusyError())


__all__ = ["AccountBusyError", "Line", "Waiter"]
