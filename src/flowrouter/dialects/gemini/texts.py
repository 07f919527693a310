"""The words of a Gemini body of any operation, by who wrote them; either spelling of a name counts."""

from __future__ import annotations

from typing import Any

from flowrouter.canonical.head import Texts
from flowrouter.canonical.words import Words, body_of
from flowrouter.wire.members import Json, as_list, as_object

_HANDLED = frozenset(
    {
        "systemInstruction",
        "system_instruction",
        "tools",
        "contents",
        "content",
        "generateContentRequest",
        "generate_content_request",
        "requests",
        "safetySettings",
        "safety_settings",
    }
)

_TOOLED = frozenset({
    "functionCall", "function_call", "functionResponse", "function_response", "executableCode",
    "executable_code", "codeExecutionResult", "code_execution_result", "toolCall", "tool_call", "toolResponse",
    "tool_response",
})  # fmt: skip
"""Parts of tools."""


def skim_texts(body: bytes) -> Texts:
    """Return the words of a request; a body that cannot be read has none and says so."""
    shape = body_of(body)
    if shape is None:
        return Texts(unread=True)
    words = Words()
    try:
        _request(words, shape)
        # countTokens may hold a whole request, batchEmbedContents holds many.
        for name in ("generateContentRequest", "generate_content_request"):
            _request(words, as_object(shape.get(name)) or {})
        for inner in as_list(shape.get("requests")) or ():
            _request(words, as_object(inner) or {})
    except RecursionError:
        words.unread()
    return words.texts()


def _request(words: Words, shape: Json) -> None:
    for name in ("systemInstruction", "system_instruction"):
        words.system(shape.get(name))
    words.system(shape.get("title"))
    words.offered(shape.get("tools"))
    words.beside(shape, _HANDLED)
    for name in ("contents", "content"):
        for turn in _several(shape.get(name)):
            _turn(words, turn)


def _turn(words: Words, value: Any) -> None:
    turn = as_object(value)
    if turn is None:
        words.user(value)
        return
    role = turn.get("role")
    parts = _several(turn.get("parts"))
    tools = [part for part in parts if not _TOOLED.isdisjoint(as_object(part) or {})]
    own = [part for part in parts if part not in tools] if tools else parts
    if tools or role in ("function", "tool"):
        words.tool(tools or own)
    if own and role not in ("function", "tool"):
        words.turn("assistant" if role == "model" else "user", own)


def _several(value: Any) -> list[Any]:
    """Return the items of a list, of which one may stand alone."""
    items = as_list(value)
    return items if items is not None else [] if value is None else [value]


__all__ = ["skim_texts"]
