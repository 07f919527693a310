"""What is noted of one try at a target."""

from __future__ import annotations

from collections.abc import Mapping

from flowrouter.canonical.usage import Usage
from flowrouter.routing import Target


class AttemptLog:
    """One try at a target; times on the monotonic clock, in seconds.

    `delivered` says that content of it reached the client, who is charged for it. `said` are the reply's headers,
    `refusal` the beginning of the body of one that refused for want of quota. `number` counts the tries of
    its exchange from 1, in the order they began. `paused` are the seconds for which its target pauses for it.
    """

    __slots__ = (
        "delivered",
        "ended",
        "error",
        "head_at",
        "number",
        "paused",
        "refusal",
        "said",
        "started",
        "status",
        "target",
        "trial",
        "usage",
        "verdict",
    )

    def __init__(self, target: Target, started: float, *, number: int = 1) -> None:
        self.target = target
        self.number = number
        self.started = started
        self.head_at: float | None = None
        self.ended: float | None = None
        self.status: int | None = None
        self.verdict = "open"
        self.error: str | None = None
        self.usage: Usage | None = None
        self.delivered = False
        self.trial = False
        self.paused: float | None = None
        self.said: Mapping[str, str] | None = None
        self.refusal: bytes | None = None

    @property
    def abandoned(self) -> bool:
        """Return whether its client left while the provider was at work, before anything of it had arrived."""
        return self.verdict == "cancelled" and self.head_at is not None and not self.delivered


__all__ = ["AttemptLog"]
