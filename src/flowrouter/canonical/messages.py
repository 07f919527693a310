"""One turn of a conversation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from itertools import chain, compress
from operator import attrgetter, is_, itemgetter
from typing import Any, Literal, TypeVar

import msgspec

from flowrouter.canonical.parts import ContentShape, Extra, Part, Text

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


class Words(tuple[Message, ...]):
    """Messages of nothing but one text each, with nothing beside it: what most requests hold.

    Whoever looks for something else in a conversation may pass such a one by. What is made of it, a part of it
    or a copy with other messages, is an ordinary tuple again.
    """

    __slots__ = ()

    @property
    def said(self) -> tuple[list[Role], list[str]]:
        """Return who spoke, and what each said."""
        return list(map(_role, self)), list(map(_text, chain.from_iterable(map(_parts, self))))


SYSTEM = ("system", "developer")
"""The roles of who sets the rules."""

_parts, _role, _text = attrgetter("parts"), attrgetter("role"), attrgetter("text")
_shape, _extra = attrgetter("shape"), attrgetter("extra")
_STRING = frozenset({"string"})
_role_in, _content_in = itemgetter("role"), itemgetter("content")
_TEXT, _PAIR = frozenset({str}), frozenset({2})


def spoken(items: list[Any], roles: frozenset[str]) -> Words | None:
    """Return wire messages that hold one of `roles` and a text each, and nothing else; None where one is another.

    They are looked at all at once, without a step of ours for each.
    """
    try:
        who, said = list(map(_role_in, items)), list(map(_content_in, items))
        plain = roles.issuperset(who) and all(said) and _PAIR.issuperset(map(len, items))
    except (KeyError, TypeError):
        return None
    if not plain or not _TEXT.issuperset(map(type, said)):
        return None
    pairs = zip(who, said, strict=True)
    return Words([Message(role=role, parts=(Text(text=text),), shape="string") for role, text in pairs])


def as_words(messages: list[Message]) -> tuple[Message, ...]:
    """Return `messages` told as strings as `Words` where they are such, else as an ordinary tuple."""
    if not _STRING.issuperset(map(_shape, messages)) or any(map(_extra, messages)):
        return tuple(messages)
    return Words(messages) if all(map(_text, parts_of(messages))) else tuple(messages)


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
    return set(map(type, chain.from_iterable(map(_parts, messages))))


__all__ = [
    "SYSTEM", "Message", "Role", "Words", "as_words", "kinds", "leading_system", "of_kind", "parts_of", "spoken",
]  # fmt: skip
