"""The pauses this worker knows of, in memory: bounded, and true only of accounts as they are now."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable, Mapping

import msgspec

from flowrouter.clock import Clock
from flowrouter.gateway.world import World
from flowrouter.routing.cooldown import Pause

PAUSES_MAX = 2_000
"""Pauses that are remembered; where an account takes every name, callers choose the models."""

_FORGET = 60.0

Mark = Callable[[World, str], str]
"""What changes with an account's credentials and address, and tells nothing of them."""

_decode = msgspec.json.Decoder(Pause).decode


def marker(secret: bytes) -> Mark:
    """Return what makes marks of accounts, keyed with `secret`."""

    def mark(world: World, account_id: str) -> str:
        account = world.accounts.get(account_id)
        if account is None:
            return ""
        key = account.api_key.reveal() if account.api_key else ""
        if account.oauth is not None:
            key = account.oauth.terms  # the access token itself changes every hour, and means nothing new
        headers = [f"{name}:{value.reveal()}" for name, value in account.headers]
        text = "\0".join((account.preset, account.base_url or "", key, *headers))
        return hmac.new(secret, text.encode(), "sha256").hexdigest()[:16]

    return mark


def read(value: bytes) -> Pause | None:
    """Return a pause as it was kept, None where it is not one this version knows."""
    try:
        return _decode(value)
    except msgspec.DecodeError:
        return None


class PauseBook:
    """Pauses by scope; what is noted here is newer than anything read elsewhere that was asked for before."""

    def __init__(self, world: Callable[[], World], mark: Mark, clock: Clock) -> None:
        self._world = world
        self._mark = mark
        self._clock = clock
        self.pauses: dict[str, Pause] = {}  # also those that are over: `live` and `all` look
        self._noted: dict[str, float] = {}
        self._seen: World | None = None

    def __contains__(self, key: str) -> bool:
        return key in self.pauses

    def live(self, key: str) -> Pause | None:
        """Return the scope's pause unless nothing is left of it."""
        pause = self.pauses.get(key)
        if pause is not None and pause.gone(self._clock.now()):
            del self.pauses[key]
            return None
        return pause

    def all(self) -> dict[str, Pause]:
        """Return what pauses or stands half open."""
        return {key: pause for key in list(self.pauses) if (pause := self.live(key)) is not None}

    def note(self, key: str, pause: Pause) -> None:
        """Write a pause down; where there are too many, one model's oldest is forgotten."""
        if key not in self.pauses and len(self.pauses) >= PAUSES_MAX and len(self.all()) >= PAUSES_MAX:
            oldest = next((known for known in self.pauses if known.startswith("model:")), None)
            del self.pauses[oldest or next(iter(self.pauses))]
        self.pauses[key] = pause
        self._noted[key] = self._clock.monotonic()

    def drop(self, key: str) -> Pause | None:
        """Forget a pause and return it."""
        self._noted[key] = self._clock.monotonic()
        return self.pauses.pop(key, None)

    def marked(self, pause: Pause, account_id: str) -> Pause:
        """Return `pause` bound to the account as it is now."""
        world = self._world()
        account = world.accounts.get(account_id)
        return msgspec.structs.replace(
            pause,
            account_id=account_id,
            owner_id="" if account is None else account.owner_id,
            mark=self._mark(world, account_id),
        )

    def is_current(self, pause: Pause) -> bool:
        """Return whether the account that paused is still the same."""
        world = self._world()
        return pause.account_id in world.accounts and pause.mark == self._mark(world, pause.account_id)

    def outdated(self) -> list[str]:
        """Return the scopes of accounts that were changed or removed since the last call."""
        world = self._world()
        if world is self._seen:
            return []
        self._seen = world
        return [key for key, pause in self.pauses.items() if not self.is_current(pause)]

    def merge(self, found: Mapping[str, bytes], *, asked: float, known: Iterable[str]) -> list[str]:
        """Take over what is `found` elsewhere, asked for at `asked` (monotonic); return what ended there.

        That is what was `known` to be there and is not any more.
        """
        ended = [key for key in known if key not in found and self._noted.get(key, -1.0) < asked]
        for key in ended:
            self.pauses.pop(key, None)
        now = self._clock.now()
        for key, value in found.items():
            pause = read(value)
            if pause is None or pause.gone(now) or self._noted.get(key, -1.0) >= asked:
                continue
            mine = self.pauses.get(key)
            newer = mine is None or pause.since > mine.since or pause.until > mine.until
            if newer and self.is_current(pause):
                self.pauses[key] = pause
        return ended

    def tidy(self) -> None:
        """Forget when things were noted, once no look that began before can be under way."""
        since = self._clock.monotonic() - _FORGET
        self._noted = {key: at for key, at in self._noted.items() if at >= since}


__all__ = ["PAUSES_MAX", "Mark", "PauseBook", "marker", "read"]
