"""Reads members of a wire object by name and type; what nobody asked for is the object's `extra`.

Google's JSON takes each name in camelCase and in snake_case, mixed as one likes, and a single value
where a list belongs: so does a `Node`, for the names it is asked for and no others. A member that is
null counts as absent for the hub, yet stays in the rest, so that its own dialect gets it back.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, cast

from flowrouter.canonical.parts import Extra
from flowrouter.errors import FlowRouterError

_INTEGER_MAX = 2**63

_HUMP = re.compile(r"(?<=[a-z0-9])([A-Z])")


class ShapeError(FlowRouterError, ValueError):
    """A member has not the type this dialect gives it; `path` names it."""

    def __init__(self, path: str, expected: str) -> None:
        super().__init__(f"{path}: {expected}" if path else expected)
        self.path = path


@lru_cache(maxsize=512)
def snake(name: str) -> str:
    """Return a camelCase name in snake_case."""
    return _HUMP.sub(lambda found: f"_{found[1].lower()}", name)


class Node:
    """One wire object at `path`; each reader takes its member away."""

    __slots__ = ("_left", "path")

    def __init__(self, value: object, path: str) -> None:
        if not isinstance(value, dict):
            raise ShapeError(path or "the body", "expected an object")
        self._left: dict[str, Any] = dict(cast("dict[str, Any]", value))
        self.path = path

    def at(self, name: str) -> str:
        """Return the path of a member."""
        return f"{self.path}.{name}" if self.path else name

    def peek(self, name: str) -> Any:
        """Return a member and leave it."""
        return self._left.get(self._spelt(name))

    def pop(self, name: str) -> Any:
        """Return a member of any type, None if absent, and take it away."""
        return self._left.pop(self._spelt(name), None)

    def has(self, name: str) -> bool:
        """Return whether the member is there, null included."""
        return self._spelt(name) in self._left

    def text(self, name: str) -> str | None:
        """Return a string member."""
        return self._take(name, str, "expected a string")

    def needed_text(self, name: str) -> str:
        """Return a string member that must be there."""
        value = self.text(name)
        if value is None:
            raise ShapeError(self.at(name), "field required")
        return value

    def flag(self, name: str) -> bool | None:
        """Return a boolean member."""
        return self._take(name, bool, "expected true or false")

    def number(self, name: str) -> float | int | None:
        """Return a number."""
        value = self.peek(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ShapeError(self.at(name), "expected a number")
        self.pop(name)
        return value

    def integer(self, name: str) -> int | None:
        """Return a whole number of 64 bits, which Google also takes as `40.0`."""
        value = self.number(name)
        if value is None:
            return None
        if isinstance(value, float) and not value.is_integer():
            raise ShapeError(self.at(name), "expected a whole number")
        if not -_INTEGER_MAX <= value < _INTEGER_MAX:
            raise ShapeError(self.at(name), "the number is too large")
        return int(value)

    def mapping(self, name: str) -> dict[str, Any] | None:
        """Return an object member."""
        return self._take(name, dict, "expected an object")

    def items(self, name: str) -> list[Any] | None:
        """Return a list member; one object or string stands for a list of itself."""
        value = self.peek(name)
        if isinstance(value, dict | str):
            return [self.pop(name)]
        return self._take(name, list, "expected a list")

    def texts(self, name: str) -> tuple[str, ...] | None:
        """Return a member that is a list of strings."""
        values = self.items(name)
        if values is None:
            return None
        for number, value in enumerate(values):
            if not isinstance(value, str):
                raise ShapeError(f"{self.at(name)}[{number}]", "expected a string")
        return tuple(values)

    def rest(self, *known: str) -> Extra:
        """Return what nobody took, under its own spelling, the `known` names in camelCase."""
        for name in known:
            spelt = self._spelt(name)
            if spelt != name and spelt in self._left:
                self._left[name] = self._left.pop(spelt)
        return self._left

    def _spelt(self, name: str) -> str:
        if name in self._left:
            return name
        other = snake(name)
        return other if other in self._left else name

    def _take(self, name: str, kind: type[Any], expected: str) -> Any:
        spelt = self._spelt(name)
        value = self._left.get(spelt)
        if value is None:
            return None
        if not isinstance(value, kind):
            raise ShapeError(self.at(name), expected)
        del self._left[spelt]
        return value


__all__ = ["Node", "ShapeError", "snake"]
