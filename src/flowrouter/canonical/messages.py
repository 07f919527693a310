"""One turn of a conversation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import chain, compress
from operator import attrgetter, is_
from typing import Annotated, Any, Literal, TypeVar, overload

import msgspec

from flowrouter.canonical.parts import ContentShape, Extra, Part, Text
from flowrouter.wire.json import shaped

_P = TypeVar("_P", bound=Part)

Role = Literal["system", "developer", "user", "assistant", "tool"]


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """What one role said; a `tool` message holds exactly one `ToolResult`.

    System and developer messages stand where the client put them; `Request.system` holds only
    what came in a dialect's own top-level slot. `place` is the client's own path to it where that is
    not `messages[n]` (`input[3]`).
    """

    role: Role
    parts: tuple[Part, ...] = ()
    name: str | None = None
    shape: ContentShape = "list"
    place: str = ""
    extra: Extra = {}


class Said(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """What one role said, in the form that most dialects have for words; never nothing."""

    role: Literal["system", "developer", "user", "assistant"]
    content: Annotated[str, msgspec.Meta(min_length=1)]


class Talk(msgspec.Struct, gc=False):
    """A body of which only the conversation matters, if it holds nothing but words."""

    messages: Annotated[list[Said], msgspec.Meta(min_length=1)]


class Words(Sequence[Message]):
    """Messages of nothing but one text each, with nothing beside it: what most requests hold.

    Whoever looks for something else in a conversation may pass such a one by. The messages are made when somebody
    looks at them, once: many requests are read and written without. What is made of it, a part of it or a
    copy with other messages, is an ordinary tuple.

    `place` is the client's own path to a message, with `{}` for its number; empty where it is `messages[n]`.
    """

    __slots__ = ("_messages", "_place", "_shape", "said")

    def __init__(self, said: Sequence[Said], place: str = "", shape: ContentShape = "string") -> None:
        self.said = said
        self._place = place
        self._shape: ContentShape = shape
        self._messages: tuple[Message, ...] | None = None

    @property
    def texts(self) -> Iterator[str]:
        """Return what was said, one text each."""
        return map(_content, self.said)

    @property
    def leading(self) -> int | None:
        """Return how many are the system's, if behind them user and assistant take turns, the user first and last."""
        roles = list(map(_role, self.said))
        if roles[-1] != "user":
            return None
        count = roles.index("user")
        turns = roles[count:]
        if turns != [*_IN_TURN * (len(turns) // 2), "user"] or not _SYSTEM.issuperset(roles[:count]):
            return None
        return count

    @property
    def all(self) -> tuple[Message, ...]:
        """Return the messages, the same at every look: parts are known by their identity."""
        if self._messages is None:
            place, shape = self._place.format, self._shape
            made = [
                Message(role=one.role, parts=(Text(text=one.content),), shape=shape, place=place(number))
                for number, one in enumerate(self.said)
            ]
            if self._messages is None:  # another thread may have been faster
                self._messages = tuple(made)
        return self._messages

    def __len__(self) -> int:
        return len(self.said)

    def __iter__(self) -> Iterator[Message]:
        return iter(self.all)

    @overload
    def __getitem__(self, index: int) -> Message: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Message, ...]: ...
    def __getitem__(self, index: int | slice) -> Message | tuple[Message, ...]:
        return self.all[index]

    def __eq__(self, other: object) -> bool:
        return self.all == (other.all if isinstance(other, Words) else other)

    def __hash__(self) -> int:
        return hash(self.all)

    def __repr__(self) -> str:
        return repr(self.all)


def spoken(messages: list[Any], shape: type[Talk] = Talk) -> Words | None:
    """Return wire messages that hold a role and a text each and nothing else; None where one is another."""
    talk = shaped({"messages": messages}, shape)
    return None if talk is None else Words(talk.messages)


SYSTEM = ("system", "developer")
"""The roles of who sets the rules."""

_SYSTEM, _IN_TURN = frozenset(SYSTEM), ["user", "assistant"]
_parts, _role, _content = attrgetter("parts"), attrgetter("role"), attrgetter("content")


def only_text(parts: Sequence[Part]) -> str:
    """Return what `parts` say where they are one text with nothing about it; else nothing."""
    if len(parts) == 1 and isinstance(part := parts[0], Text) and part == Text(text=part.text):
        return part.text
    return ""


def leading_system(messages: Sequence[Message]) -> int:
    """Return how many system messages stand at the head."""
    for count, message in enumerate(messages):
        if message.role not in SYSTEM:
            return count
    return len(messages)


def parts_of(messages: Iterable[Message]) -> list[Part]:
    """Return the parts of all `messages`, one behind the other."""
    return list(chain.from_iterable(map(_parts, messages)))


def of_kind(parts: Sequence[Part], kind: type[_P]) -> list[_P]:
    """Return those of `parts` that are of one kind."""
    found: Any = compress(parts, map(partial(is_, kind), map(type, parts)))
    return list(found)


def kinds(messages: Iterable[Message]) -> set[type[Part]]:
    """Return which kinds of parts there are in `messages`: what most steps need to know to pass them by."""
    if type(messages) is Words:
        return {Text}
    return set(map(type, chain.from_iterable(map(_parts, messages))))


__all__ = [
    "SYSTEM", "Message", "Role", "Said", "Talk", "Words", "kinds", "leading_system", "of_kind", "only_text",
    "parts_of", "spoken",
]  # fmt: skip
