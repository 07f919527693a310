"""An effort that stood behind the model's name (`gpt-5(high)`): it goes before what the request says."""

from __future__ import annotations

import msgspec

from flowrouter.canonical.capabilities import Capabilities
from flowrouter.canonical.effort import AUTO, clamp
from flowrouter.canonical.request import ReasoningControl, Request


def with_effort(request: Request, effort: str, capabilities: Capabilities) -> Request:
    """Return `request` as if it had asked for `effort`, or the nearest that the target is known to have."""
    fitting = clamp(effort, capabilities.efforts) if capabilities.efforts else effort
    before = request.reasoning
    control = ReasoningControl(
        mode="off" if fitting == "none" else "auto" if fitting == AUTO else "effort",
        effort=None if fitting == AUTO else fitting,
        display=before.display if before is not None else None,
        raw=_kept(request, fitting),
    )
    return msgspec.structs.replace(request, reasoning=control)


def _kept(request: Request, effort: str) -> dict[str, object]:
    """Return the client's own object where it says more than how much: Responses' summary."""
    if request.origin != "openai_responses" or request.reasoning is None or effort == AUTO:
        return {}
    return {**request.reasoning.raw, "effort": effort}


__all__ = ["with_effort"]
