"""What is noted of one try at a target."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from flowrouter.canonical.usage import Usage
from flowrouter.routing import Target


class AttemptLog(msgspec.Struct, eq=False):
    """One try at a target; times on the monotonic clock, in seconds.

    `delivered` says that content of it reached the client, who is charged for it. `said` are the reply's headers,
    `refusal` the beginning of the body of one that refused for want of quota. `number` counts the tries of
    its exchange from 1, in the order they began. `paused` are the seconds for which its target pauses for it.
    """

    target: Target
    started: float
    number: int = 1
    head_at: float | None = None
    ended: float | None = None
    status: int | None = None
    verdict: str = "open"
    error: str | None = None
    usage: Usage | None = None
    delivered: bool = False
    trial: bool = False
    paused: float | None = None
    said: Mapping[str, str] | None = None
    refusal: bytes | None = None

    def __repr__(self) -> str:
        return f"AttemptLog({self.target.key!r}, {self.verdict!r})"

    @property
    def abandoned(self) -> bool:
        """Return whether its client left while the provider was at work, before anything of it had arrived."""
        return self.verdict == "cancelled" and self.head_at is not None and not self.delivered


__all__ = ["AttemptLog"]
