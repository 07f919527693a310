"""Keeps what is known of quotas over a restart, and shares it among workers.

A worker that is alone writes what changed to the store, each second at most; several write to the shared
state and read there what others heard. Our own counts lose at most that second when a process is killed, so
what the ledger holds of a window counts as well: both are too small at worst, the larger is taken.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Protocol

import msgspec

from flowrouter.clock import Clock
from flowrouter.errors import StorageError
from flowrouter.gateway.ports import KeptPauses, StateStore
from flowrouter.gateway.quota_counts import Used
from flowrouter.gateway.quotas import Quotas
from flowrouter.gateway.world import World
from flowrouter.logs import Logger
from flowrouter.usage.quota import Window

LOOK_SECONDS = 1.0
KEPT = 40 * 86400.0
"""Seconds for which what was heard of an account is kept: longer than a month."""

_STATE = "quota:"
_RECOUNTED = "quota-recounted:"
_LOOK_AT_KEPT = 5


class Kept(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is kept of one account; `mark` tells its credentials and address from later ones."""

    mark: str
    windows: tuple[Window, ...] = ()
    used: tuple[Used, ...] = ()


class Spent(msgspec.Struct, frozen=True, kw_only=True):
    """What the books hold of an account's use since some moment."""

    requests: int = 0
    tokens: int = 0
    pusd: int = 0


class AccountBooks(Protocol):
    """The books, asked for one account's use; blocks."""

    def since(self, account_id: str, start_ms: int, *, before_ms: int) -> Spent:
        """Return what was used from `start_ms` to `before_ms`; raises `StorageError`."""
        ...


