"""Gathers what a request loses on its way to a target, named as the client named it.

Every dialect's renderer writes into one `Losses`. It knows the client's names and places, and the
owner's policy for what a target cannot take: `refuse` here raises by `auto`, drops by `drop`; with
the policy `refuse` even a dropped extra ends the request (`all`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

import msgspec

from flowrouter.canonical.cache import CacheHint
from flowrouter.canonical.capabilities import Capabilities
from flowrouter.canonical.dialect import Dialect
from flowrouter.canonical.field_names import field_name
from flowrouter.canonical.loss import Loss
from flowrouter.canonical.messages import Message
from flowrouter.canonical.parts import Document, Extra, Image, Media, Opaque, Part, ToolCall, ToolResult
from flowrouter.canonical.places import content_place, key_of, place_of, places
from flowrouter.canonical.request import Request
from flowrouter.canonical.tools import CustomTool, FunctionTool, HostedTool, Tool
from flowrouter.errors import CallerError
from flowrouter.wire.members import is_nothing


def unheeded_reasoning(request: Request) -> dict[str, Any]:
    """Return what a client's reasoning control says beside what the hub reads of it, by path.

    In Chat, where each host has its own word for it, the first one counts.
    """
    raw = request.reasoning.raw if request.reasoning is not None else {}
    if request.origin in _CHAT:
        first = next(iter(raw), "")
        pair = {"enable_thinking", "thinking_budget"}
        return {name: value for name, value in raw.items() if name != first and {first, name} != pair}
    stem, heeded = _HEEDED.get(request.origin, ("", frozenset[str]()))
    return {
        f"{stem}.{name}": value
        for name, value in raw.items()
        if name.replace("_", "").lower() not in heeded and value not in ("auto", "standard")
    }


_CHAT = ("openai_chat", "openai_completions")
_HEEDED: Mapping[str, tuple[str, frozenset[str]]] = {
    "openai_responses": ("reasoning", frozenset({"effort", "summary", "generatesummary"})),
    "anthropic": ("thinking", frozenset({"type", "budgettokens", "display", "effort"})),
    "gemini": (
        "generationConfig.thinkingConfig",
        frozenset({"thinkingbudget", "thinkinglevel", "includethoughts"}),
    ),
}


def _chosen_names(request: Request) -> Iterator[tuple[str, str]]:
    """Yield (field, name) of fields for which the client's dialect has several names, as this client wrote them."""
    yield from request.shapes.get("names", {}).items()
    raw = request.reasoning.raw if request.reasoning is not None else {}
    match request.origin:
        case "openai_chat" | "openai_completions":
            if raw:
                yield "reasoning", next(iter(raw))
            if request.shapes.get("function_call"):
                yield "tool_choice", "function_call"
        case "anthropic":
            if raw and "type" not in raw:
                yield "reasoning", "output_config.effort"
            if request.shapes.get("output_format"):
                yield from {"output": "output_format", "output.schema": "output_format.schema"}.items()
        case "openai_responses":
            if "generate_summary" in raw and "summary" not in raw:
                yield "reasoning.display", "reasoning.generate_summary"
            if request.sampling.top_logprobs is None:
                yield "logprobs", "include"
        case _:
            pass


