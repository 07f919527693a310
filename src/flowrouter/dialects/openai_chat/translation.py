"""What one translation of a foreign request needs all along: the target, the losses, the names."""

from __future__ import annotations

from collections.abc import Iterator

from flowrouter.canonical.capabilities import Capabilities
from flowrouter.canonical.losses import Losses
from flowrouter.canonical.names import fit
from flowrouter.canonical.parts import ToolCall
from flowrouter.canonical.request import Request
from flowrouter.canonical.tools import HostedTool


class Translation:
    """One request on its way to one target; `names` maps the client's tool names to the target's."""

    def __init__(self, request: Request, capabilities: Capabilities) -> None:
        self.request = request
        self.capabilities = capabilities
        self.losses = Losses(request, target="openai_chat", capabilities=capabilities)
        self.names = fit(_names(request), limit=capabilities.tool_name_max)


def _names(request: Request) -> Iterator[str]:
    for tool in request.tools:
        if not isinstance(tool, HostedTool):
            yield tool.name
    for message in request.messages:
        if ToolCall in map(type, message.parts):
            for part in message.parts:
                if isinstance(part, ToolCall):
                    yield part.name


__all__ = ["Translation"]
