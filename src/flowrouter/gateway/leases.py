"""Places in accounts that several workers share: taken in the shared state, renewed while held.

A lease ends by itself some seconds after its worker did, so that a crash gives its places back.
"""

from __future__ import annotations

import asyncio
import secrets
from contextlib import suppress

from flowrouter.errors import StorageError
from flowrouter.gateway.ports import StateStore
from flowrouter.tasks import TaskGroup

LEASE_SECONDS = 15.0
"""For how long a place outlives the worker that held it."""

_RENEWALS = 3


class Leases:
    """This worker's places; `seconds` is what each lasts without being renewed."""

    def __init__(self, state: StateStore, *, tasks: TaskGroup, seconds: float = LEASE_SECONDS) -> None:
        self._state = state
        self._tasks = tasks
        self._seconds = seconds
        self._worker = secrets.token_hex(6)
        self._made = 0
        self._held: dict[str, tuple[str, int]] = {}
        self._leaving: set[asyncio.Task[None]] = set()
        self._renewing: asyncio.Task[None] | None = None

    async def take(self, account_id: str, limit: int) -> str:
        """Return the name of a new lease on one of `limit` places; empty where all are taken."""
        self._made += 1
        holder = f"{self._worker}.{self._made}"
        try:
            taken = await self._ask(holder, account_id, limit)
        except BaseException:
            self._give_back(holder, account_id)  # cancelled half-way, the place may be ours all the same
            raise
        if not taken:
            return ""
        self._held[holder] = (account_id, limit)
        if self._renewing is None:
            self._renewing = self._tasks.start("leases", self._renew())
        return holder

    def leave(self, holder: str) -> None:
        """Give a place back, in the background."""
        account_id, _ = self._held.pop(holder)
        self._give_back(holder, account_id)

    async def close(self) -> None:
        """Give back all there are, so that the next start finds them free."""
        for holder in list(self._held):
            self.leave(holder)
        if self._leaving:
            await asyncio.wait(set(self._leaving))

    async def _ask(self, holder: str, account_id: str, limit: int) -> bool:
        return await self._state.take(_key(account_id), holder=holder, limit=limit, ttl=self._seconds)

    def _give_back(self, holder: str, account_id: str) -> None:
        leaving = self._tasks.start("lease", self._state.leave(_key(account_id), holder=holder))
        self._leaving.add(leaving)
        leaving.add_done_callback(self._leaving.discard)

    async def _renew(self) -> None:
        """Begin the time of all leases anew, for ever."""
        while True:
            await asyncio.sleep(self._seconds / _RENEWALS)
            await asyncio.gather(*(self._renewed(holder) for holder in list(self._held)))

    async def _renewed(self, holder: str) -> None:
        held = self._held.get(holder)
        if held is not None:
            with suppress(StorageError):  # the next round comes before the lease ends
                await self._ask(holder, *held)


def _key(account_id: str) -> str:
    return f"slots:{account_id}"


__all__ = ["LEASE_SECONDS", "Leases"]