class Losses(msgspec.Struct, eq=False):
    """The losses of one render of `request` for a target of the dialect `target`.

    Most requests lose nothing: names and places are gathered only when something asks for them.
    What is known by its identity has to stay alive: so does all in `_followed`.
    """

    request: Request
    target: Dialect
    capabilities: Capabilities
    rows: list[Loss] = []
    _unknown: dict[str, int] = {}
    _followed: list[tuple[Part, Part]] = []
    _asked: int = 0
    _customs: set[str] | None = None
    _names: dict[str, str] | None = None
    _paths: dict[int | str, str] | None = None

    __repr__ = object.__repr__

    @property
    def in_messages(self) -> str:
        """Return the place of any message, for `unknown`."""
        return f"{self.name('messages')}[*]"

    def name(self, field: str) -> str:
        """Return the client's name of a field of the hub."""
        if self._names is None:
            self._names = dict(_chosen_names(self.request))
        if (name := self._names.get(field)) is not None:
            return name
        return field_name(self.request.origin, field)

    def path(self, part: Part) -> str:
        """Return where the client put `part`; settling renews calls and results, so their ids tell."""
        if self._paths is None and self._asked < _FEW:
            self._asked += 1
            if (found := place_of(part, self.request)) is not None:
                return found
        paths = self._places()
        known = paths.get(id(part)) or paths.get(key_of(part))
        if known is None and isinstance(part, ToolResult):
            # Settling made it up: its call is the nearest thing the client knows.
            known = paths.get(f"call {part.call_id}")
        return known or self.name("messages")

    def follow(self, old: Part, new: Part) -> None:
        """Know `new`, made from `old`, under the place of `old`, also where it was given another id."""
        self._followed.append((old, new))
        if self._paths is not None:
            self._follow(self._paths, old, new)

    def _places(self) -> dict[int | str, str]:
        """Return the places of all parts, which most requests never ask for."""
        if self._paths is None:
            self._paths = places(self.request)
            for old, new in self._followed:
                self._follow(self._paths, old, new)
        return self._paths

    def _follow(self, paths: dict[int | str, str], old: Part, new: Part) -> None:
        path, key = self.path(old), key_of(new)
        paths[id(new)] = path
        if key != key_of(old):
            paths.setdefault(key, path)

    def message(self, number: int, message: Message) -> str:
        """Return where the client put the message of that number."""
        return message.place or f"{self.name('messages')}[{number}]"

    def tool(self, number: int, tool: Tool) -> str:
        """Return where the client put the tool of that number."""
        return tool.place or f"tools[{number}]"

    def drop(self, path: str, reason: str) -> None:
        """Note a value that was left out."""
        self.rows.append(Loss(path=self._as_written(path), kind="dropped", reason=reason))

    def change(self, path: str, reason: str) -> None:
        """Note a value that was clamped, renamed or repaired."""
        self.rows.append(Loss(path=self._as_written(path), kind="changed", reason=reason))

    def emulate(self, path: str, reason: str) -> None:
        """Note a value that was said by other means."""
        self.rows.append(Loss(path=self._as_written(path), kind="emulated", reason=reason))

    def refuse(self, path: str, reason: str, *, code: str = "unsupported_value") -> None:
        """Refuse a value whose loss would change the meaning; by the policy `drop` it is left out.

        Raises `CallerError`; whoever calls goes on without the value where it returns.
        """
        path = self._as_written(path)
        if self.capabilities.unsupported != "drop":
            raise CallerError(f"{path}: {reason}", param=path, code=code)
        self.drop(path, reason)

    def rejected(self, field: str, *, path: str | None = None) -> bool:
        """Return whether the target answers 400 to its own `field`, and note what is lost if so."""
        if field not in self.capabilities.rejects:
            return False
        self.drop(path or self.name(field), "the target does not take it")
        return True

    def unknown(self, extra: Extra, place: str = "") -> None:
        """Note members nobody here knows: one row per name at the top, one per name and kind of place below.

        One that holds nothing is no loss, nor is one that only links or labels items of its own dialect.
        """
        if place and self.request.origin == "openai_responses":
            extra = {**extra, **cast("Extra", extra.get("item") or {})}
            extra = {name: value for name, value in extra.items() if name not in _LABELS}
        for name, value in extra.items():
            if is_nothing(value) or (place and (name == "type" or value == _DIRECT)):
                continue
            path = f"{place}.{name}" if place else name
            if name.startswith(_OF_NAMESPACE) and place.endswith(_INSIDE):
                path = f"{place.removesuffix(_INSIDE)}.{name.removeprefix(_OF_NAMESPACE)}"
            self._unknown[path] = self._unknown.get(path, 0) + 1

    def members(self, part: Part) -> None:
        """Note the members of `part` that nobody here knows, where the client put it."""
        if isinstance(part, Opaque):
            return
        if part.extra:
            self.unknown(part.extra, self.whereabouts(part))
        if isinstance(part, _SOURCED) and part.source.extra:
            holder = _HOLDERS.get(self.request.origin, {}).get(part.source.kind, "source")
            self.unknown(part.source.extra, f"{self.whereabouts(part)}.{holder}")

    def whereabouts(self, of: Part | Tool) -> str:
        """Return the place of all parts or tools that stand where `of` does, for `unknown`."""
        if isinstance(of, _TOOLS):
            return _everywhere(of.place or "tools[*]")
        path = self.path(of)
        return content_place(self.request.origin) if path == self.name("messages") else _everywhere(path)

    def marked(self, ttl: str | None = None) -> Iterator[str]:
        """Yield the places of the client's cache marks, each kind once; of those with `ttl` where it is given."""
        request = self.request
        said = (*request.system, *(part for message in request.messages for part in message.parts))
        bearers = (*request.tools, *_with_inner(said))
        seen: set[str] = set()
        for bearer in bearers:
            hint: CacheHint | None = getattr(bearer, "cache", None)
            if hint is not None and ttl in (None, hint.ttl):
                path = f"{self.whereabouts(bearer)}.{hint.field or 'cache_control'}"
                if path not in seen:
                    seen.add(path)
                    yield path

    def _lost_beside(self) -> Iterator[Loss]:
        """Yield the loss of an effort that stands beside a reasoning control that was dropped whole."""
        control = self.request.reasoning
        if control is None or control.effort is None or "type" not in control.raw:
            return
        effort = self.name("reasoning.effort")
        told = {row.path: row for row in self.rows}
        whole = told.get(self.name("reasoning"))
        if whole is not None and whole.kind == "dropped" and effort not in told:
            yield Loss(path=effort, kind="dropped", reason=whole.reason)

    def _as_written(self, path: str) -> str:
        """Return a path into one of OpenAI's other kinds of tools, whose members have another stem there."""
        if ".function." not in path or self.request.origin not in _CHAT:
            return path
        if self._customs is None:
            tools = (self.tool(n, tool) for n, tool in enumerate(self.request.tools) if _is_custom(tool))
            calls = (part for message in self.request.messages for part in message.parts)
            self._customs = {*tools, *(self.path(call) for call in calls if _is_custom(call))}
        holder, _, member = path.partition(".function.")
        stem = ".custom." if holder in self._customs else ".function."
        return _LEGACY.sub(r"\1.", f"{holder}{stem}{member}")

    def all(self) -> tuple[Loss, ...]:
        """Return every loss once, the unknown members last; raises `CallerError` by policy."""
        if not (self.rows or self._unknown):
            return ()
        unknown = [
            Loss(path=path, kind="dropped", reason=f"unknown to {self.target}{_times(count)}")
            for path, count in self._unknown.items()
        ]
        rows = tuple(dict.fromkeys((*self.rows, *self._lost_beside(), *unknown)))
        if self.capabilities.unsupported == "refuse":
            _refuse_dropped([row for row in rows if row.kind == "dropped"])
        return rows


