"""Holds guesses of passwords back: a few are free, then each waits twice as long as the one before.

The count is per address that the connection comes from (a /64 of IPv6), in the state that all workers
share. An attempt is counted before its password is looked at, so that many at once gain nothing. A login
that succeeds takes back what was tried under its own name only: who has one account gains no guesses at
another by logging in between them.
"""

from __future__ import annotations

import hashlib
import ipaddress

from flowrouter.clock import Clock
from flowrouter.errors import CallerError
from flowrouter.gateway.ports import StateStore

MEMORY_SECONDS = 3600.0
"""How long failures are remembered, from the first of them on."""

LONGEST_WAIT = 1800.0


class Throttle:
    """Counts attempts to log in by address."""

    __slots__ = ("_clock", "_free", "_state")

    def __init__(self, state: StateStore, clock: Clock, *, free: int) -> None:
        self._state = state
        self._clock = clock
        self._free = free

    async def enter(self, address: str | None, name: str) -> None:
        """Count one attempt to be `name`; raises `CallerError` (429) where it comes too early."""
        count, gate = _keys(address)
        own = _own_key(address, name)
        attempts = await self._state.add(count, 1, ttl=MEMORY_SECONDS)
        await self._state.add(own, 1, ttl=MEMORY_SECONDS)
        wait = wait_after(attempts - 1, free=self._free)
        if not wait:
            return
        opens = self._clock.now() + wait
        if await self._state.put_if_absent(gate, b"%.3f" % opens, ttl=wait):
            return  # the one attempt of this span
        await self._state.add(count, -1, ttl=MEMORY_SECONDS)
        await self._state.add(own, -1, ttl=MEMORY_SECONDS)
        told = await self._state.get(gate)
        left = max(float(told) - self._clock.now(), 1.0) if told else wait
        raise _too_many(left)

    async def forget(self, address: str | None, name: str) -> None:
        """Take back the attempts to be `name` after a login that succeeded."""
        count, gate = _keys(address)
        own = _own_key(address, name)
        mine = await self._state.add(own, 0, ttl=MEMORY_SECONDS)
        await self._state.delete(own)
        if await self._state.add(count, -mine, ttl=MEMORY_SECONDS) <= 0:
            await self._state.delete(count)
            await self._state.delete(gate)


def wait_after(failures: int, *, free: int) -> float:
    """Return for how many seconds after `failures` failures only one more attempt is let in."""
    return 0.0 if failures < free else min(2.0 ** min(failures - free + 1, 20), LONGEST_WAIT)


def network(address: str | None) -> str:
    """Return what attempts are counted by: the address, of IPv6 its /64, which is one customer's."""
    try:
        parsed = ipaddress.ip_address((address or "").partition("%")[0])
    except ValueError:
        return address or "local"
    if isinstance(parsed, ipaddress.IPv6Address):
        mapped = parsed.ipv4_mapped
        return str(mapped or ipaddress.ip_network((int(parsed) >> 64 << 64, 64)))
    return str(parsed)


def _keys(address: str | None) -> tuple[str, str]:
    name = hashlib.sha256(network(address).encode()).hexdigest()[:32]
    return f"login:count:{name}", f"login:gate:{name}"


def _own_key(address: str | None, name: str) -> str:
    """Return where attempts to be `name` are counted, in whatever case it is written."""
    text = f"{network(address)}\0{name.casefold()}".encode("utf-8", "replace")
    return f"login:own:{hashlib.sha256(text).hexdigest()[:32]}"


def _too_many(left: float) -> CallerError:
    seconds = max(round(left), 1)
    return CallerError(
        f"too many failed logins from here; the next one counts in {seconds} s",
        status=429,
        code="too_many_logins",
        details={"fix": "wait, or use the local token on the gateway's machine"},
        retry_after=float(seconds),
    )


__all__ = ["LONGEST_WAIT", "MEMORY_SECONDS", "Throttle", "network", "wait_after"]
