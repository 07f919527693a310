"""Reads members of a wire object by name and type; what nobody asked for is the object's `extra`.

A member that is null counts as absent for the hub, yet stays in the rest, so that its own dialect
gets it back.
"""

from __future__ import annotations

from typing import Any

from flowrouter.canonical.cache import CacheHint
from flowrouter.canonical.parts import Extra
from flowrouter.errors import FlowRouterError
from flowrouter.wire.members import Json


class ShapeError(FlowRouterError, ValueError):
    """A member has not the type this dialect gives it; `path` names it."""

    def __init__(self, path: str, expected: str) -> None:
        super().__init__(f"{path}: {expected}")
        self.path = path
        self._expected = expected

    def within(self, place: str) -> ShapeError:
        """Return the error of a reader that did not know where its object stands: at `place`."""
        between = "." if self.path and not self.path.startswith("[") else ""
        return ShapeError(f"{place}{between}{self.path}", self._expected)


def no_text(path: str, value: object) -> ShapeError:
    """Return the error of `value`, which should be a string that must be there."""
    return ShapeError(path, "field required" if value is None else "expected a string")


def text_in(whole: Json, name: str) -> str | None:
    """Return a string member of an object that stands for itself, None where it is null or absent."""
    value = whole.get(name)
    if value is None or isinstance(value, str):
        return value
    raise ShapeError(name, "expected a string")


_NUMBERS = frozenset({int, float})


class Node:
    """One wire object at `path`; each reader takes its member away.

    Of the many objects in a list the path is left empty, and told by `ShapeError.within` where one is wrong.
    """

    __slots__ = ("_left", "path")

    def __init__(self, value: object, path: str = "") -> None:
        if not isinstance(value, dict):
            raise ShapeError(path, "expected an object")
        self._left: dict[str, Any] = dict(value)  # pyright: ignore[reportUnknownArgumentType]
        self.path = path

    def at(self, name: str) -> str:
        """Return the path of a member."""
        return f"{self.path}.{name}" if self.path else name

    def peek(self, name: str) -> Any:
        """Return a member and leave it."""
        return self._left.get(name)

    def pop(self, name: str) -> Any:
        """Return a member of any type, None if absent, and take it away."""
        return self._left.pop(name, None)

    def put_back(self, name: str, value: object) -> None:
        """Leave `value` in the rest after all."""
        self._left[name] = value

    def has(self, name: str) -> bool:
        """Return whether the member is there, null included."""
        return name in self._left

    def text(self, name: str) -> str | None:
        """Return a string member."""
        value = self._left.get(name)
        if value is None:
            return None
        if not isinstance(value, str):
            raise ShapeError(self.at(name), "expected a string")
        del self._left[name]
        return value

    def needed_text(self, name: str) -> str:
        """Return a string member that must be there."""
        value = self._left.pop(name, None)
        if not isinstance(value, str):
            raise no_text(self.at(name), value)
        return value

    def flag(self, name: str) -> bool | None:
        """Return a boolean member."""
        return self._take(name, bool, "expected true or false")

    def integer(self, name: str) -> int | None:
        """Return a whole number."""
        if type(self._left.get(name)) is int:
            return self._left.pop(name)
        value = self.number(name)
        if isinstance(value, float):
            if not value.is_integer():
                raise ShapeError(self.at(name), "expected a whole number")
            return int(value)
        return value

    def number(self, name: str) -> float | int | None:
        """Return a number."""
        value = self._left.get(name)
        if type(value) in _NUMBERS:
            return self._left.pop(name)
        if value is None:
            return None
        raise ShapeError(self.at(name), "expected a number")

    def items(self, name: str) -> list[Any] | None:
        """Return a list member."""
        return self._take(name, list, "expected a list")

    def mapping(self, name: str) -> dict[str, Any] | None:
        """Return an object member."""
        return self._take(name, dict, "expected an object")

    def texts(self, name: str) -> tuple[str, ...] | None:
        """Return a member that is a list of strings."""
        values = self.items(name)
        if values is None:
            return None
        for number, value in enumerate(values):
            if not isinstance(value, str):
                raise ShapeError(f"{self.at(name)}[{number}]", "expected a string")
        return tuple(values)

    def cache(self) -> CacheHint | None:
        """Return the cache mark, if there is one."""
        if "cache_control" not in self._left or (value := self.mapping("cache_control")) is None:
            return None
        mark = Node(value, self.at("cache_control"))
        if mark.peek("type") == "ephemeral":
            mark.pop("type")
        return CacheHint(ttl=mark.text("ttl"), extra=mark.rest())

    def rest(self) -> Extra:
        """Return what nobody took."""
        return self._left

    def _take(self, name: str, kind: type[Any], expected: str) -> Any:
        value = self._left.get(name)
        if value is None:
            return None
        if not isinstance(value, kind):
            raise ShapeError(self.at(name), expected)
        del self._left[name]
        return value


__all__ = ["Node", "ShapeError", "no_text", "text_in"]
