"""What hosts teach by refusing: optional fields a model there does not take, remembered for a day.

A 400 that names a field we added ourselves is no fault of the request: it is sent once more without
the field, and the next request knows.
"""

from __future__ import annotations

from flowrouter.canonical.problem import Problem
from flowrouter.clock import Clock
from flowrouter.routing import Target

KEPT_SECONDS = 24 * 3600.0
_MAX = 10_000

STREAM_OPTIONS = "stream_options"


class Learned:
    """Refused fields by account and model."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._until: dict[tuple[str, str, str], float] = {}

    def refuses(self, target: Target, field: str) -> bool:
        """Return whether `target` is known to refuse `field`."""
        if not self._until:
            return False
        return self._until.get((target.account_id, target.model, field), 0.0) > self._clock.monotonic()

    def note(self, target: Target, field: str, problem: Problem) -> bool:
        """Remember a refusal that names `field`; return whether this one does."""
        if problem.status not in (400, 422) or not (problem.param or problem.message):
            return False
        if field not in (problem.param or "") and field not in problem.message:
            return False
        if len(self._until) >= _MAX:
            self._until.clear()
        self._until[target.account_id, target.model, field] = self._clock.monotonic() + KEPT_SECONDS
        return True


__all__ = ["STREAM_OPTIONS", "Learned"]
