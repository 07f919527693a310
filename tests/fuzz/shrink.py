"""Makes a failing request small enough to read, as long as it still fails the same way."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

Step = str | int


def shrunk(body: Any, fails: Callable[[Any], bool], *, tries: int = 3000) -> Any:
    """Return a body without all that is not needed for `fails`, which must hold for `body`."""
    smaller = True
    while smaller and tries > 0:
        smaller = False
        for path in sorted(_paths(body), key=len):
            tries -= 1
            candidate = _without(body, path)
            if candidate is not None and fails(candidate):
                body, smaller = candidate, True
                break
            if tries <= 0:
                break
    return body


def _paths(value: Any, path: tuple[Step, ...] = ()) -> Iterator[tuple[Step, ...]]:
    match value:
        case dict():
            for name, inner in value.items():
                yield (*path, name)
                yield from _paths(inner, (*path, name))
        case list():
            for number in range(len(value) - 1, -1, -1):
                yield (*path, number)
                yield from _paths(value[number], (*path, number))
        case _:
            pass


def _without(body: Any, path: tuple[Step, ...]) -> Any:
    changed = copy.deepcopy(body)
    holder = changed
    for step in path[:-1]:
        try:
            holder = holder[step]
        except (KeyError, IndexError, TypeError):
            return None
    try:
        del holder[path[-1]]
    except (KeyError, IndexError, TypeError):
        return None
    return changed


__all__ = ["shrunk"]
