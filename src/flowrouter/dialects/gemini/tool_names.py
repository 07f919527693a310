"""Tool names in Gemini's rule: a letter or `_` first, then letters, digits and `_ . : -`."""

from __future__ import annotations

import re
from collections.abc import Iterable

from flowrouter.canonical.messages import Message
from flowrouter.canonical.names import fit
from flowrouter.canonical.parts import ToolCall
from flowrouter.canonical.request import Request

_LATER = r"[a-zA-Z0-9_.:-]"
_FIRST = re.compile(r"[a-zA-Z_]")


def fitted_names(request: Request, *, limit: int) -> dict[str, str]:
    """Return client name → target name for all tools offered, forced or called."""
    names = [tool.name for tool in request.tools if tool.name is not None]
    choice = request.tool_choice
    if choice is not None:
        names += [name for name in (choice.name, *choice.names) if name]
    return fit_names([*names, *_called(request.messages)], limit=limit)


def fit_names(names: Iterable[str], *, limit: int) -> dict[str, str]:
    """Return original → fitted; no two names share a fitted one.

    A name that only begins wrongly is handed on with a character nobody allows behind it, so that it too
    ends in a hash and cannot meet a name that was there before.
    """
    led = {name: name if _FIRST.match(name) else f"_{name}\0" for name in names}
    fitted = fit(led.values(), pattern=_LATER, limit=limit)
    return {name: fitted[prepared] for name, prepared in led.items()}


def _called(messages: Iterable[Message]) -> list[str]:
    return [part.name for message in messages for part in message.parts if isinstance(part, ToolCall)]


__all__ = ["fit_names", "fitted_names"]
