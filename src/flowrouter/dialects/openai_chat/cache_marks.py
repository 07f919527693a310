"""Prompt-cache marks as Chat's hosts write them: OpenAI's breakpoint, and the mark OpenRouter borrowed."""

from __future__ import annotations

from flowrouter.canonical.cache import CacheHint
from flowrouter.wire.members import Json, as_object

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


__all__ = ["BREAKPOINT", "MARK", "put_cache", "take_cache"]
