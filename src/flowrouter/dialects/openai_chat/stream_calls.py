"""Puts tool calls together from the deltas hosts really send.

The vendor keys deltas by `index` and gives id and name once. Others leave the index out, start it
at 1, put every call under 0, repeat id and name in each delta, give the id late, split the name, or
send arguments as an object. A call starts when its id is known and its arguments begin, so that a
name in pieces is whole by then; what comes earlier is held.
"""

from __future__ import annotations

from typing import Any, Literal

from flowrouter.canonical import events as e
from flowrouter.canonical.events import Event
from flowrouter.canonical.parts import ToolCall
from flowrouter.dialects.openai_chat.ids import made_call_id
from flowrouter.dialects.openai_chat.stream_parts import ChoiceParts
from flowrouter.wire.json import dumps_text
from flowrouter.wire.members import Json, as_object

_CALL_KEYS = frozenset({"index", "id", "type", "function", "custom"})


_NONE: frozenset[int] = frozenset()
"""Made once: each takes 216 bytes, and most answers need none of their own."""


class _OpenCall:
    """One call as far as it has come; `part` is its number in the answer once it has started."""

    __slots__ = ("extra", "held", "id", "kind", "name", "part", "place")

    def __init__(self, place: int, kind: Literal["function", "custom", "legacy"]) -> None:
        self.place = place
        self.kind: Literal["function", "custom", "legacy"] = kind
        self.id = ""
        self.name = ""
        self.part: int | None = None
        self.held: list[str] = []
        self.extra: Json = {}

    @property
    def under_way(self) -> bool:
        """Return whether arguments have come, so that the name is complete."""
        return self.part is not None or bool(self.held)


class CallAssembler:
    """The calls of one choice of one reply; `parts` are where each starts in the answer."""

    __slots__ = ("_by_index", "_calls", "_choice", "_parts", "_reply", "_touched")

    def __init__(self, reply: str, choice: int, parts: ChoiceParts) -> None:
        self._reply = reply
        self._choice = choice
        self._parts = parts
        self._by_index: dict[int, _OpenCall] = {}
        self._calls: list[_OpenCall] = []
        self._touched = _NONE

    def __bool__(self) -> bool:
        return any(call.part is not None for call in self._calls)

    def take(self, entries: list[Any], events: list[Event]) -> None:
        """Take in the `tool_calls` of one chunk."""
        self._touched = _NONE
        for entry in entries:
            delta = as_object(entry)
            if delta is not None:
                self._take(delta, events)

    def take_legacy(self, delta: Json, events: list[Event]) -> None:
        """Take in the deprecated `function_call` of one chunk."""
        call = self._calls[-1] if self._calls else self._new("legacy", events)
        call.id = call.id or self._made_id(call)
        self._add(call, delta, delta.get("arguments"), events=events)

    def finish(self, events: list[Event]) -> None:
        """Start what is still held, and end all calls."""
        for call in self._calls:
            if call.name:
                self._start(call, events)
        events += [e.PartEnd(call.part) for call in self._calls if call.part is not None]

    def _take(self, delta: Json, events: list[Event]) -> None:
        custom = as_object(delta.get("custom"))
        body = as_object(delta.get("function")) or {} if custom is None else custom
        call = self._resolve(delta, body)
        if call is None:
            call = self._new("function" if custom is None else "custom", events)
            if isinstance(index := delta.get("index"), int):
                self._by_index[index] = call
        self._touched |= {call.place}
        given = delta.get("id")
        if isinstance(given, str) and not call.id:
            call.id = given
        if call.part is None and not delta.keys() <= _CALL_KEYS:
            call.extra |= {name: value for name, value in delta.items() if name not in _CALL_KEYS}
        self._add(call, body, body.get("arguments" if custom is None else "input"), events=events)

    def _resolve(self, delta: Json, body: Json) -> _OpenCall | None:
        """Return the call a delta goes on with; None for a new one."""
        given, named = delta.get("id") or None, bool(body.get("name"))
        index = delta.get("index")
        if not isinstance(index, int):
            return self._resolve_without_index(given, body)
        known = self._by_index.get(index)
        if known is not None and named and given is not None and known.id and given != known.id:
            # A host that puts all calls under one index gives each its own id and name.
            return None
        return known

    def _resolve_without_index(self, given: Any, body: Json) -> _OpenCall | None:
        if not self._calls:
            return None
        last = self._calls[-1]
        if given is not None:
            same = (call for call in self._calls if call.id == given)
            return next(same, None if last.id else last)
        if body.get("name") and last.place in self._touched:
            return None
        if body.get("name") and last.under_way and body["name"] != last.name:
            return None
        return last

    def _new(self, kind: Literal["function", "custom", "legacy"], events: list[Event]) -> _OpenCall:
        if self._calls and self._calls[-1].id and self._calls[-1].name:
            self._start(self._calls[-1], events)
        call = _OpenCall(len(self._calls), kind)
        self._calls.append(call)
        return call

    def _add(self, call: _OpenCall, body: Json, value: Any, *, events: list[Event]) -> None:
        name = body.get("name")
        if isinstance(name, str) and not call.under_way:
            # A name may be repeated, or grow, or come in pieces.
            call.name = name if name.startswith(call.name) else call.name + name
        if value is None or value == "":
            return
        text = value if isinstance(value, str) else dumps_text(value)
        if call.part is None:
            if not (call.id and call.name):
                call.held.append(text)
                return
            self._start(call, events)
        if call.part is not None:
            events.append(e.PartDelta(call.part, text))

    def _start(self, call: _OpenCall, events: list[Event]) -> None:
        if call.part is not None:
            return
        call.id = call.id or self._made_id(call)
        part = ToolCall(id=call.id, name=call.name, arguments="", kind=call.kind, extra=call.extra)
        call.part = self._parts.begin(part, events)
        if call.held:
            events.append(e.PartDelta(call.part, "".join(call.held)))
            call.held = []

    def _made_id(self, call: _OpenCall) -> str:
        return made_call_id(self._reply, self._choice, call.place)


__all__ = ["CallAssembler"]
