"""Rows by columns: what is the same in all of them is told by a look at each column, and not by one at each row."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any


def varies(column: Sequence[Any]) -> bool:
    """Return whether not all values are the same; there must be one at least."""
    first = column[0]
    return first != column[-1] or column.count(first) < len(column)


def grouped(keys: Sequence[Sequence[Any]]) -> Mapping[tuple[Any, ...], Sequence[int]]:
    """Return the places of the rows under each key, given by its columns; there must be one row at least."""
    if not any(map(varies, keys)):
        return {tuple([column[0] for column in keys]): range(len(keys[0]))}
    places: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    for at, key in enumerate(zip(*keys, strict=True)):
        places[key].append(at)
    return places


def taken(column: Sequence[Any], places: Sequence[int]) -> Sequence[Any]:
    """Return what is at `places`, which are in order."""
    return column if len(places) == len(column) else [column[at] for at in places]


__all__ = ["grouped", "taken", "varies"]
