"""Takes JSON bodies apart for the audit: leaves with their paths, and the heap of all that a body says."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from tests.fuzz.gemini_requests import OPAQUE

Leaf = tuple[str, Any]
TOKEN = re.compile(r"k\d+k")
_PLACE = re.compile(r"\[\d+\]")


def leaves(value: Any, path: str = "") -> Iterator[Leaf]:
    """Yield every scalar with its path; members whose names are the client's own are leaves too."""
    if isinstance(value, dict):
        for name, inner in value.items():
            below = f"{path}.{name}" if path else name
            if TOKEN.search(name) and not name.startswith("x_") and not is_nothing(inner):
                yield below, Key(name)
            yield from leaves(inner, below)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from leaves(inner, f"{path}[{number}]")
    else:
        yield path, value


def is_nothing(value: Any) -> bool:
    """Return whether a value holds nothing that could be lost."""
    if isinstance(value, dict):
        return all(is_nothing(inner) for inner in value.values())
    return value is None or value in ("", [])


class Key(str):
    """The name of a member, where the client chose it."""

    __slots__ = ()


def nodes(value: Any, path: str = "") -> Iterator[str]:
    """Yield the path of everything in a body."""
    if path:
        yield path
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from nodes(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from nodes(inner, f"{path}[{number}]")


def anywhere(path: str) -> str:
    """Return a path for all places of its kind."""
    return _PLACE.sub("[*]", path)


def camel(value: Any) -> Any:
    """Return a Gemini body in the spelling of its documentation, the client's own members left alone."""
    if isinstance(value, dict):
        return {
            (name if name.startswith("x_") else _camel(name)): inner
            if _camel(name) in OPAQUE or name.startswith("x_")
            else camel(inner)
            for name, inner in value.items()
        }
    return [camel(item) for item in value] if isinstance(value, list) else value


def _camel(name: str) -> str:
    return re.sub(r"_([a-z])", lambda found: found[1].upper(), name)


class Heap(NamedTuple):
    """All words of a body as one text, its strings one by one, and its numbers; JSON within text read too."""

    words: str
    strings: tuple[str, ...]
    numbers: frozenset[float]


def heap(body: Any) -> Heap:
    """Return what a body says."""
    strings: list[str] = []
    numbers: set[float] = set()
    _gather(body, strings, numbers)
    return Heap("\x01".join(strings), tuple(strings), frozenset(numbers))


def _gather(value: Any, strings: list[str], numbers: set[float]) -> None:
    match value:
        case dict():
            for name, inner in value.items():
                strings.append(name)
                _gather(inner, strings, numbers)
        case list():
            for inner in value:
                _gather(inner, strings, numbers)
        case str():
            strings.append(value)
            if (inner := parsed(value)) is not None:
                _gather(inner, strings, numbers)
        case bool() | None:
            pass
        case _:
            numbers.add(value)


def parsed(text: str) -> Any:
    """Return the object or array that `text` holds, None where it holds none."""
    if not text.lstrip().startswith(("{", "[")):
        return None
    try:
        return json.loads(text)
    except ValueError:
        return None


def pairs(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield every member's name with its value where that is a scalar, else with None."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name, None if isinstance(inner, dict | list) else inner
            yield from pairs(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from pairs(inner)


__all__ = [
    "TOKEN",
    "Heap",
    "Key",
    "Leaf",
    "anywhere",
    "camel",
    "heap",
    "leaves",
    "nodes",
    "pairs",
    "parsed",
]
