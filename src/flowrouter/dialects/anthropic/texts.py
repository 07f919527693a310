"""The words of a Messages body, by who wrote them."""

from __future__ import annotations

from typing import Any

from flowrouter.canonical.head import Texts
from flowrouter.canonical.words import Words, body_of
from flowrouter.wire.members import Json, as_list, as_object

_HANDLED = frozenset({"system", "tools", "messages"})


def skim_texts(body: bytes) -> Texts:
    """Return the words of a request; a body that cannot be read has none and says so."""
    shape = body_of(body)
    if shape is None:
        return Texts(unread=True)
    words = Words()
    try:
        words.beside(shape, _HANDLED)
        words.system(shape.get("system"))
        words.offered(shape.get("tools"))
        for message in as_list(shape.get("messages")) or ():
            _message(words, as_object(message) or {})
    except RecursionError:
        words.unread()
    return words.texts()


def _message(words: Words, message: Json) -> None:
    role, content = message.get("role"), message.get("content")
    if role == "system":
        words.turn("system", content)
        return
    own: list[Any] = []
    tools: list[Any] = []
    for block in as_list(content) or [content]:
        kind = (as_object(block) or {}).get("type")
        # `tool_use`, `server_tool_use`, `tool_result`, `web_search_tool_result`, `mcp_tool_use`, …
        (tools if isinstance(kind, str) and "tool_" in kind else own).append(block)
    if tools:
        words.tool(tools)
    if own:
        words.turn("assistant" if role == "assistant" else "user", own)


__all__ = ["skim_texts"]
