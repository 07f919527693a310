"""Takes JSON objects apart without losing what is not understood.

Each `take_*` removes one member from the object in hand if it has the expected type. What is left
at the end is unknown: members nobody reads, explicit nulls and values of unexpected types alike.
`merge` puts it back, so an object always leaves for its own dialect as it came.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, TypeGuard, cast

Json = dict[str, Any]


def as_object(value: Any) -> Json | None:
    """Return `value` if it is a JSON object."""
    return value if isinstance(value, dict) else None  # pyright: ignore[reportUnknownVariableType]


def as_list(value: Any) -> list[Any] | None:
    """Return `value` if it is a JSON array."""
    return value if isinstance(value, list) else None  # pyright: ignore[reportUnknownVariableType]


def take_text(rest: Json, name: str) -> str | None:
    """Take a string member out of `rest`."""
    value = rest.get(name)
    if not isinstance(value, str):
        return None
    del rest[name]
    return value


def take_flag(rest: Json, name: str) -> bool | None:
    """Take a boolean member out of `rest`."""
    value = rest.get(name)
    if not isinstance(value, bool):
        return None
    del rest[name]
    return value


def take_object(rest: Json, name: str) -> Json | None:
    """Take an object member out of `rest`, as a copy that may be taken apart further."""
    value = rest.get(name)
    if not isinstance(value, dict):
        return None
    del rest[name]
    return dict(value)  # pyright: ignore[reportUnknownArgumentType]


def take_list(rest: Json, name: str) -> list[Any] | None:
    """Take an array member out of `rest`."""
    value = rest.get(name)
    if not isinstance(value, list):
        return None
    del rest[name]
    return value  # pyright: ignore[reportUnknownVariableType]


def left(whole: Json, taken: Collection[str]) -> Json:
    """Return the members of `whole` beside those that were `taken`."""
    return {name: value for name, value in whole.items() if name not in taken}


def nested(rest: Json, name: str, inner: Json) -> Json:
    """Return `rest` with what is left of the object `name` under its name, if anything is."""
    return {**rest, name: inner} if inner else rest


def merge(target: Json, extra: Json) -> Json:
    """Put `extra` back into `target`, nested objects member by member; `extra` wins."""
    for name, value in extra.items():
        known = target.get(name)
        if isinstance(known, dict) and isinstance(value, dict):
            merge(cast("Json", known), cast("Json", value))
        else:
            target[name] = value
    return target


def is_integer(value: Any) -> TypeGuard[int]:
    """Return whether `value` is a JSON integer (true and false are none)."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_nothing(value: Any) -> bool:
    """Return whether leaving `value` out loses nothing: null, empty, or an object of nothing else."""
    if (members := as_object(value)) is not None:
        return all(is_nothing(member) for member in members.values())
    return value in (None, "", [])


__all__ = [
    "Json",
    "as_list",
    "as_object",
    "is_integer",
    "is_nothing",
    "left",
    "merge",
    "nested",
    "take_flag",
    "take_list",
    "take_object",
    "take_text",
]
