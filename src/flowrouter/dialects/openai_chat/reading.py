"""Takes JSON objects apart without losing what is not understood.

Each `take_*` removes one member from the object in hand if it has the expected type. What is left
at the end is `extra`: unknown members, explicit nulls and values of unexpected types alike. `merge`
puts it back. So an object always leaves for its own dialect as it came.
"""

from __future__ import annotations

from typing import Any, TypeGuard, cast

from flowrouter.canonical.cache import CacheHint

Json = dict[str, Any]


def as_object(value: Any) -> Json | None:
    """Return `value` if it is a JSON object."""
    return cast("Json", value) if isinstance(value, dict) else None


def as_list(value: Any) -> list[Any] | None:
    """Return `value` if it is a JSON array."""
    return cast("list[Any]", value) if isinstance(value, list) else None


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
    value = as_object(rest.get(name))
    if value is None:
        return None
    del rest[name]
    return dict(value)


def take_list(rest: Json, name: str) -> list[Any] | None:
    """Take an array member out of `rest`."""
    value = as_list(rest.get(name))
    if value is None:
        return None
    del rest[name]
    return value


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


BREAKPOINT = "prompt_cache_breakpoint"
MARK = "cache_control"


def take_cache(rest: Json) -> CacheHint | None:
    """Take the cache mark out of `rest`: OpenAI's breakpoint, or the mark OpenRouter borrowed.

    A mark with members of unexpected types stays in `rest`, whole.
    """
    for field in (BREAKPOINT, MARK):
        mark = as_object(rest.get(field))
        if mark is None or not _is_plain_mark(field, mark):
            continue
        del rest[field]
        extra = {name: value for name, value in mark.items() if name not in {"ttl", "type"}}
        return CacheHint(ttl=mark.get("ttl"), field=field, extra=extra)
    return None


def _is_plain_mark(field: str, mark: Json) -> bool:
    if not isinstance(mark.get("ttl", ""), str):
        return False
    return "type" not in mark if field == BREAKPOINT else mark.get("type") == "ephemeral"


def put_cache(target: Json, hint: CacheHint | None, *, field: str | None = None) -> Json:
    """Write `hint` into `target`, in the member it came in or in `field`."""
    if hint is None:
        return target
    name = field or hint.field or MARK
    mark: Json = {"type": "ephemeral"} if name == MARK else {}
    if field is not None and name == BREAKPOINT:
        mark["mode"] = "explicit"
    if hint.ttl is not None:
        mark["ttl"] = hint.ttl
    target[name] = {**mark, **hint.extra} if field is None else mark
    return target


__all__ = [
    "BREAKPOINT",
    "MARK",
    "Json",
    "as_list",
    "as_object",
    "is_integer",
    "merge",
    "nested",
    "put_cache",
    "take_cache",
    "take_flag",
    "take_list",
    "take_object",
    "take_text",
]
