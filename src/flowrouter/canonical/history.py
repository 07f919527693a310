"""Puts a conversation's tool calls and results in the order every vendor insists on.

Clients send results out of order, twice, late, for calls nobody made, or not at all; each vendor
refuses some of that with 400. `settle` gives one neutral shape: an assistant message with calls is
directly followed by one `tool` message holding the results of exactly those calls, in call order.
Ids are cleaned the same way on every turn, so prompt caches survive. Rule source: the vendors'
structural rules for tool use (OpenAI Chat, Anthropic Messages, November 2026).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby, pairwise
from operator import attrgetter
from typing import TypeVar

import msgspec

from flowrouter.canonical.loss import Loss
from flowrouter.canonical.losses import Losses
from flowrouter.canonical.messages import Message, kinds, of_kind, parts_of
from flowrouter.canonical.names import NAME_PATTERN, fit_one, fitting
from flowrouter.canonical.parts import Part, Reasoning, Text, ToolCall, ToolResult

NO_RESULT = "[no result]"
"""Stands in for the result of a call that the client never answered."""


_P = TypeVar("_P", bound=Part)

_OF_STEPS: frozenset[type] = frozenset({ToolCall, ToolResult, Reasoning})
"""What there is to settle: a conversation without any of them stays as it is."""

_NO_RESULTS = Message(role="tool")
"""Holds the place of the results of calls that are still open."""


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
    first: int = 0,
) -> History:
    """Return `messages` with calls and results paired, ordered and safely named.

    `id_pattern` matches one character allowed in a call id, `id_max` is its greatest length. Assistant
    messages that follow each other become one where calls or reasoning are in them: dialects of items
    send each apart. Paths in the losses count the client's own messages, of which `first` stand before these;
    with `told` they are those the client itself would use.
    """
    if _OF_STEPS.isdisjoint(kinds(messages)):
        return History(messages=_without_empty(messages))
    if (settled := _settled(messages, fitting(id_pattern, id_max))) is not None:
        return History(messages=settled)
    return _Settler(messages, id_pattern, id_max, told=told, first=first).run()


def _without_empty(messages: Sequence[Message]) -> tuple[Message, ...]:
    """Return the messages but those of tools that hold no result."""
    whole = all(map(_parts_of, messages))
    return tuple(messages if whole else [m for m in messages if m.parts or m.role != "tool"])


def _settled(messages: Sequence[Message], fits: Callable[[str], object]) -> tuple[Message, ...] | None:
    """Return messages in which every call is followed by its one result, under an id that `fits`, as in most.

    None where there is anything to repair. Ids are compared all at once, so that of each step only the
    number of its results is left to look at.
    """
    held = parts_of(messages)
    ids = list(map(_id_of, of_kind(held, ToolCall)))
    if list(map(_call_id_of, of_kind(held, ToolResult))) != ids or len(set(ids)) < len(ids):
        return None
    if not all(map(fits, ids)) or _ASSISTANT_TWICE in pairwise(map(_role_of, messages)):
        return None
    out: list[Message] = []
    results: tuple[Part, ...] = ()
    waiting = 0
    for message in messages:
        parts = message.parts
        kinds = list(map(type, parts))
        if ToolResult not in kinds:
            if waiting:
                return None
            if ToolCall in kinds:
                if message.role != "assistant":
                    return None
                waiting = kinds.count(ToolCall)
            out.append(message)
            continue
        answers = kinds.count(ToolResult)
        beside = len(kinds) - answers
        if answers > waiting or (beside and (answers < waiting or message.role != "user")):
            return None
        waiting -= answers
        results += tuple(of_kind(parts, ToolResult)) if beside else parts
        if not waiting:
            out.append(Message(role="tool", parts=results))
            results = ()
        if beside:
            rest = tuple([part for part in parts if type(part) is not ToolResult])
            out.append(msgspec.structs.replace(message, parts=rest))
    return tuple(out) if not waiting and all(map(_parts_of, out)) else None


def _joined(messages: Sequence[Message]) -> tuple[Sequence[Message], Sequence[int]]:
    """Return the messages with the steps of one turn joined, and the number of each among those given."""
    if _ASSISTANT_TWICE not in pairwise(map(_role_of, messages)):
        return messages, range(len(messages))
    joined: list[Message] = []
    numbers: list[int] = []
    for role, run in groupby(enumerate(messages), key=lambda item: item[1].role):
        turn = list(run)
        if role == "assistant" and len(turn) > 1 and any(_is_step(message) for _, message in turn):
            number, first = turn[0]
            extra = {name: value for _, message in turn for name, value in message.extra.items()}
            parts = tuple(part for _, message in turn for part in message.parts)
            turn = [(number, msgspec.structs.replace(first, parts=parts, shape="list", extra=extra))]
        joined += [message for _, message in turn]
        numbers += [number for number, _ in turn]
    return joined, numbers


_role_of, _parts_of = attrgetter("role"), attrgetter("parts")
_id_of, _call_id_of = attrgetter("id"), attrgetter("call_id")
_ASSISTANT_TWICE = ("assistant", "assistant")


def _is_step(message: Message) -> bool:
    return any(kind is ToolCall or kind is Reasoning for kind in map(type, message.parts))


class _Settler:
    """One pass over the messages: `_calls` are those waiting for results, original ids with clean ones."""

    __slots__ = (
        "_calls", "_earlier", "_expected", "_first", "_fits", "_given", "_id_max", "_id_pattern", "_losses", "_messages", "_numbers",
        "_out", "_results", "_seen", "_slot", "_told",
    )  # fmt: skip

    def __init__(
        self, messages: Sequence[Message], id_pattern: str, id_max: int, *, told: Losses | None, first: int
    ) -> None:
        self._told = told
        self._first = first
        self._given = messages
        self._messages, self._numbers = _joined(messages)
        self._id_pattern = id_pattern
        self._id_max = id_max
        self._fits = fitting(id_pattern, id_max)
        self._out: list[Message] = []
        self._losses: list[Loss] = []
        self._seen: set[str] = set()
        self._slot: int | None = None
        self._calls: list[tuple[str, str]] = []
        self._expected: dict[str, int] = {}
        self._results: dict[str, list[ToolResult]] = {}
        self._earlier: dict[str, tuple[int, str]] = {}

    def run(self) -> History:
        for number, message in enumerate(self._messages):
            parts = message.parts
            if ToolResult not in map(type, parts):
                self._pass_on(number, message)
                continue
            rest: list[Part] = []
            for part in parts:
                if type(part) is ToolResult:
                    self._take(number, part)
                else:
                    rest.append(part)
            if rest:
                self._pass_on(number, msgspec.structs.replace(message, parts=tuple(rest)))
        if self._slot is not None:
            self._close(len(self._messages), self._slot)
        # What stood between two steps of a turn may be gone: a late result stands next to its call now.
        settled, _ = _joined(_without_empty(self._out))
        return History(messages=tuple(settled), losses=tuple(self._losses))

    def _pass_on(self, number: int, message: Message) -> None:
        role, out = message.role, self._out
        if self._slot is not None and role in ("assistant", "user"):
            self._close(number, self._slot)
        if role == "assistant" and ToolCall in map(type, message.parts):
            out.append(self._open_calls(number, message))
            self._slot = len(out)
            out.append(_NO_RESULTS)
        else:
            out.append(message)

    def _open_calls(self, number: int, message: Message) -> Message:
        parts: list[Part] = []
        renamed: dict[str, str] = {}
        calls: list[tuple[str, str]] = []
        expected: dict[str, int] = {}
        seen = self._seen
        for place, part in enumerate(message.parts):
            if type(part) is not ToolCall:
                continue
            wanted = clean = part.id
            expected[wanted] = expected.get(wanted, 0) + 1
            if wanted not in seen and self._fits(wanted):
                seen.add(wanted)
            else:
                clean = self._clean(part, number, place)
            calls.append((wanted, clean))
            if clean != wanted:
                renamed[wanted] = clean
                parts = parts or list(message.parts)
                parts[place] = self._followed(part, msgspec.structs.replace(part, id=clean))
        self._calls, self._results, self._expected = calls, {}, expected
        if not renamed:
            return message
        parts = [self._followed(part, _follow(part, renamed)) for part in parts]
        return msgspec.structs.replace(message, parts=tuple(parts))

    def _followed(self, old: Part, new: _P) -> _P:
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
        expected = self._expected.get(result.call_id)
        if expected:
            held = self._results.setdefault(result.call_id, [])
            if len(held) == expected:
                first = held.pop()
                lost = self._path(number, first)
                self._lose(lost, "dropped", f"a second result for {result.call_id!r}; the last one counts")
            held.append(result)
        elif result.call_id in self._earlier:
            slot, clean = self._earlier[result.call_id]
            self._replace_stub(slot, msgspec.structs.replace(result, call_id=clean))
            self._lose(self._path(number, result), "changed", "moved next to its call")
        else:
            path = self._path(number, result)
            self._lose(path, "emulated", f"no call has the id {result.call_id!r}; sent as text")
            self._out.append(_as_text(result))

    def _path(self, number: int, result: ToolResult) -> str:
        return f"{self._place(number)}.tool_result" if self._told is None else self._told.path(result)

    def _replace_stub(self, slot: int, result: ToolResult) -> None:
        held = tuple(
            result if isinstance(part, ToolResult) and part.call_id == result.call_id else part
            for part in self._out[slot].parts
        )
        self._out[slot] = msgspec.structs.replace(self._out[slot], parts=held)

    def _close(self, number: int, slot: int) -> None:
        """Write the results of the open calls into the slot behind their message."""
        results: list[Part] = []
        given, earlier = self._results, self._earlier
        for original, clean in self._calls:
            # Calls that share an id are answered in order, the last result standing in for missing ones.
            if held := given.get(original):
                result = held.pop(0) if len(held) > 1 else held[0]
            else:
                self._lose(self._place(number - 1), "emulated", f"the call {original!r} has no result")
                result = ToolResult(call_id=clean, content=(Text(text=NO_RESULT),), is_error=True)
            if result.call_id != clean:
                result = self._followed(result, msgspec.structs.replace(result, call_id=clean))
            results.append(result)
            earlier[original] = (slot, clean)
        self._out[slot] = Message(role="tool", parts=tuple(results))
        self._slot, self._calls, self._results, self._expected = None, [], {}, {}

    def _call_path(self, call: ToolCall, number: int, place: int) -> str:
        if self._told is None:
            return f"{self._place(number)}.tool_calls[{place}].id"
        return f"{self._told.path(call)}.{self._told.name('call.id')}"

    def _place(self, number: int) -> str:
        """Return where the client put a message."""
        given = self._numbers[number]
        message, given = self._given[given], given + self._first
        return (
            message.place
            or (self._told.name("messages") if self._told is not None else "messages") + f"[{given}]"
        )

    def _lose(self, path: str, kind: str, reason: str) -> None:
        self._losses.append(Loss(path=path, kind=kind, reason=reason))  # pyright: ignore[reportArgumentType]


def _follow(part: Part, renamed: dict[str, str]) -> Part:
    """Return `part`, a signature that belongs to a renamed call with the call's new id."""
    if not isinstance(part, Reasoning) or part.call_id is None or part.call_id not in renamed:
        return part
    return msgspec.structs.replace(part, call_id=renamed[part.call_id])


def _as_text(result: ToolResult) -> Message:
    lead = Text(text=f"Tool result ({result.call_id}): ")
    return Message(role="user", parts=(lead, *_plain(result.content)))


def _plain(parts: Iterable[Part]) -> tuple[Part, ...]:
    return tuple(part for part in parts if not isinstance(part, ToolCall | ToolResult))


__all__ = ["NO_RESULT", "History", "settle"]
