"""Bodies and items of the Responses dialect as they are kept and listed, looked into no more than need be."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from flowrouter.wire.json import dumps, loads
from flowrouter.wire.members import Json

T = TypeVar("T")

_items = msgspec.json.Decoder(list[msgspec.Raw])


def peek(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    """Return what `decoder` reads of `body`, lone surrogates replaced where there are some.

    Raises `JsonError` for what is no JSON, `msgspec.DecodeError` for another shape.
    """
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, UnicodeError):
        return decoder.decode(dumps(loads(body)))


def as_items(raw: bytes) -> list[bytes]:
    """Return the items of an `input`, given as its JSON text; a string is one user message."""
    match raw.lstrip()[:1]:
        case b"[":
            return [bytes(item) for item in _items.decode(raw)]
        case b"" | b"n":
            return []
        case _:
            return [b'{"type":"message","role":"user","content":%b}' % raw]


def listed(item: Json, *, label: str) -> Json:
    """Return an item in the long form of the vendor's answers, called `label` where it has no id."""
    if item.get("type") in (None, "message") and "role" in item:
        item = {"status": "completed", **item, "type": "message"}
        if isinstance(item.get("content"), str):
            kind = "output_text" if item["role"] == "assistant" else "input_text"
            item["content"] = [{"type": kind, "text": item["content"]}]
    return {"id": label, **item}


__all__ = ["as_items", "listed", "peek"]
