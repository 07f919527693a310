"""Where the client put each part of its request, in its own words.

A part is known by its identity; calls and results also by their ids, since settling a history renews
them. Rules: Chat keeps calls and reasoning beside the content, Responses sends each as an item of its
own, Gemini signs a part by a member of it, which the hub holds as a part before it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate
from operator import attrgetter

from flowrouter.canonical.dialect import Dialect
from flowrouter.canonical.field_names import field_name
from flowrouter.canonical.messages import Message, parts_of
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


def places(request: Request) -> dict[int | str, str]:
    """Return identity or `key_of` → path of every part."""
    origin, way = request.origin, _WAYS[request.origin]
    paths: dict[int | str, str] = {}
    for part, path in _system(request):
        _note(paths, part, path, origin=origin)
    listed = field_name(origin, "messages")
    for number, message in enumerate(request.messages):
        for part, path in way(message, message.place or f"{listed}[{number}]"):
            if type(part) is Text:
                paths[id(part)] = path
            else:
                _note(paths, part, path, origin=origin)
    return paths


def place_of(part: Part, request: Request) -> str | None:
    """Return the path of a part that is not inside another one, else None; cheaper than `places` for a few."""
    origin, wanted = request.origin, id(part)
    if wanted in map(id, request.system):
        return next(path for held, path in _system(request) if held is part)
    messages = request.messages
    try:
        at = list(map(id, parts_of(messages))).index(wanted)
    except ValueError:
        return None
    number = bisect_right(list(accumulate(map(len, map(_parts_of, messages)))), at)
    stem = messages[number].place or f"{field_name(origin, 'messages')}[{number}]"
    return next(path for held, path in _WAYS[origin](messages[number], stem) if held is part)


_parts_of = attrgetter("parts")


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


def _note(paths: dict[int | str, str], part: Part, path: str, *, origin: Dialect) -> None:
    """Note where a part stands, and those inside it."""
    paths[id(part)] = path
    if key := key_of(part):
        paths[key] = path
    match part:
        case ToolResult():
            # Gemini keeps the words of a result in an object, and only media in the list.
            listed, shape = part.content, part.shape
            if origin == "gemini":
                listed, shape = tuple(item for item in listed if not isinstance(item, Text)), "list"
            stem = f"{path}.{_RESULTS.get(origin, 'content')}"
            for item, place in _content(listed, stem, shape):
                _note(paths, item, place, origin=origin)
        case Document(source=source) if source.parts:
            for number, item in enumerate(source.parts):
                paths[id(item)] = f"{path}.source.content[{number}]"
        case _:
            pass


_RESULTS: dict[Dialect, str] = {
    "openai_chat": "content",
    "openai_responses": "output",
    "anthropic": "content",
    "gemini": "functionResponse.parts",
}


def _system(request: Request) -> Iterator[Placed]:
    stem = field_name(request.origin, "system")
    stem = f"{stem}.parts" if request.origin == "gemini" else stem
    return _content(request.system, stem, request.system_shape)


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

__all__ = ["content_place", "key_of", "place_of", "places"]
