"""Arguments of a call that come piecemeal (`streamFunctionCallArguments`).

Each `partialArgs` entry sets one value at a JSON path, `$.place.city` or `$.days[0]`; a string marked
`willContinue` grows with the next entry for the same path. The vendor's order decides where members stand.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

from flowrouter.wire.members import Json, as_list, as_object

_STEP = re.compile(r"""\.?([^.\[\]'"]+)|\[(\d{1,9})\]|\[(?:'([^']*)'|"([^"]*)")\]""")
_VALUES = ("stringValue", "numberValue", "boolValue")
_LENGTH_MAX = 10_000
_DEPTH_MAX = 64

Key = str | int


class PartialArguments:
    """The arguments of one call as far as they have come; `_pieces` are those of the text in progress."""

    __slots__ = ("_growing", "_keys", "_pieces", "_value")

    def __init__(self) -> None:
        self._value: Json = {}
        self._growing: str | None = None
        self._keys: list[Key] = []
        self._pieces: list[str] = []

    def take(self, entries: list[Any]) -> None:
        """Add the entries of one chunk; one that names no place is left out."""
        for item in entries:
            entry = as_object(item)
            if entry is not None:
                self._take(entry)

    def add(self, members: Json) -> None:
        """Set whole members."""
        if members:
            self._settle()
            self._value.update(members)

    @property
    def value(self) -> Json:
        """Return the arguments as far as they have come."""
        self._settle()
        return self._value

    def _take(self, entry: Json) -> None:
        path, value = entry.get("jsonPath"), _value(entry)
        if not isinstance(path, str):
            return
        if not isinstance(value, str) or self._growing != path:
            self._settle()
            self._keys = _keys(path)
        if isinstance(value, str):
            self._pieces.append(value)
        else:
            _put(self._value, self._keys, value)
        self._growing = path if entry.get("willContinue") is True else None

    def _settle(self) -> None:
        """Put the text in progress where it belongs."""
        if self._pieces:
            _put(self._value, self._keys, "".join(self._pieces))
            self._pieces = []
        self._growing = None


def _keys(path: str) -> list[Key]:
    """Return the steps of a path; none for one deeper than any arguments."""
    keys: list[Key] = []
    for name, number, quoted, doubly in _STEP.findall(path.removeprefix("$")):
        keys.append(int(number) if number else name or quoted or doubly)
    return keys if len(keys) <= _DEPTH_MAX else []


def _value(entry: Json) -> Any:
    for name in _VALUES:
        if name in entry:
            value = entry[name]
            # Google's numbers are doubles: a whole one was meant as such.
            return int(value) if isinstance(value, float) and value.is_integer() else value
    return "" if "nullValue" not in entry and entry.get("willContinue") is True else None


def _get(value: Any, keys: list[Key]) -> Any:
    for key in keys:
        if isinstance(key, int):
            items = as_list(value) or []
            value = items[key] if key < len(items) else None
        else:
            value = (as_object(value) or {}).get(key)
    return value


def _put(target: Json, keys: list[Key], value: Any) -> None:
    """Set `value` at a path, making what is missing on the way; a path that contradicts itself is let be."""
    if not keys:
        return
    place: Any = target
    for key, below in pairwise(keys):
        place = _below(place, key, below)
    _set(place, keys[-1], value)


def _below(place: Any, key: Key, below: Key) -> Any:
    """Return what stands at `key`, made new where it could not hold `below`."""
    known = _get(place, [key])
    if (as_list(known) if isinstance(below, int) else as_object(known)) is None:
        _set(place, key, [] if isinstance(below, int) else {})
        known = _get(place, [key])
    return known


def _set(place: Any, key: Key, value: Any) -> None:
    items, members = as_list(place), as_object(place)
    if items is not None and isinstance(key, int) and key <= _LENGTH_MAX:
        items.extend([None] * (key + 1 - len(items)))
        items[key] = value
    elif members is not None:
        members[str(key)] = value


__all__ = ["PartialArguments"]
