"""What hosts teach by refusing: optional fields a model there does not take, remembered for a day.

A 400 that names a field we added ourselves is no fault of the request: it is sent once more without
the field, and the next request knows.
"""

from __future__ import annotations

from flowrouter.canonical.problem import Problem
from flowrouter.gateway.ports import StateStore
from flowrouter.routing import Target

KEPT_SECONDS = 24 * 3600.0

STREAM_OPTIONS = "stream_options"


class Learned:
    """Refused fields by account and model, in the state all workers share."""

    def __init__(self, state: StateStore) -> None:
        self._state = state

    async def refuses(self, target: Target, field: str) -> bool:
        """Return whether `target` is known to refuse `field`."""
        return await self._state.get(_key(target, field)) is not None

    async def note(self, target: Target, field: str, problem: Problem) -> bool:
        """Remember a refusal that names `field`; return whether this one does."""
        if problem.status not in (400, 422):
            return False
        if field not in (problem.param or "") and field not in problem.message:
            return False
        await self._state.put(_key(target, field), b"1", ttl=KEPT_SECONDS)
        return True


def _key(target: Target, field: str) -> str:
    return f"refused:{target.account_id}:{target.model}:{field}"


__all__ = ["STREAM_OPTIONS", "Learned"]