def _with_inner(parts: Iterable[Part]) -> Iterator[Part]:
    for part in parts:
        yield part
        match part:
            case ToolResult():
                yield from _with_inner(part.content)
            case Document(source=source):
                yield from _with_inner(source.parts)
            case _:
                pass


def _is_custom(of: Part | Tool) -> bool:
    """Return whether a tool or a call takes free text."""
    return isinstance(of, CustomTool) or (isinstance(of, ToolCall) and of.kind == "custom")


_FEW = 5
"""How many places are looked for one by one, before all are gathered: mostly it is those of a few cache marks."""

_LEGACY = re.compile(r"((?:^functions\[\d+\])|(?:\.function_call))\.function\.")


def _everywhere(path: str) -> str:
    return _NUMBER.sub("[*]", path)


_NUMBER = re.compile(r"\[\d+\]")

_OF_NAMESPACE, _INSIDE = "namespace.", ".tools[*]"
"""What a tool of Responses repeats of its namespace, and where tools stand in it."""

_SOURCED = (Image, Document, Media)
_TOOLS = (FunctionTool, CustomTool, HostedTool)

_HOLDERS = {"gemini": {"base64": "inlineData", "url": "fileData", "file": "fileData"}}
"""Where the source of media stands, in dialects that have several members for it."""

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


__all__ = ["Losses", "unheeded_reasoning"]
