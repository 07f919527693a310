"""Gathers what a request loses on its way to a target, named as the client named it.

Every dialect's renderer writes into one `Losses`. It knows the client's names and places, and the
owner's policy for what a target cannot take: `refuse` here raises by `auto`, drops by `drop`; with
the policy `refuse` even a dropped extra ends the request (`all`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import cast

from flowrouter.canonical.cache import CacheHint
from flowrouter.canonical.capabilities import Capabilities
from flowrouter.canonical.dialect import Dialect
from flowrouter.canonical.field_names import field_name
from flowrouter.canonical.loss import Loss
from flowrouter.canonical.parts import Extra, Opaque, Part, ToolResult
from flowrouter.canonical.places import content_place, key_of, places
from flowrouter.canonical.request import Request
from flowrouter.canonical.tools import CustomTool, FunctionTool, HostedTool, Tool
from flowrouter.errors import CallerError
from flowrouter.wire.members import is_nothing


def reasoning_fields(request: Request) -> tuple[str | None, tuple[str, ...]]:
    """Return the member in which a client asked for reasoning, where there are several, and those not heeded."""
    raw = request.reasoning.raw if request.reasoning is not None else {}
    if request.origin == "anthropic" and "type" not in raw and raw:
        return "output_config.effort", ()
    if request.origin not in ("openai_chat", "openai_completions") or not raw:
        return None, ()
    first, *others = raw
    both = {"enable_thinking", "thinking_budget"}
    return first, tuple(name for name in others if {first, name} != both)


class Losses:
    """The losses of one render of `request` for a target of the dialect `target`.

    `in_messages` and `in_content` are the places of any message and any content part, for `unknown`.
    """

    __slots__ = (
        "in_content",
        "in_messages",
        "_asks_in",
        "_capabilities",
        "_paths",
        "_request",
        "_target",
        "_unknown",
        "rows",
    )

    def __init__(self, request: Request, *, target: Dialect, capabilities: Capabilities) -> None:
        self._request = request
        self._target: Dialect = target
        self._capabilities = capabilities
        self._paths: dict[int | str, str] | None = None
        self._unknown: dict[str, int] = {}
        self._asks_in = reasoning_fields(request)[0]
        self.in_messages = f"{self.name('messages')}[*]"
        self.in_content = content_place(request.origin)
        self.rows: list[Loss] = []

    def name(self, field: str) -> str:
        """Return the client's name of a field of the hub."""
        if field == "reasoning" and self._asks_in is not None:
            return self._asks_in
        return field_name(self._request.origin, field)

    def path(self, part: Part) -> str:
        """Return where the client put `part`; settling renews calls and results, so their ids tell."""
        paths = self._places()
        known = paths.get(id(part)) or paths.get(key_of(part))
        if known is None and isinstance(part, ToolResult):
            # Settling made it up: its call is the nearest thing the client knows.
            known = paths.get(f"call {part.call_id}")
        return known or self.name("messages")

    def follow(self, old: Part, new: Part) -> None:
        """Know `new`, a call, result or signature that was given another id, under the place of `old`."""
        key = key_of(new)
        if key != key_of(old):
            self._places().setdefault(key, self.path(old))

    def _places(self) -> dict[int | str, str]:
        if self._paths is None:
            self._paths = dict(places(self._request))
        return self._paths

    def tool(self, number: int, tool: Tool) -> str:
        """Return where the client put the tool of that number."""
        return tool.place or f"tools[{number}]"

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
        if self._capabilities.unsupported != "drop":
            raise CallerError(f"{path}: {reason}", param=path, code=code)
        self.drop(path, reason)

    def rejected(self, field: str, *, path: str | None = None) -> bool:
        """Return whether the target answers 400 to its own `field`, and note what is lost if so."""
        if field not in self._capabilities.rejects:
            return False
        self.drop(path or self.name(field), "the target does not take it")
        return True

    def unknown(self, extra: Extra, place: str = "") -> None:
        """Note members nobody here knows: one row per name at the top, one per name and kind of place below.

        One that holds nothing is no loss, nor is one that only links or labels items of its own dialect.
        """
        if place and self._request.origin == "openai_responses":
            extra = {**extra, **cast("Extra", extra.get("item") or {})}
            extra = {name: value for name, value in extra.items() if name not in _LABELS}
        for name, value in extra.items():
            if is_nothing(value) or (place and (name == "type" or value == _DIRECT)):
                continue
            path = f"{place}.{name}" if place else name
            self._unknown[path] = self._unknown.get(path, 0) + 1

    def members(self, part: Part) -> None:
        """Note the members of `part` that nobody here knows, where the client put it."""
        extra = None if isinstance(part, Opaque) else part.extra
        if extra:
            self.unknown(extra, self.whereabouts(part))

    def whereabouts(self, of: Part | Tool) -> str:
        """Return the place of all parts or tools that stand where `of` does, for `unknown`."""
        if isinstance(of, FunctionTool | CustomTool | HostedTool):
            return _everywhere(of.place or "tools[*]")
        path = self.path(of)
        return self.in_content if path == self.name("messages") else _everywhere(path)

    def marked(self, ttl: str | None = None) -> Iterator[str]:
        """Yield the places of the client's cache marks, each kind once; of those with `ttl` where it is given."""
        request = self._request
        bearers = (
            *request.tools,
            *request.system,
            *(part for message in request.messages for part in message.parts),
        )
        seen: set[str] = set()
        for bearer in bearers:
            hint: CacheHint | None = getattr(bearer, "cache", None)
            if hint is not None and ttl in (None, hint.ttl):
                path = f"{self.whereabouts(bearer)}.{hint.field or 'cache_control'}"
                if path not in seen:
                    seen.add(path)
                    yield path

    def all(self) -> tuple[Loss, ...]:
        """Return every loss once, the unknown members last; raises `CallerError` by policy."""
        unknown = [
            Loss(path=path, kind="dropped", reason=f"unknown to {self._target}{_times(count)}")
            for path, count in self._unknown.items()
        ]
        rows = tuple(dict.fromkeys((*self.rows, *unknown)))
        if self._capabilities.unsupported == "refuse":
            _refuse_dropped([row for row in rows if row.kind == "dropped"])
        return rows


def _everywhere(path: str) -> str:
    return _NUMBER.sub("[*]", path)


_NUMBER = re.compile(r"\[\d+\]")

_DIRECT = {"type": "direct"}
"""How Anthropic labels a call that the model itself made, which is every call elsewhere."""

_LABELS = frozenset({"absent", "id", "item", "namespace", "role", "status", "summary", "type"})
"""What a part of Responses keeps of its item (`item`) and of how that was written; no other needs it."""


def _refuse_dropped(dropped: list[Loss]) -> None:
    if not dropped:
        return
    first = dropped[0]
    more = f" (and {len(dropped) - 1} more)" if len(dropped) > 1 else ""
    raise CallerError(
        f"{first.path} cannot be sent on: {first.reason}{more}; the policy here refuses what a "
        "target cannot take",
        param=first.path,
        code="unsupported_parameter",
    )


def _times(count: int) -> str:
    return "" if count == 1 else f" ({count} times)"


__all__ = ["Losses", "reasoning_fields"]
