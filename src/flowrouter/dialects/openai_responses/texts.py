"""The words of a Responses body, by who wrote them."""

from __future__ import annotations

from typing import Any

from flowrouter.canonical.head import Texts
from flowrouter.canonical.words import Words, body_of
from flowrouter.wire.members import Json, as_list, as_object

_HANDLED = frozenset({"instructions", "tools", "input", "include"})

_KEPT = frozenset({"item_reference", "compaction", "compaction_summary"})
"""Items whose words stand elsewhere: kept under an id, or sealed."""


def skim_texts(body: bytes) -> Texts:
    """Return the words of a request; a body that cannot be read has none and says so.

    Sealed items and those that are only named have no words here: the gateway opens its own first.
    """
    shape = body_of(body)
    if shape is None:
        return Texts(unread=True)
    words = Words()
    try:
        words.beside(shape, _HANDLED)
        words.system(shape.get("instructions"))
        words.offered(shape.get("tools"))
        items = as_list(shape.get("input"))
        for item in [shape.get("input")] if items is None else items:
            _item(words, item)
    except RecursionError:
        words.unread()
    return words.texts()


def _item(words: Words, value: Any) -> None:
    item = as_object(value)
    if item is None:
        words.user(value)
        return
    kind = item.get("type")
    if kind in (None, "message"):
        _message(words, item)
    elif kind == "additional_tools":
        words.offered(item)
    elif kind == "reasoning":
        words.assistant([item.get("summary"), item.get("content")])
    elif kind not in _KEPT:
        words.tool(item)


def _message(words: Words, item: Json) -> None:
    role, content = item.get("role"), item.get("content")
    if role in ("system", "developer"):
        words.turn("system", content)
    else:
        words.turn("assistant" if role == "assistant" else "user", content)


__all__ = ["skim_texts"]
