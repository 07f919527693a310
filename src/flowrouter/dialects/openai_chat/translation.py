"""What one translation of a foreign request needs all along: the target, the losses, the names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from flowrouter.canonical.capabilities import Capabilities
from flowrouter.canonical.loss import Loss
from flowrouter.canonical.names import fit
from flowrouter.canonical.parts import Extra, Part, ToolCall, ToolResult
from flowrouter.canonical.request import Request
from flowrouter.canonical.tools import CustomTool, FunctionTool


class Translation:
    """One request on its way to one target; gathers losses under the client's own paths.

    Nested members that no target knows are counted and told in one loss, so that a long
    conversation does not bury the losses that matter.
    """

    def __init__(self, request: Request, capabilities: Capabilities) -> None:
        self.request = request
        self.capabilities = capabilities
        self.losses: list[Loss] = []
        self.names = fit(_names(request), limit=capabilities.tool_name_max)
        self._paths = dict(_paths(request))
        self._unknown: dict[str, int] = {}

    def lose(self, path: str, kind: Literal["dropped", "emulated", "changed"], reason: str) -> None:
        """Record one loss."""
        self.losses.append(Loss(path=path, kind=kind, reason=reason))

    def rejected(self, field: str, *, path: str | None = None) -> bool:
        """Return whether the target answers 400 to `field`, and record its loss if so."""
        if field not in self.capabilities.rejects:
            return False
        self.lose(path or field, "dropped", "the target does not take it")
        return True

    def path(self, part: Part) -> str:
        """Return where the client put `part`."""
        return self._paths.get(id(part), "messages")

    def skip_extra(self, extra: Extra) -> None:
        """Count the members of `extra` as lost, those without a value apart."""
        for name, value in extra.items():
            if value is not None:
                self._unknown[name] = self._unknown.get(name, 0) + 1

    def finish(self) -> tuple[Loss, ...]:
        """Return all losses, the counted ones last."""
        if self._unknown:
            told = ", ".join(
                f"{name} ×{count}" if count > 1 else name for name, count in self._unknown.items()
            )
            self.lose("messages, tools", "dropped", f"members the target does not know: {told}")
            self._unknown = {}
        return tuple(self.losses)


def _names(request: Request) -> Iterator[str]:
    for tool in request.tools:
        if isinstance(tool, FunctionTool | CustomTool):
            yield tool.name
    for message in request.messages:
        for part in message.parts:
            if isinstance(part, ToolCall):
                yield part.name


def _paths(request: Request) -> Iterator[tuple[int, str]]:
    """Yield identity → path for every part: settling moves parts but keeps most of them as they are."""
    for number, part in enumerate(request.system):
        yield id(part), f"system[{number}]"
    for place, message in enumerate(request.messages):
        for number, part in enumerate(message.parts):
            path = f"messages[{place}].content[{number}]"
            yield id(part), path
            if isinstance(part, ToolResult):
                for inner, item in enumerate(part.content):
                    yield id(item), f"{path}.content[{inner}]"


__all__ = ["Translation"]
