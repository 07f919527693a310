"""What is known at the moment a request is routed: the other half of a plan besides configuration."""

from __future__ import annotations

from typing import Protocol

import msgspec

from flowrouter.routing.target import Target


class Obstacle(msgspec.Struct, frozen=True, kw_only=True):
    """Why a target is better not asked now; `until` in wall seconds, None where no time is known.

    `probe` says that one request may be risked to find out.
    """

    reason: str
    until: float | None = None
    probe: bool = False


class Signals(Protocol):
    """Answers about this moment; all are cheap look-ups, gathered before."""

    def cursor(self, group: str) -> int:
        """Return the group's turn: how many requests took one before."""
        ...

    def draw(self, group: str, place: int) -> float:
        """Return a random number in [0, 1): the same for one request, group and place."""
        ...

    def session(self) -> str:
        """Return what tells this session from others; empty where nothing does."""
        ...

    def latency(self, target: Target) -> float | None:
        """Return the decayed time to the first token in seconds, None where nothing is known."""
        ...

    def busy(self, target: Target) -> float:
        """Return the requests in flight at the target's account as a share of what it may have."""
        ...

    def bill(self, target: Target) -> int | None:
        """Return what this request would cost there in pico-USD, None where no price is known."""
        ...

    def pin(self) -> str | None:
        """Return the key of the target that holds this session's prompt cache, if any."""
        ...

    def holder(self) -> str | None:
        """Return the account id whose own sealed state this request carries, if any."""
        ...

    def obstacle(self, target: Target) -> Obstacle | None:
        """Return why the target is better not asked now."""
        ...


class Calm:
    """Signals of a moment without history: nothing is known, nothing stands in the way."""

    def cursor(self, group: str) -> int:
        """Return 0."""
        del group
        return 0

    def draw(self, group: str, place: int) -> float:
        """Return 0."""
        del group, place
        return 0.0

    def session(self) -> str:
        """Return nothing."""
        return ""

    def latency(self, target: Target) -> float | None:
        """Return None."""
        del target

    def busy(self, target: Target) -> float:
        """Return 0."""
        del target
        return 0.0

    def bill(self, target: Target) -> int | None:
        """Return None."""
        del target

    def pin(self) -> str | None:
        """Return None."""

    def holder(self) -> str | None:
        """Return None."""

    def obstacle(self, target: Target) -> Obstacle | None:
        """Return None."""
        del target


__all__ = ["Calm", "Obstacle", "Signals"]
