"""Where the client put each part of its request, in its own words.

A part is known by its identity; calls and results also by their ids, since settling a history renews
them. Rules: Chat keeps calls and reasoning beside the content, Responses sends each as an item of its
own, Gemini signs a part by a member of it, which the hub holds as a part before it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from flowrouter.canonical.dialect import Dialect
from flowrouter.canonical.field_names import field_name
from flowrouter.canonical.messages import Message
from flowrouter.canonical.parts import (
    ContentShape,
    Document,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
)
from flowrouter.canonical.request import Request

Placed = tuple[Part, str]
Place = tuple[int | str, str]


def places(request: Request) -> Iterator[Place]:
    """Yield (identity or `key_of`, path) of every part."""
    origin = request.origin
    stem = field_name(origin, "system")
    inner = f"{stem}.parts" if origin == "gemini" else stem
    for part, path in _content(request.system, inner, request.system_shape):
        yield from _with_inner(part, path, origin)
    listed = field_name(origin, "messages")
    for number, message in enumerate(request.messages):
        stem = message.place or f"{listed}[{number}]"
        for part, path in _WAYS[origin](message, stem):
            yield from _with_inner(part, path, origin)


def key_of(part: Part) -> str:
    """Return by what a call, a result or a call's signature is known when it has been renewed, else nothing."""
    match part:
        case ToolCall(id=call_id):
            return f"call {call_id}"
        case ToolResult(call_id=call_id):
            return f"result {call_id}"
        case Reasoning(call_id=str(call_id)):
            return f"signature {call_id}"
        case _:
            return ""


def content_place(origin: Dialect) -> str:
    """Return the path of any content part of any message."""
    return f"{field_name(origin, 'messages')}[*].{'parts' if origin == 'gemini' else 'content'}[*]"


def _with_inner(part: Part, path: str, origin: Dialect) -> Iterator[Place]:
    yield id(part), path
    if key := key_of(part):
        yield key, path
    match part:
        case ToolResult():
            # Gemini keeps the words of a result in an object, and only media in the list.
            listed, shape = part.content, part.shape
            if origin == "gemini":
                listed, shape = tuple(item for item in listed if not isinstance(item, Text)), "list"
            stem = f"{path}.{_RESULTS.get(origin, 'content')}"
            for item, place in _content(listed, stem, shape):
                yield from _with_inner(item, place, origin)
        case Document(source=source) if source.parts:
            for number, item in enumerate(source.parts):
                yield id(item), f"{path}.source.content[{number}]"
        case _:
            pass


_RESULTS: dict[Dialect, str] = {
    "openai_chat": "content",
    "openai_responses": "output",
    "anthropic": "content",
    "gemini": "functionResponse.parts",
}


def _content(parts: Iterable[Part], stem: str, shape: ContentShape) -> Iterator[Placed]:
    for number, part in enumerate(parts):
        yield part, stem if shape == "string" else f"{stem}[{number}]"


def _chat(message: Message, stem: str) -> Iterator[Placed]:
    content = calls = 0
    for part in message.parts:
        match part:
            case ToolCall(kind="legacy"):
                yield part, f"{stem}.function_call"
            case ToolCall():
                yield part, f"{stem}.tool_calls[{calls}]"
                calls += 1
            case ToolResult():
                yield part, stem
            case Reasoning(sealed=sealed, text=text, field=field):
                yield part, f"{stem}.{'reasoning_signatures' if sealed and not text else _thought(field)}"
            case Refusal(field=None):
                yield part, f"{stem}.refusal"
            case _:
                yield part, f"{stem}.content" if message.shape == "string" else f"{stem}.content[{content}]"
                content += 1


def _thought(field: str | None) -> str:
    return field or "reasoning_content"


def _anthropic(message: Message, stem: str) -> Iterator[Placed]:
    return _content(message.parts, f"{stem}.content", message.shape)


def _responses(message: Message, stem: str) -> Iterator[Placed]:
    content = 0
    for part in message.parts:
        alone = isinstance(part, ToolCall | ToolResult | Reasoning)
        if alone or stem == "input" or (isinstance(part, Opaque) and message.shape == "absent"):
            yield part, stem
        else:
            yield part, f"{stem}.content" if message.shape == "string" else f"{stem}.content[{content}]"
            content += 1


def _gemini(message: Message, stem: str) -> Iterator[Placed]:
    number = 0
    for part in message.parts:
        yield part, f"{stem}.parts[{number}]"
        number += not (isinstance(part, Reasoning) and not part.text and part.field != "part")


def _prompt(message: Message, stem: str) -> Iterator[Placed]:
    """Completions have one prompt and no content."""
    return _content(message.parts, stem, message.shape)


_WAYS: dict[Dialect, Callable[[Message, str], Iterator[Placed]]] = {
    "openai_chat": _chat,
    "openai_responses": _responses,
    "openai_completions": _prompt,
    "anthropic": _anthropic,
    "gemini": _gemini,
}

__all__ = ["content_place", "places"]
