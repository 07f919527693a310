"""The right to find out whether somebody who paused is back: one trial at a time, over all workers.

A trial holds a lease for every scope it tries out. In a shared state the lease lapses by itself if its
worker dies, and is renewed while the trial lasts.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable

from flowrouter.clock import Clock
from flowrouter.gateway.ports import StateStore

LEASE_SECONDS = 15.0
LOOK_SECONDS = 1.0
"""Seconds for which another worker's trial is believed to last before it is looked at again."""

_PLACE = "trial:"


class Trial:
    """One right, given back once; `head_came` tells whether its reply has begun with a good status."""

    __slots__ = ("head_came", "holder", "keys")

    def __init__(self, head_came: Callable[[], bool]) -> None:
        self.head_came = head_came
        self.holder = secrets.token_hex(8)
        self.keys: tuple[str, ...] = ()


class Trials:
    """The trials under way; `ended` is called after each."""

    def __init__(self, state: StateStore, *, clock: Clock, ended: Callable[[], None]) -> None:
        self._state = state
        self._clock = clock
        self._ended = ended
        self._own: dict[str, Trial] = {}
        self._elsewhere: dict[str, float] = {}

    def under_way(self, key: str) -> bool:
        """Return whether somebody tries out the scope `key` now, as far as this worker knows."""
        until = self._elsewhere.get(key)
        return key in self._own or (until is not None and until > self._clock.monotonic())

    def head_came(self, key: str) -> bool:
        """Return whether the trial of `key` has got a good head."""
        trial = self._own.get(key)
        return trial is not None and trial.head_came()

    async def begin(self, keys: Iterable[str], head_came: Callable[[], bool]) -> Trial | None:
        """Return the right to try out all of `keys`, None where somebody else has one of them."""
        trial, taken = Trial(head_came), list[str]()
        try:
            for key in keys:
                if not await self._take(key, trial):
                    return None
                taken.append(key)
            trial.keys = tuple(taken)
            return trial
        finally:
            if not trial.keys:
                await self._give_back(taken)

    async def end(self, trial: Trial) -> None:
        """Give the right back, whatever came of it; a second call does nothing."""
        keys, trial.keys = trial.keys, ()
        await self._give_back(keys)

    async def renew(self) -> None:
        """Hold on to the leases of trials under way."""
        for key, trial in list(self._own.items()):
            if self._own.get(key) is trial:  # it may have ended while another one was renewed
                await self._state.put(_PLACE + key, trial.holder.encode(), ttl=LEASE_SECONDS)
        now = self._clock.monotonic()
        self._elsewhere = {key: until for key, until in self._elsewhere.items() if until > now}

    async def _take(self, key: str, trial: Trial) -> bool:
        if self.under_way(key):
            return False
        self._own[key] = trial  # before anything is waited for, so that nobody here takes it as well
        ttl = LEASE_SECONDS if self._state.shared else None
        free = False
        try:
            free = await self._state.put_if_absent(_PLACE + key, trial.holder.encode(), ttl=ttl)
        finally:
            if not free:
                del self._own[key]
        if not free:
            self._elsewhere[key] = self._clock.monotonic() + LOOK_SECONDS
        return free

    async def _give_back(self, keys: Iterable[str]) -> None:
        # All are let go of here before anything is waited for: whoever is cut off then leaves nothing but
        # leases that lapse.
        given = [key for key in keys if self._own.pop(key, None) is not None]
        if given:
            self._ended()
        for key in given:
            await self._state.delete(_PLACE + key)


__all__ = ["LEASE_SECONDS", "LOOK_SECONDS", "Trial", "Trials"]
