"""The items of a Responses request as the vendor lists them, without looking inside more than it must."""

from __future__ import annotations

from typing import Any

import msgspec

_items = msgspec.json.Decoder(list[msgspec.Raw])


def as_items(raw: bytes) -> list[bytes]:
    """Return the items of an `input`, given as its JSON text; a string is one user message."""
    if raw.lstrip()[:1] == b"[":
        return [bytes(item) for item in _items.decode(raw)]
    return [b'{"type":"message","role":"user","content":%b}' % raw]


def listed(raw: bytes, *, label: str) -> dict[str, Any]:
    """Return an item in the long form of the vendor's answers, called `label` where it has no id."""
    item: dict[str, Any] = msgspec.json.decode(raw)
    if item.get("type", "message") == "message":
        item = {"type": "message", "status": "completed", **item}
        if isinstance(item.get("content"), str):
            kind = "output_text" if item.get("role") == "assistant" else "input_text"
            item["content"] = [{"type": kind, "text": item["content"]}]
    return {"id": label, **item}


__all__ = ["as_items", "listed"]
