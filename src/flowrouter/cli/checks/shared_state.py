"""Redis, where the settings name one: there, letting us in, and quick enough."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from flowrouter.cli.checks.finding import Area, Finding
from flowrouter.errors import StorageError

if TYPE_CHECKING:
    from flowrouter.app import Application

_AWAY = "start it, or mend [state] redis; see docs/scale.md"


async def shared_state(application: Application) -> Sequence[Finding]:
    """Ask the server of the shared state for a sign of life; nothing is found where there is none."""
    state = application.state
    if not state.shared:
        return []
    area = Area("Shared state")
    begun = application.clock.monotonic()
    try:
        await state.ping()
    except StorageError as error:
        area.fail("redis", error.message, _AWAY)
    else:
        took = (application.clock.monotonic() - begun) * 1000
        area.ok("redis", f"{state.place} answers in {took:.0f} ms, the first connection included")
    finally:
        await state.close()
    return area.found


__all__ = ["shared_state"]
