"""The words of a legacy completion."""

from __future__ import annotations

from flowrouter.canonical.head import Texts
from flowrouter.canonical.words import Words, body_of


def skim_texts(body: bytes) -> Texts:
    """Return the words of a request; a body that cannot be read has none and says so."""
    shape = body_of(body)
    if shape is None:
        return Texts(unread=True)
    words = Words()
    words.embedded(shape.get("prompt"))
    words.user(shape.get("suffix"))
    return words.texts()


__all__ = ["skim_texts"]
