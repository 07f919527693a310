"""Browser sessions: how a browser gets one without ever seeing the local token.

`serve` prints a URL with a one-time code. The first browser to open it gets a cookie, and the code
is spent: it may stay in the address bar's history, a chat or a screenshot and opens nothing. The
cookie's value is a MAC under a key derived from the local token, with its end inside, so it outlives
a restart of the gateway and dies with the token. Programs do not use codes; they read the token's file.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

from flowrouter.clock import Clock

COOKIE = "flow_router_session"
SESSION_SECONDS = 30 * 24 * 3600
CODE_SECONDS = 600

_CODES_MAX = 16
_PURPOSE = b"flow-router browser session 1"


class Handover:
    """One-time codes that are waiting for their browser; used from the event loop only."""

    __slots__ = ("_clock", "_codes")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._codes: dict[str, float | None] = {}

    def handover_code(self, *, lifetime: float | None = None) -> str:
        """Return a new code; it opens one session, within `lifetime` seconds (None: any time).

        Of many unused ones the oldest lapses.
        """
        code = secrets.token_hex(24)
        self._codes[code] = None if lifetime is None else self._clock.monotonic() + lifetime
        while len(self._codes) > _CODES_MAX:
            del self._codes[next(iter(self._codes))]
        return code

    def redeem(self, code: str) -> bool:
        """Spend `code`; return whether it was good."""
        found = None
        for known in self._codes:
            if same(known, code):
                found = known
        if found is None:
            return False
        end = self._codes.pop(found)
        return end is None or self._clock.monotonic() < end


class Sessions:
    """Makes and checks cookie values."""

    __slots__ = ("_clock", "_key")

    def __init__(self, token: str, clock: Clock) -> None:
        self._key = hmac.digest(token.encode(), _PURPOSE, "sha256")
        self._clock = clock

    def issue(self) -> str:
        """Return a value for the cookie, good for `SESSION_SECONDS`."""
        claim = f"{int(self._clock.now()) + SESSION_SECONDS}.{secrets.token_hex(8)}"
        return f"{claim}.{self._mac(claim)}"

    def holds(self, value: str) -> bool:
        """Return whether `value` is one of ours and not past its end."""
        claim, _, mac = value.rpartition(".")
        if not same(self._mac(claim), mac):
            return False
        return self._clock.now() < int(claim.partition(".")[0])

    def _mac(self, claim: str) -> str:
        return hmac.new(self._key, claim.encode("utf-8", "replace"), hashlib.sha256).hexdigest()


def same(secret: str, given: str) -> bool:
    """Compare in a time that tells nothing about `secret`."""
    return hmac.compare_digest(secret.encode(), given.encode("utf-8", "replace"))


__all__ = ["CODE_SECONDS", "COOKIE", "SESSION_SECONDS", "Handover", "Sessions", "same"]
