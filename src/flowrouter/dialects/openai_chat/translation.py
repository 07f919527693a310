"""What one translation of a foreign request needs all along: the target, the losses, the names."""

from __future__ import annotations

from flowrouter.canonical.capabilities import Capabilities
from flowrouter.canonical.losses import Losses
from flowrouter.canonical.messages import Words, kinds, of_kind, parts_of
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
        self.names: dict[str, str] = {}
        if request.tools or type(request.messages) is not Words:
            names = [tool.name for tool in request.tools if not isinstance(tool, HostedTool)]
            if ToolCall in kinds(request.messages):
                names += [call.name for call in of_kind(parts_of(request.messages), ToolCall)]
            self.names = fit(names, limit=capabilities.tool_name_max) if names else {}


__all__ = ["Translation"]
