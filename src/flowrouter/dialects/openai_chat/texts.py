"""The words of a Chat body, or of one that asks for embeddings, by who wrote them."""

from __future__ import annotations

from flowrouter.canonical.head import Texts
from flowrouter.canonical.words import Words, body_of
from flowrouter.wire.members import Json, as_list, as_object

_HANDLED = frozenset({"messages", "tools", "functions", "input", "prediction"})

_CALLS = ("tool_calls", "function_call")


def skim_texts(body: bytes) -> Texts:
    """Return the words of a request; a body that cannot be read has none and says so."""
    shape = body_of(body)
    if shape is None:
        return Texts(unread=True)
    words = Words()
    try:
        words.beside(shape, _HANDLED)
        words.offered(shape.get("tools"))
        words.offered(shape.get("functions"))
        words.embedded(shape.get("input"))
        words.offered(as_object(shape.get("prediction")))
        for message in as_list(shape.get("messages")) or ():
            _message(words, as_object(message) or {})
    except RecursionError:
        words.unread()
    return words.texts()


def _message(words: Words, message: Json) -> None:
    role, content = message.get("role"), message.get("content")
    # Who speaks may be named, which is no word of the turn itself.
    words.system(message.get("name"))
    match role:
        case "system" | "developer":
            words.turn("system", content)
        case "assistant":
            words.assistant([content, message.get("refusal"), message.get("reasoning_content")])
            for name in _CALLS:
                if message.get(name):
                    words.tool(message[name])
        case "tool" | "function":
            words.tool(content)
        case _:
            words.user(content)


__all__ = ["skim_texts"]
