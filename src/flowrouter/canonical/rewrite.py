"""Undoes on a reply what a render changed on the request: names, custom tools, the answer tool, fences."""

from __future__ import annotations

import msgspec

from flowrouter.canonical import events as e
from flowrouter.canonical.events import Event
from flowrouter.canonical.fences import Unfenced
from flowrouter.canonical.parts import Text, ToolCall
from flowrouter.canonical.rendered import ReplyEdits
from flowrouter.wire.json import JsonError, loads


class ReplyRewriter:
    """Maps events of the target's reply to what the client asked for: `feed` gives 0..n events.

    A custom tool's text travels as `{"input": …}`; its arguments are held back until the call is
    complete, since JSON text cannot be unwrapped piecemeal without parsing it twice.
    """

    __slots__ = ("_answer", "_called", "_edits", "_fenced", "_held")

    def __init__(self, edits: ReplyEdits) -> None:
        self._edits = edits
        self._held: dict[int, list[str]] = {}
        self._fenced: dict[int, Unfenced] = {}
        self._answer = False
        self._called = False

    def feed(self, event: Event) -> list[Event]:
        """Return what `event` becomes."""
        match event:
            case e.PartStart(part=ToolCall() as call):
                return [self._call(event, call)]
            case e.PartStart(part=Text() as part) if self._edits.bare:
                fenced = self._fenced[event.index] = Unfenced()
                return [msgspec.structs.replace(event, part=_with_text(part, fenced.feed(part.text)))]
            case e.PartDelta(index=index, text=text) if index in self._fenced:
                text = self._fenced[index].feed(text)
                return [e.PartDelta(index, text)] if text else []
            case e.PartEnd(index=index) if index in self._fenced:
                text = self._fenced.pop(index).close()
                return [e.PartDelta(index, text), event] if text else [event]
            case e.PartDelta(index=index, text=text) if index in self._held:
                self._held[index].append(text)
                return []
            case e.PartEnd(index=index) if index in self._held:
                text = _unwrap("".join(self._held.pop(index)))
                return [e.PartDelta(index, text), event] if text else [event]
            case e.Finish(reason="tool_calls") if self._answer and not self._called:
                return [msgspec.structs.replace(event, reason="stop")]
            case _:
                return [event]

    def _call(self, event: e.PartStart, call: ToolCall) -> e.PartStart:
        edits = self._edits
        if call.name == edits.answer_tool:
            self._answer = True
            return msgspec.structs.replace(event, part=Text(text=call.arguments))
        self._called = True
        name = edits.names.get(call.name, call.name)
        if call.name in edits.custom:
            self._held[event.index] = [call.arguments]
            custom = msgspec.structs.replace(call, name=name, kind="custom", arguments="")
            return msgspec.structs.replace(event, part=custom)
        return msgspec.structs.replace(event, part=msgspec.structs.replace(call, name=name))


def _with_text(part: Text, text: str) -> Text:
    return part if part.text == text else msgspec.structs.replace(part, text=text)


def _unwrap(arguments: str) -> str:
    try:
        value = loads(arguments)
    except JsonError:
        return arguments
    match value:
        case {"input": str(text)}:
            return text
        case _:
            return arguments


__all__ = ["ReplyRewriter"]
