"""Reading what callers send: bodies and queries into Structs, mistakes told with the field and a fix."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Any, TypeVar

import msgspec
from msgspec import inspect

from flowrouter.api.admin.envelope import refusal
from flowrouter.errors import CallerError

T = TypeVar("T")

NO_CONTROLS = "^[^\\x00-\\x1f\\x7f-\\x9f]*$"
"""The pattern of names: what a terminal or a log would take for an order is in none."""

_AT = re.compile(r" - at `(?:key` in `)?([^`]*)`$")
_STEP = re.compile(r"\[(\d+|\.\.\.)\]|\.?([^.\[\]]+)")
_UNKNOWN = re.compile(r"unknown field `([^`]*)`")
_MISSING = re.compile(r"missing required field `([^`]*)`")
_BAD_VALUE = re.compile(r"Invalid enum value '([^']*)'")
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_DIGITS_MAX = 30
_LOST_PLUS = re.compile(r"(?<=\d) (?=\d{2}:?\d{2}$)")


def read_body(raw: bytes, kind: type[T], *, whole: bool = False) -> T:
    """Return a JSON body as a `kind`, an empty one as `{}`; raises `CallerError`.

    Text with a NUL in it, which not every store can keep, is refused unless `whole`.
    """
    if not whole and _NUL.search(raw):
        raise refusal("the body has text with a NUL character in it", fix="leave `\\u0000` out")
    try:
        return msgspec.json.decode(raw.strip() or b"{}", type=kind)
    except msgspec.ValidationError as error:
        raise explained(error, kind) from None
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise refusal(f"the body is not JSON: {error}", code="invalid_json") from None


def read_query(pairs: Sequence[tuple[str, str]], kind: type[T]) -> T:
    """Return query parameters as a `kind`; raises `CallerError`."""
    names = [name for name, _ in pairs]
    for name in names:
        if names.count(name) > 1:
            raise refusal(f"`{name[:100]}` is given twice", param=name[:100])
    for name, value in pairs:
        if "\0" in name or "\0" in value:
            raise refusal("the query has a NUL character in it", param=name.replace("\0", "")[:100])
    return shaped(dict(pairs), kind, strict=False)


def shaped(value: Any, kind: type[T], *, strict: bool = True) -> T:
    """Return a decoded `value` as a `kind`; raises `CallerError`."""
    try:
        return msgspec.convert(value, kind, strict=strict)
    except msgspec.ValidationError as error:
        raise explained(error, kind) from None


def explained(error: msgspec.ValidationError, kind: Any) -> CallerError:
    """Return `error` as a refusal that names the field, and the closest name or value there is."""
    problem = str(error)
    at = _AT.search(problem)
    path = _steps(at[1]) if at else ()
    message = problem[: at.start()] if at else problem
    if unknown := _UNKNOWN.search(problem):
        path = (*path, unknown[1])
        known = [field.encode_name for field in getattr(_type_at(kind, path[:-1]), "fields", ())]
        return _refused(path, "is no field here", code="unknown_field", fix=closest(unknown[1], known))
    if missing := _MISSING.search(problem):
        return _refused((*path, missing[1]), "is missing", code="missing_field")
    if bad := _BAD_VALUE.search(problem):
        values = [str(value) for value in getattr(_type_at(kind, path), "values", ())]
        return _refused(path, f"cannot be {bad[1]!r}", fix=closest(bad[1], values))
    return _refused(path, f"{message[:1].lower()}{message[1:]}")


def closest(word: str, known: Sequence[str]) -> str:
    """Return "did you mean …?" for the best match, else all that is known."""
    close = get_close_matches(word, known, n=1)
    if close:
        return f"did you mean `{close[0]}`?"
    return f"known: {', '.join(known)}" if known else ""


def moment_ms(text: str | None, param: str) -> int | None:
    """Return RFC 3339 text (or digits: milliseconds since the epoch) as milliseconds; raises `CallerError`."""
    if text is None:
        return None
    if text.isascii() and text.isdecimal() and 4 < len(text) <= _DIGITS_MAX:
        return min(int(text), 2**62)
    try:
        # A `+` that was not escaped in the query has become a blank.
        moment = datetime.fromisoformat(_LOST_PLUS.sub("+", text))
    except ValueError:
        raise refusal(
            f"`{param}` is no moment in time",
            param=param,
            fix="write 2026-01-31, 2026-01-31T08:00:00Z or milliseconds since the epoch",
        ) from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return int(moment.timestamp() * 1000)


def _refused(
    path: tuple[str | int, ...], what: str, *, code: str = "invalid_request", fix: str = ""
) -> CallerError:
    if not path:
        return refusal(f"the body: {what}", code=code, fix=fix)
    name = _dotted(path)
    return refusal(
        f"`{name}` {what}" if not what.startswith("expected") else f"`{name}`: {what}",
        code=code,
        param=name,
        fix=fix,
    )


def _steps(at: str) -> tuple[str | int, ...]:
    found = [(index, name) for index, name in _STEP.findall(at.removeprefix("$")) if index != "..."]
    return tuple(int(index) if index else name for index, name in found)


def _dotted(path: tuple[str | int, ...]) -> str:
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".")


def _type_at(kind: Any, path: tuple[str | int, ...]) -> Any:
    node: Any = _plain(inspect.type_info(kind))
    for step in path:
        if isinstance(node, inspect.StructType):
            node = next((field.type for field in node.fields if field.encode_name == step), None)
        else:
            node = getattr(node, "item_type", None) or getattr(node, "value_type", None)
        node = _plain(node)
    return node


def _plain(node: Any) -> Any:
    """Return the one meaningful member of an optional type."""
    if isinstance(node, inspect.UnionType):
        return next((member for member in node.types if not isinstance(member, inspect.NoneType)), None)
    return node


__all__ = ["NO_CONTROLS", "closest", "explained", "moment_ms", "read_body", "read_query", "shaped"]
