"""Gathers what a request loses on its way to a target, named as the client named it.

Every dialect's renderer writes into one `Losses`. It knows the client's names and places, and the
owner's policy for what a target cannot take: `refuse` here raises by `auto`, drops by `drop`; with
the policy `refuse` even a dropped extra ends the request (`all`).
"""

from __future__ import annotations

from collections.abc import Iterator

from flowrouter.canonical.capabilities import Capabilities
from flowrouter.canonical.dialect import Dialect
from flowrouter.canonical.field_names import field_name
from flowrouter.canonical.loss import Loss
from flowrouter.canonical.parts import Extra, Part, ToolCall, ToolResult
from flowrouter.canonical.request import Request
from flowrouter.errors import CallerError


class Losses:
    """The losses of one render of `request` for a target of the dialect `target`."""

    __slots__ = ("_origin", "_paths", "_policy", "_target", "_unknown", "rows")

    def __init__(self, request: Request, *, target: Dialect, capabilities: Capabilities) -> None:
        self._origin: Dialect = request.origin
        self._target: Dialect = target
        self._policy = capabilities.unsupported
        self._paths = dict(_paths(request))
        self._unknown: dict[str, int] = {}
        self.rows: list[Loss] = []

    def name(self, field: str) -> str:
        """Return the client's name of a field of the hub."""
        return field_name(self._origin, field)

    def path(self, part: Part) -> str:
        """Return where the client put `part`; settling renews calls and results, so their ids tell."""
        known = self._paths.get(id(part))
        if known is None and isinstance(part, ToolResult):
            known = self._paths.get(f"result {part.call_id}")
        if known is None and isinstance(part, ToolCall):
            known = self._paths.get(f"call {part.id}")
        return known or self.name("messages")

    def drop(self, path: str, reason: str) -> None:
        """Note a value that was left out."""
        self.rows.append(Loss(path=path, kind="dropped", reason=reason))

    def change(self, path: str, reason: str) -> None:
        """Note a value that was clamped, renamed or repaired."""
        self.rows.append(Loss(path=path, kind="changed", reason=reason))

    def emulate(self, path: str, reason: str) -> None:
        """Note a value that was said by other means."""
        self.rows.append(Loss(path=path, kind="emulated", reason=reason))

    def refuse(self, path: str, reason: str, *, code: str = "unsupported_value") -> None:
        """Refuse a value whose loss would change the meaning; by the policy `drop` it is left out.

        Raises `CallerError`; whoever calls goes on without the value where it returns.
        """
        if self._policy != "drop":
            raise CallerError(f"{path}: {reason}", param=path, code=code)
        self.drop(path, reason)

    def unknown(self, extra: Extra, place: str = "") -> None:
        """Note unknown members: one row per name at the top, one per name and kind of place below."""
        for name, value in extra.items():
            if value is None:
                continue
            path = f"{place}.{name}" if place else name
            self._unknown[path] = self._unknown.get(path, 0) + 1

    def all(self) -> tuple[Loss, ...]:
        """Return every loss once, the unknown members last; raises `CallerError` by policy."""
        unknown = [
            Loss(path=path, kind="dropped", reason=f"unknown to {self._target}{_times(count)}")
            for path, count in self._unknown.items()
        ]
        rows = tuple(dict.fromkeys((*self.rows, *unknown)))
        dropped = [row for row in rows if row.kind == "dropped"]
        if self._policy == "refuse" and dropped:
            first = dropped[0]
            more = f" (and {len(dropped) - 1} more)" if len(dropped) > 1 else ""
            raise CallerError(
                f"{first.path} cannot be sent on: {first.reason}{more}; the policy here refuses what a "
                "target cannot take",
                param=first.path,
                code="unsupported_parameter",
            )
        return rows


def _times(count: int) -> str:
    return "" if count == 1 else f" ({count} times)"


def _paths(request: Request) -> Iterator[tuple[int | str, str]]:
    """Yield where each part stands, by its identity: settling moves parts but keeps most as they are."""
    for number, part in enumerate(request.system):
        yield id(part), f"{field_name(request.origin, 'system')}[{number}]"
    listed = field_name(request.origin, "messages")
    inner = "parts" if request.origin == "gemini" else "content"
    for place, message in enumerate(request.messages):
        stem = message.place or f"{listed}[{place}]"
        for number, part in enumerate(message.parts):
            path = f"{stem}.{inner}[{number}]"
            yield id(part), path
            if isinstance(part, ToolCall):
                yield f"call {part.id}", path
            elif isinstance(part, ToolResult):
                yield f"result {part.call_id}", path
                for number_inside, item in enumerate(part.content):
                    yield id(item), f"{path}.content[{number_inside}]"


__all__ = ["Losses"]
