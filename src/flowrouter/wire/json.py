"""The one JSON codec: msgspec for speed, a lenient second reading for what real hosts send.

Strict first. Only when the strict reading fails is the text read again with invalid UTF-8 and
lone surrogates replaced (tool output holds both in practice; they must never crash a request).
"""

from __future__ import annotations

import json as _stdlib
from typing import Any, NoReturn, TypeVar

import msgspec

from flowrouter.errors import FlowRouterError

T = TypeVar("T")

_decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder()
_encoder = msgspec.json.Encoder()

Raw = msgspec.Raw


class JsonError(FlowRouterError, ValueError):
    """The text is not JSON; the message says where, never what (it may hold secrets)."""


def loads(text: bytes | str) -> Any:
    """Return the value of `text`; raises `JsonError`."""
    try:
        return _decoder.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        return _loads_leniently(text, error)


def dumps(value: Any) -> bytes:
    """Return `value` as compact UTF-8 JSON in the order its members stand; raises `JsonError` if too deep."""
    try:
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


def typed(kind: type[T]) -> msgspec.json.Decoder[T]:
    """Return a decoder for the wire shape `kind`; build it once, at import."""
    return msgspec.json.Decoder(kind, strict=True)


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


__all__ = ["JsonError", "Raw", "dumps", "dumps_text", "loads", "repeats", "typed"]