class QuotaKeeping:
    """The memory of `quotas` beyond this process; what it needs is given once."""

    def __init__(
        self,
        quotas: Quotas,
        *,
        state: StateStore,
        kept: KeptPauses,
        books: Callable[[], AccountBooks],
        world: Callable[[], World],
        clock: Clock,
        log: Logger,
    ) -> None:
        self._quotas = quotas
        self._state = state
        self._kept = kept
        self._books = books
        self._world = world
        self._clock = clock
        self._log = log
        self._written: set[str] = set()
        self._recounted: set[str] = set()
        self._looks = 0

    async def load(self) -> None:
        """Take up what was kept; what is not understood or of another key is left."""
        try:
            found = await self._read()
        except StorageError as error:
            self._log.warning("what is known of quotas cannot be read", reason=error.message)
            return
        for account_id, value in found.items():
            self._take(account_id, value)
        self._quotas.changed.clear()

    async def forget(self, account_id: str) -> int:
        """Forget what was heard of an account, here and where it is kept; count what was closed; raises `StorageError`."""
        await self.load()
        closed = self._quotas.forget(account_id)
        await self.write()
        return closed

    async def close(self) -> None:
        """Write down what was heard last."""
        try:
            await self.write()
        except StorageError as error:
            self._log.warning("what is known of quotas is not kept", reason=error.message)

    async def follow(self) -> None:
        """Write and read for ever."""
        while True:
            try:
                await self.recount()
                await self.write()
                await self._look()
            except StorageError as error:
                self._log.debug("quotas cannot be kept", reason=error.message)
            await asyncio.sleep(LOOK_SECONDS)

    async def write(self) -> None:
        """Write down what changed; raises `StorageError`."""
        now, counts = self._clock.now(), self._quotas.counts
        if self._state.shared:
            # Counters go through the common sums, which every worker adds to.
            self._quotas.review(await counts.share(self._state, now))
        for account_id in list(self._quotas.changed):
            self._quotas.changed.discard(account_id)
            try:
                await self._put(account_id, now)
            except BaseException:
                self._quotas.changed.add(account_id)
                raise

    async def recount(self) -> None:
        """Look up in the books what was used in windows before it was counted here; raises `StorageError`."""
        now = self._clock.now()
        for account in list(self._quotas.counted()):
            since = self._quotas.counted_since(account.id)
            for limit, start in self._quotas.counts.open(account, now):
                key = f"{account.id}:{limit.window}:{limit.zone}"
                if key in self._recounted:
                    continue
                if start < since and await self._mine(f"{key}:{round(start)}"):
                    found = await asyncio.to_thread(self._since, account.id, start, since)
                    amounts = (found.requests, found.tokens, found.pusd)
                    self._quotas.counts.at_least(account.id, limit, start, amounts=amounts)
                    self._quotas.review((account.id,))
                self._recounted.add(key)

    async def _mine(self, key: str) -> bool:
        """Return whether it is this worker that looks into the books: one of several does, once a window."""
        if not self._state.shared:
            return True
        return await self._state.put_if_absent(_RECOUNTED + key, b"1", ttl=KEPT)

    def _since(self, account_id: str, start: float, before: float) -> Spent:
        return self._books().since(account_id, int(start * 1000), before_ms=int(before * 1000))

    async def _put(self, account_id: str, now: float) -> None:
        account = self._world().accounts.get(account_id)
        if account_id in self._quotas.forgotten:
            self._quotas.forgotten.discard(account_id)
        elif self._state.shared and (there := await self._state.get(_STATE + account_id)) is not None:
            self._take(account_id, there)  # another worker may have heard something since
        windows = tuple(window for window in self._quotas.heard(account_id) if not window.over(now))
        used = () if self._state.shared else self._quotas.counts.kept(account_id, now)
        if account is None or not (windows or used):
            # What was never read here is not this worker's to remove.
            if account_id in self._written:
                await self._remove(account_id)
            return
        value = msgspec.json.encode(Kept(mark=self._quotas.mark(account_id), windows=windows, used=used))
        if self._state.shared:
            await self._state.put(_STATE + account_id, value, ttl=KEPT)
        else:
            expires = int((now + KEPT) * 1000)
            await self._kept.put(account_id, value, owner_id=account.owner_id, expires_at_ms=expires)
        self._written.add(account_id)

    async def _remove(self, account_id: str) -> None:
        self._written.discard(account_id)
        if self._state.shared:
            await self._state.delete(_STATE + account_id)
        else:
            await self._kept.delete(account_id)

    async def _look(self) -> None:
        """See what others heard, and what somebody took away so that an account is asked again."""
        self._looks += 1
        if not self._written and not self._state.shared:
            return
        if not self._state.shared and self._looks % _LOOK_AT_KEPT:
            return
        found = await self._read()
        for account_id in self._written - self._quotas.changed:
            if account_id not in found or not (_read(found[account_id]) or _NOTHING).windows:
                self._quotas.forget(account_id)
                self._quotas.changed.discard(account_id)
        self._written &= found.keys()
        if self._state.shared:
            for account_id, value in found.items():
                if account_id not in self._quotas.changed:
                    self._take(account_id, value)
                    self._quotas.changed.discard(account_id)

    async def _read(self) -> Mapping[str, bytes]:
        if not self._state.shared:
            return await self._kept.load()
        found = await self._state.scan(_STATE)
        return {key.removeprefix(_STATE): value for key, value in found.items()}

    def _take(self, account_id: str, value: bytes) -> None:
        kept = _read(value)
        if kept is None or account_id not in self._world().accounts:
            return
        if kept.mark == self._quotas.mark(account_id):
            self._quotas.recall(account_id, kept.windows)
            self._written.add(account_id)
        # What was used was used by the account, whatever its key was then.
        self._quotas.counts.restore(account_id, kept.used, now=self._clock.now())
        self._quotas.review((account_id,))


def _read(value: bytes) -> Kept | None:
    """Return what was kept, None where this version does not understand it."""
    try:
        return msgspec.json.decode(value, type=Kept)
    except msgspec.DecodeError:
        return None


_NOTHING = Kept(mark="")

__all__ = ["KEPT", "LOOK_SECONDS", "AccountBooks", "Kept", "QuotaKeeping", "Spent"]
