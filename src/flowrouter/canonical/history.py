"""Puts a conversation's tool calls and results in the order every vendor insists on.

Clients send results out of order, twice, late, for calls nobody made, or not at all; each vendor
refuses some of that with 400. `settle` gives one neutral shape: an assistant message with calls is
directly followed by one `tool` message holding the results of exactly those calls, in call order.
Ids are cleaned the same way on every turn, so prompt caches survive. Rule source: the vendors'
structural rules for tool use (OpenAI Chat, Anthropic Messages, November 2026).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import groupby

import msgspec

from flowrouter.canonical.loss import Loss
from flowrouter.canonical.losses import Losses
from flowrouter.canonical.messages import Message
from flowrouter.canonical.names import NAME_PATTERN, fit_one
from flowrouter.canonical.parts import Part, Reasoning, Text, ToolCall, ToolResult

NO_RESULT = "[no result]"
"""Stands in for the result of a call that the client never answered."""


class History(msgspec.Struct, frozen=True, kw_only=True):
    """The settled messages, and what had to be repaired to settle them."""

    messages: tuple[Message, ...]
    losses: tuple[Loss, ...] = ()


def settle(
    messages: Sequence[Message],
    *,
    id_pattern: str = NAME_PATTERN,
    id_max: int = 64,
    told: Losses | None = None,
) -> History:
    """Return `messages` with calls and results paired, ordered and safely named.

    `id_pattern` matches one character allowed in a call id, `id_max` is its greatest length. Assistant
    messages that follow each other become one where calls or reasoning are in them: dialects of items
    send each apart. Paths in the losses count the client's own messages; with `told` they are those the
    client itself would use.
    """
    return _Settler(messages, id_pattern, id_max, told=told).run()


def _joined(messages: Sequence[Message]) -> tuple[list[Message], list[str]]:
    """Return the messages with the steps of one turn joined, and where the client put each."""
    joined: list[Message] = []
    places: list[str] = []
    for role, run in groupby(enumerate(messages), key=lambda item: item[1].role):
        turn = list(run)
        if role == "assistant" and len(turn) > 1 and any(_is_step(message) for _, message in turn):
            number, first = turn[0]
            extra = {name: value for _, message in turn for name, value in message.extra.items()}
            parts = tuple(part for _, message in turn for part in message.parts)
            turn = [(number, msgspec.structs.replace(first, parts=parts, shape="list", extra=extra))]
        joined += [message for _, message in turn]
        places += [message.place or f"messages[{number}]" for number, message in turn]
    return joined, places


def _is_step(message: Message) -> bool:
    return any(isinstance(part, ToolCall | Reasoning) for part in message.parts)


class _Settler:
    """One pass over the messages: `_open` holds the calls waiting for results, by original id."""

    def __init__(
        self, messages: Sequence[Message], id_pattern: str, id_max: int, *, told: Losses | None = None
    ) -> None:
        self._told = told
        self._messages, self._places = _joined(messages)
        self._id_pattern = id_pattern
        self._id_max = id_max
        self._out: list[Message] = []
        self._losses: list[Loss] = []
        self._seen: set[str] = set()
        self._slot: int | None = None
        self._calls: list[tuple[str, str]] = []
        self._expected: Counter[str] = Counter()
        self._results: dict[str, list[ToolResult]] = {}
        self._earlier: dict[str, tuple[int, str]] = {}

    def run(self) -> History:
        for number, message in enumerate(self._messages):
            results, rest = _split_results(message)
            for result in results:
                self._take(number, result)
            if not results or rest:
                self._pass_on(number, message, rest if results else message.parts)
        self._close(len(self._messages))
        return History(
            messages=tuple(m for m in self._out if m.parts or m.role != "tool"), losses=tuple(self._losses)
        )

    def _pass_on(self, number: int, message: Message, parts: tuple[Part, ...]) -> None:
        if message.role in ("assistant", "user"):
            self._close(number)
        if parts is not message.parts:
            message = msgspec.structs.replace(message, parts=parts)
        if message.role == "assistant" and any(isinstance(part, ToolCall) for part in parts):
            message = self._open_calls(number, message)
            self._out.append(message)
            self._slot = len(self._out)
            self._out.append(Message(role="tool"))
        else:
            self._out.append(message)

    def _open_calls(self, number: int, message: Message) -> Message:
        parts: list[Part] = []
        renamed: dict[str, str] = {}
        self._calls, self._results = [], {}
        self._expected = Counter(part.id for part in message.parts if isinstance(part, ToolCall))
        for place, part in enumerate(message.parts):
            if isinstance(part, ToolCall):
                clean = self._clean(part, number, place)
                self._calls.append((part.id, clean))
                if clean != part.id:
                    renamed[part.id] = clean
                    part = self._followed(part, msgspec.structs.replace(part, id=clean))
            parts.append(part)
        parts = [self._followed(part, _follow(part, renamed)) for part in parts]
        return msgspec.structs.replace(message, parts=tuple(parts))

    def _followed(self, old: Part, new: Part) -> Part:
        """Return `new`, known from now on under the place of `old`."""
        if self._told is not None and new is not old:
            self._told.follow(old, new)
        return new

    def _clean(self, call: ToolCall, number: int, place: int) -> str:
        wanted = call.id or f"call_{number}_{place}_{call.name}"
        clean = fit_one(wanted, pattern=self._id_pattern, limit=self._id_max)
        reason = "the id does not fit the target"
        while clean in self._seen:
            clean = fit_one(f"{clean}.{number}.{place}", pattern=self._id_pattern, limit=self._id_max)
            reason = "an earlier call has the same id"
        self._seen.add(clean)
        if clean != call.id:
            self._lose(self._call_path(call, number, place), "changed", reason)
        return clean

    def _take(self, number: int, result: ToolResult) -> None:
        """Keep a result for the open calls, move it to an earlier call, or turn it into text."""
        path = f"{self._place(number)}.tool_result" if self._told is None else self._told.path(result)
        expected = self._expected[result.call_id]
        if expected:
            held = self._results.setdefault(result.call_id, [])
            if len(held) == expected:
                first = held.pop()
                lost = path if self._told is None else self._told.path(first)
                self._lose(lost, "dropped", f"a second result for {result.call_id!r}; the last one counts")
            held.append(result)
        elif result.call_id in self._earlier:
            slot, clean = self._earlier[result.call_id]
            self._replace_stub(slot, msgspec.structs.replace(result, call_id=clean))
            self._lose(path, "changed", "moved next to its call")
        else:
            self._lose(path, "emulated", f"no call has the id {result.call_id!r}; sent as text")
            self._out.append(_as_text(result))

    def _replace_stub(self, slot: int, result: ToolResult) -> None:
        held = tuple(
            result if isinstance(part, ToolResult) and part.call_id == result.call_id else part
            for part in self._out[slot].parts
        )
        self._out[slot] = msgspec.structs.replace(self._out[slot], parts=held)

    def _close(self, number: int) -> None:
        """Write the results of the open calls into the slot behind their message."""
        if self._slot is None:
            return
        results: list[Part] = []
        for original, clean in self._calls:
            # Calls that share an id are answered in order, the last result standing in for missing ones.
            held = self._results.get(original, [])
            result = held.pop(0) if len(held) > 1 else next(iter(held), None)
            if result is None:
                self._lose(self._place(number - 1), "emulated", f"the call {original!r} has no result")
                result = ToolResult(call_id=clean, content=(Text(text=NO_RESULT),), is_error=True)
            results.append(self._followed(result, msgspec.structs.replace(result, call_id=clean)))
            self._earlier[original] = (self._slot, clean)
        self._out[self._slot] = Message(role="tool", parts=tuple(results))
        self._slot, self._calls, self._results = None, [], {}
        self._expected = Counter()

    def _call_path(self, call: ToolCall, number: int, place: int) -> str:
        if self._told is None:
            return f"{self._place(number)}.tool_calls[{place}].id"
        return f"{self._told.path(call)}.{self._told.name('call.id')}"

    def _place(self, number: int) -> str:
        return self._places[number]

    def _lose(self, path: str, kind: str, reason: str) -> None:
        self._losses.append(Loss(path=path, kind=kind, reason=reason))  # pyright: ignore[reportArgumentType]


def _follow(part: Part, renamed: dict[str, str]) -> Part:
    """Return `part`, a signature that belongs to a renamed call with the call's new id."""
    if not isinstance(part, Reasoning) or part.call_id is None or part.call_id not in renamed:
        return part
    return msgspec.structs.replace(part, call_id=renamed[part.call_id])


def _split_results(message: Message) -> tuple[list[ToolResult], tuple[Part, ...]]:
    results = [part for part in message.parts if isinstance(part, ToolResult)]
    if not results:
        return [], ()
    return results, tuple(part for part in message.parts if not isinstance(part, ToolResult))


def _as_text(result: ToolResult) -> Message:
    lead = Text(text=f"Tool result ({result.call_id}): ")
    return Message(role="user", parts=(lead, *_plain(result.content)))


def _plain(parts: Iterable[Part]) -> tuple[Part, ...]:
    return tuple(part for part in parts if not isinstance(part, ToolCall | ToolResult))


__all__ = ["NO_RESULT", "History", "settle"]
