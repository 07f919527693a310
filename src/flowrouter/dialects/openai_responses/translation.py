"""What one translation of a foreign request needs all along: the target, the losses, the names."""

from __future__ import annotations

from collections.abc import Iterator

from flowrouter.canonical.cache import CacheHint
from flowrouter.canonical.capabilities import Capabilities
from flowrouter.canonical.losses import Losses
from flowrouter.canonical.names import fit
from flowrouter.canonical.parts import Extra, ToolCall
from flowrouter.canonical.request import Request
from flowrouter.canonical.tools import CustomTool, FunctionTool
from flowrouter.dialects.openai_responses.content import BREAKPOINT
from flowrouter.dialects.openai_responses.items import DIALECT
from flowrouter.wire.members import Json

_TTLS = frozenset({"30m", "12h"})
"""How long the vendor keeps a marked prefix where that is asked for (SDK types, November 2026)."""


class Translation:
    """One request on its way to one target; losses gather under the client's own paths."""

    def __init__(self, request: Request, capabilities: Capabilities) -> None:
        self.request = request
        self.capabilities = capabilities
        self.losses = Losses(request, target=DIALECT, capabilities=capabilities)
        self.names = fit(_names(request), limit=capabilities.tool_name_max)

    def skip_extra(self, extra: Extra, place: str) -> None:
        """Note members of `place` that nobody here knows."""
        told = {name: value for name, value in extra.items() if name != "type"}
        self.losses.unknown(told, place)

    def mark(self, item: Json, hint: CacheHint | None, *, path: str) -> Json:
        """Put a cache mark on `item` where the target takes one, or note its loss."""
        if hint is None:
            return item
        name = hint.field or "cache_control"
        if BREAKPOINT not in self.capabilities.extensions:
            self.losses.drop(f"{path}.{name}", "the target takes no cache marks")
            return item
        item[BREAKPOINT] = {"mode": "explicit"}
        if hint.ttl in _TTLS:
            item[BREAKPOINT]["ttl"] = hint.ttl
        elif hint.ttl is not None:
            self.losses.drop(f"{path}.{name}.ttl", f"the target keeps no prefix for {hint.ttl}")
        return item


def _names(request: Request) -> Iterator[str]:
    for tool in request.tools:
        if isinstance(tool, FunctionTool | CustomTool):
            yield tool.name
    for message in request.messages:
        for part in message.parts:
            if isinstance(part, ToolCall):
                yield part.name


__all__ = ["Translation"]
