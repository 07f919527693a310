"""Links that sign a browser in without its ever seeing the local token.

`serve` prints a URL with a one-time code. The first browser to open it gets a session, and the code
is spent: it may stay in the address bar's history, a chat or a screenshot and opens nothing. Programs do
not use codes; they read the token's file.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

from flowrouter.clock import Clock
from flowrouter.gateway.ports import StateStore
from flowrouter.tasks import TaskGroup

CODE_SECONDS = 600

_CODES_MAX = 16
_SHARED_SECONDS = 24 * 3600.0


class Handover:
    """One-time codes that are waiting for their browser; used from the event loop only.

    With a shared `state` any worker takes a code that another one gave out; there it lapses after a day.
    """

    __slots__ = ("_clock", "_codes", "_state", "_tasks")

    def __init__(
        self, clock: Clock, *, state: StateStore | None = None, tasks: TaskGroup | None = None
    ) -> None:
        self._clock = clock
        self._codes: dict[str, float | None] = {}
        self._state = state if state is not None and state.shared else None
        self._tasks = tasks

    def handover_code(self, *, lifetime: float | None = None) -> str:
        """Return a new code; it opens one session, within `lifetime` seconds (None: any time).

        Of many unused ones the oldest lapses.
        """
        code = secrets.token_hex(24)
        if self._state is not None and self._tasks is not None:
            lasts = lifetime or _SHARED_SECONDS
            self._tasks.start("handover", self._state.put(_key(code), b"", ttl=lasts))
            return code
        self._codes[code] = None if lifetime is None else self._clock.monotonic() + lifetime
        while len(self._codes) > _CODES_MAX:
            del self._codes[next(iter(self._codes))]
        return code

    async def redeem(self, code: str) -> bool:
        """Spend `code`; return whether it was good."""
        if self._state is not None:
            return await self._state.delete(_key(code))
        found = None
        for known in self._codes:
            if same(known, code):
                found = known
        if found is None:
            return False
        end = self._codes.pop(found)
        return end is None or self._clock.monotonic() < end


def _key(code: str) -> str:
    """Return where `code` is kept; the key does not give it away."""
    return f"handover:{hashlib.sha256(code.encode('utf-8', 'replace')).hexdigest()}"


def same(secret: str, given: str) -> bool:
    """Compare in a time that tells nothing about `secret`."""
    return hmac.compare_digest(secret.encode(), given.encode("utf-8", "replace"))


__all__ = ["CODE_SECONDS", "Handover", "same"]
