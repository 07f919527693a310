"""The one JSON codec: msgspec for speed, a lenient second reading for what real hosts send.

Strict first. Only when the strict reading fails is the text read again with invalid UTF-8 and
lone surrogates replaced (tool output holds both in practice; they must never crash a request).
"""

from __future__ import annotations

import json as _stdlib
from collections.abc import Iterator
from contextlib import suppress
from contextvars import ContextVar
from typing import Any, NoReturn, TypeVar, cast

import msgspec

from flowrouter.errors import FlowRouterError

T = TypeVar("T")

in_pieces: ContextVar[bool] = ContextVar("in_pieces", default=False)
"""Set where other threads wait for this one: a large text is read and written piece by piece, not in one call."""

_UNREADABLE = (msgspec.DecodeError, RecursionError, UnicodeError)
_PIECE = 256 * 1024
_START = 256

_decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder()
_encoder = msgspec.json.Encoder()
_members: msgspec.json.Decoder[dict[str, msgspec.Raw]] = msgspec.json.Decoder(dict[str, msgspec.Raw])
_items: msgspec.json.Decoder[list[msgspec.Raw]] = msgspec.json.Decoder(list[msgspec.Raw])

Raw = msgspec.Raw


class JsonError(FlowRouterError, ValueError):
    """The text is not JSON; the message says where, never what (it may hold secrets)."""


def loads(text: bytes | str) -> Any:
    """Return the value of `text`; raises `JsonError`."""
    try:
        if len(text) > _PIECE and in_pieces.get():
            with suppress(*_UNREADABLE):  # what is wrong is told in terms of the whole
                return _piecewise(msgspec.Raw(text))
        return _decoder.decode(text)
    except _UNREADABLE as error:
        return _loads_leniently(text, error)


def dumps(value: Any) -> bytes:
    """Return `value` as compact UTF-8 JSON in the order its members stand; raises `JsonError` if too deep."""
    try:
        if in_pieces.get():
            return b"".join(_pieces(value))
        return _encoder.encode(value)
    except UnicodeEncodeError:
        return _encoder.encode(_scrub(value))
    except RecursionError:
        raise JsonError("nested too deeply") from None


def dumps_text(value: Any) -> str:
    """Return `value` as compact JSON text."""
    return dumps(value).decode()


def repeats(text: bytes) -> bool:
    """Return whether a member of any object in `text` stands twice; also where nobody can tell."""
    plain = text.decode("utf-8", "replace")
    surrogates = "\\ud" in plain or "\\uD" in plain
    found = False

    def look(pairs: list[tuple[str, Any]]) -> None:
        nonlocal found
        names = {_scrub(name) if surrogates else name for name, _ in pairs}
        found = found or len(names) < len(pairs)

    try:
        _stdlib.loads(plain, object_pairs_hook=look, parse_int=bool, parse_float=bool)
    except (ValueError, RecursionError):
        return True
    return found


def _piecewise(raw: msgspec.Raw) -> Any:
    """Return the value of `raw`, of which no stretch much longer than a piece is read in one go."""
    text = memoryview(raw)
    if len(text) > _PIECE:
        match bytes(text[:_START]).lstrip()[:1]:
            case b"{":
                return {name: _piecewise(part) for name, part in _members.decode(raw).items()}
            case b"[":
                return [_piecewise(part) for part in _items.decode(raw)]
            case _:
                pass
    return _decoder.decode(raw)


def _pieces(value: Any, *, depth: int = 3) -> Iterator[bytes]:
    """Yield `value` in stretches: objects and arrays are written member by member, as deep as messages stand."""
    if depth and isinstance(value, dict) and value:
        before = b"{"
        for name, member in cast("dict[str, Any]", value).items():
            yield before + _encoder.encode(name) + b":"
            yield from _pieces(member, depth=depth - 1)
            before = b","
        yield b"}"
    elif depth and isinstance(value, list) and value:
        before = b"["
        for item in cast("list[Any]", value):
            yield before
            yield from _pieces(item, depth=depth - 1)
            before = b","
        yield b"]"
    else:
        yield _encoder.encode(value)


def typed(kind: type[T]) -> msgspec.json.Decoder[T]:
    """Return a decoder for the wire shape `kind`; build it once, at import."""
    return msgspec.json.Decoder(kind, strict=True)


LEFT_OUT: Any = cast("Any", None)
"""The default of a member that need not be there. Where it may not be null, only what is not there gets it."""


def shaped(value: Any, shape: type[T]) -> T | None:
    """Return a value that was read as the wire shape `shape`, None where it has another; it is not read again."""
    try:
        return msgspec.convert(value, shape)
    except msgspec.ValidationError:
        return None


def _loads_leniently(text: bytes | str, reason: Exception) -> Any:
    if isinstance(reason, RecursionError):
        raise JsonError("nested too deeply") from None
    plain = text if isinstance(text, str) else text.decode("utf-8", "replace")
    if not isinstance(reason, UnicodeError) and "\\u" not in plain:
        raise JsonError(str(reason)) from None
    try:
        return _scrub(_stdlib.loads(plain, parse_constant=_refuse_constant))
    except (ValueError, RecursionError) as error:
        raise JsonError(str(reason)) from error


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _scrub(value: Any) -> Any:
    """Replace lone surrogates, which have no UTF-8 form, by U+FFFD."""
    match value:
        case str():
            return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        case list() | tuple():
            return [_scrub(item) for item in value]  # pyright: ignore[reportUnknownVariableType]
        case dict():
            return {_scrub(key): _scrub(item) for key, item in value.items()}  # pyright: ignore[reportUnknownVariableType]
        case _:
            return value


__all__ = [
    "LEFT_OUT", "JsonError", "Raw", "dumps", "dumps_text", "in_pieces", "loads", "repeats", "shaped", "typed",
]  # fmt: skip
