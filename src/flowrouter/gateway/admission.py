"""Keeps each account within its number of requests in flight; who comes first is served first.

An account that is full makes the exchange go on to the next target; only the last target of a plan
is waited for, up to the wait budget. A slot is held until the reply is delivered.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from flowrouter.errors import UpstreamError


class AccountBusyError(UpstreamError):
    """The account has as many requests in flight as it may."""

    def __init__(self) -> None:
        super().__init__("the account has as many requests in flight as it may", kind="busy")


class Admission:
    """Counts requests in flight per account id."""

    def __init__(self) -> None:
        self._running: dict[str, int] = {}
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}

    @asynccontextmanager
    async def slot(self, account_id: str, limit: int, *, wait: float) -> AsyncIterator[None]:
        """Hold one of `limit` slots; raises `AccountBusyError` if none is free within `wait` seconds."""
        if self._running.get(account_id, 0) >= limit:
            await self._queue(account_id, wait)
        else:
            self._running[account_id] = self._running.get(account_id, 0) + 1
        try:
            yield
        finally:
            self._release(account_id)

    def in_flight(self, account_id: str) -> int:
        """Return the requests in flight at an account."""
        return self._running.get(account_id, 0)

    async def _queue(self, account_id: str, wait: float) -> None:
        """Wait for a slot that a finished request hands over; the count then stays as it is."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        line = self._waiting.setdefault(account_id, deque())
        line.append(turn)
        try:
            async with asyncio.timeout(wait):
                await turn
        except BaseException as error:
            if turn.done() and not turn.cancelled():
                self._release(account_id)
            elif turn in line:
                line.remove(turn)
            if isinstance(error, TimeoutError):
                raise AccountBusyError from None
            raise

    def _release(self, account_id: str) -> None:
        line = self._waiting.get(account_id)
        while line:
            turn = line.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._running[account_id] -= 1
        if not self._running[account_id]:
            del self._running[account_id]
            self._waiting.pop(account_id, None)


__all__ = ["AccountBusyError", "Admission"]
