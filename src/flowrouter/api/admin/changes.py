"""What a change changed, fit to be kept: only what differs, without secrets, within a bound. No I/O."""

from __future__ import annotations

import re
from typing import Any, cast

import msgspec

from flowrouter import logs

LARGEST = 32 * 1024
"""Bytes of `before` or `after` as JSON."""

HIDDEN = "***"

_SECRET = re.compile(
    r"(?:^|_|-)(?:api_?key|password|passphrase|secret|token|authorization|cookie|private_key|verifier)(?:_hash)?$",
    re.IGNORECASE,
)
_SECRET_TABLES = frozenset({"headers"})


def plain(value: Any) -> Any:
    """Return `value` as JSON would hold it, every secret hidden."""
    if isinstance(value, msgspec.Raw):
        value = msgspec.json.decode(bytes(value)) if bytes(value) else None
    return _masked(msgspec.to_builtins(value, str_keys=True, enc_hook=_hidden), hide=False)


def differences(before: Any, after: Any) -> tuple[Any, Any]:
    """Return the two without the members in which they are equal."""
    if not (isinstance(before, dict) and isinstance(after, dict)):
        return before, after
    old, new = cast("dict[str, Any]", before), cast("dict[str, Any]", after)
    left: dict[str, Any] = {}
    right: dict[str, Any] = {}
    for name in {**old, **new}:
        if name in old and name in new and old[name] == new[name]:
            continue
        was, now = differences(old.get(name), new.get(name))
        if name in old:
            left[name] = was
        if name in new:
            right[name] = now
    return left, right


def bounded(value: Any) -> Any:
    """Return `value`, or how large it was."""
    size = 0 if value is None else len(msgspec.json.encode(value))
    return {"too_large_bytes": size} if size > LARGEST else value


def _hidden(_value: Any) -> str:
    """Stand in for a value that is no data: secrets are kept in classes of their own."""
    return HIDDEN


def _masked(value: Any, *, hide: bool) -> Any:
    """Return `value` with text hidden below names that stand for secrets (`hide`: we are below one)."""
    match value:
        case str():
            return HIDDEN if hide and value else logs.redact(value)
        case dict():
            found = cast("dict[str, Any]", value)
            return {name: _masked(each, hide=hide or _is_secret(name)) for name, each in found.items()}
        case list() | tuple():
            return [_masked(each, hide=hide) for each in cast("list[Any]", value)]
        case _:
            return value


def _is_secret(name: str) -> bool:
    return name in _SECRET_TABLES or _SECRET.search(name) is not None


__all__ = ["HIDDEN", "LARGEST", "bounded", "differences", "plain"]
