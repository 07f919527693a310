"""What one translation of a foreign request needs all along: the target, the losses, the names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from flowrouter.canonical.capabilities import Capabilities
from flowrouter.canonical.dialect import Dialect
from flowrouter.canonical.loss import Loss
from flowrouter.canonical.names import fit
from flowrouter.canonical.parts import Extra, Part, ToolCall, ToolResult
from flowrouter.canonical.request import Request
from flowrouter.canonical.tools import CustomTool, FunctionTool
from flowrouter.dialects.openai_chat.reading import is_nothing

_NAMES: dict[Dialect, dict[str, str]] = {
    "anthropic": {
        "stop": "stop_sequences",
        "reasoning": "thinking",
        "output": "output_config.format",
        "parallel_tool_calls": "tool_choice.disable_parallel_tool_use",
        "user": "metadata.user_id",
    },
}
"""What a client of another dialect calls a field, where that is not Chat's name for it."""


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
        self._names = _NAMES.get(request.origin, {})
        self._unknown: dict[str, int] = {}

    def lose(self, path: str, kind: Literal["dropped", "emulated", "changed"], reason: str) -> None:
        """Record one loss."""
        self.losses.append(Loss(path=path, kind=kind, reason=reason))

    def rejected(self, field: str, *, path: str | None = None) -> bool:
        """Return whether the target answers 400 to `field`, and record its loss if so."""
        if field not in self.capabilities.rejects:
            return False
        self.lose(path or self.name(field), "dropped", "the target does not take it")
        return True

    def name(self, field: str) -> str:
        """Return the client's name of `field`."""
        return self._names.get(field, field)

    def path(self, part: Part) -> str:
        """Return where the client put `part`; settling renews calls and results, so their ids tell."""
        known = self._paths.get(id(part))
        if known is None and isinstance(part, ToolResult):
            known = self._paths.get(f"result {part.call_id}")
        if known is None and isinstance(part, ToolCall):
            known = self._paths.get(f"call {part.id}")
        return known or "messages"

    def skip_extra(self, extra: Extra) -> None:
        """Count the members of `extra` as lost, those without a value apart."""
        for name, value in extra.items():
            if name != "type" and not is_nothing(value):
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


def _paths(request: Request) -> Iterator[tuple[int | str, str]]:
    """Yield where each part stands, by its identity: settling moves parts but keeps most as they are."""
    for number, part in enumerate(request.system):
        yield id(part), f"system[{number}]"
    for place, message in enumerate(request.messages):
        for number, part in enumerate(message.parts):
            path = f"messages[{place}].content[{number}]"
            yield id(part), path
            if isinstance(part, ToolCall):
                yield f"call {part.id}", path
            elif isinstance(part, ToolResult):
                yield f"result {part.call_id}", path
                for inner, item in enumerate(part.content):
                    yield id(item), f"{path}.content[{inner}]"


__all__ = ["Translation"]
