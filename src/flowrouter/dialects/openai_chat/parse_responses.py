"""A whole Chat answer to the canonical response."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any

import msgspec

from flowrouter.canonical.parts import Image, Part, Provenance, Reasoning, Refusal, Text, ToolCall
from flowrouter.canonical.response import Choice, Response
from flowrouter.dialects.openai_chat.content import parse_part
from flowrouter.dialects.openai_chat.finishes import END_OF_WORDS, meaning
from flowrouter.dialects.openai_chat.ids import made_call_id
from flowrouter.dialects.openai_chat.parse_messages import (
    REASONING_FIELDS,
    SEALED_FIELD,
    parse_call,
    parse_legacy_call,
    take_reasoning,
)
from flowrouter.dialects.openai_chat.usage import parse_usage
from flowrouter.errors import CallerError
from flowrouter.wire.json import loads
from flowrouter.wire.members import Json, as_list, as_object, take_list, take_text

_HEAD = itemgetter("id", "model", "created", "usage", "choices")
_HEAD_TYPES = (str, str, int, dict, list)
_CHOICE = itemgetter("index", "message", "finish_reason")
_CHOICE_TYPES = (int, dict, str)


def parse_response(body: bytes, provenance: Provenance) -> Response:
    """Return the answer in `body`; raises `ValueError` for anything that is not one."""
    rest: Json = loads(body)  # nobody else's: it is taken apart itself
    told = _as_usual(rest, _HEAD, _HEAD_TYPES)
    if told is not None and "error" not in rest:
        reply_id, model, created, usage, items = told
        named = reply_id
        del rest["id"], rest["model"], rest["created"], rest["usage"], rest["choices"]
    else:
        named, reply_id, model, created, usage, items = _head(rest)
    if not items:
        raise ValueError("a chat completion without choices")
    if rest.get("object") == "chat.completion":
        del rest["object"]
    choices: list[Choice] = []
    for item in items:
        choices.append(_parse_choice(item, len(choices), reply=named, provenance=provenance))
    return Response(
        origin="openai_chat",
        id=reply_id,
        model=model,
        choices=tuple(choices),
        created=created,
        usage=None if usage is None else parse_usage(usage, tier=rest.get("service_tier")),
        extra=rest,
    )


def _as_usual(rest: Any, get: Callable[[Any], tuple[Any, ...]], types: tuple[type, ...]) -> Any:
    """Return the members that `get` finds in an object, if all of them are there and of their types."""
    try:
        told = get(rest)
    except (KeyError, TypeError):
        return None
    return told if tuple(map(type, told)) == types else None


def _head(value: Any) -> tuple[str, str, str, int | None, Json | None, list[Any] | None]:
    """Take the same out of an answer of any form, behind what its id comes to for what must be derived from it."""
    rest = as_object(value)
    if rest is None or rest.get("error"):
        raise ValueError("not a chat completion")
    items = take_list(rest, "choices")
    created = rest.pop("created") if type(rest.get("created")) is int else None
    usage = rest.pop("usage") if isinstance(rest.get("usage"), dict) else None
    named = str(rest.get("id"))
    return named, take_text(rest, "id") or "", take_text(rest, "model") or "", created, usage, items


def _parse_choice(item: Any, number: int, *, reply: str, provenance: Provenance) -> Choice:
    told = _as_usual(item, _CHOICE, _CHOICE_TYPES)
    if told is not None:
        rest: Json = item
        index, message, raw = told
        del rest["index"], rest["message"]
    else:
        rest, index, message, raw = _choice(item, number)
    if raw:
        del rest["finish_reason"]
    else:
        raw = None
    words = _words(message)
    if words:
        parts: Sequence[Part] = (Text(text=words),)
        finish = END_OF_WORDS.get(raw) or meaning(raw, called=False, refused=False)
    else:
        parts = _parts(message, provenance)
        kinds = set(map(type, parts))
        if ToolCall in kinds:
            parts = [
                msgspec.structs.replace(part, id=made_call_id(reply, index, place))
                if _lacks_id(part)
                else part
                for place, part in enumerate(parts)
            ]
        finish = meaning(raw, called=ToolCall in kinds, refused=Refusal in kinds)
    return Choice(
        index=index,
        parts=tuple(parts),
        finish=finish,
        raw_finish=raw,
        logprobs=rest.pop("logprobs") if type(rest.get("logprobs")) is dict else None,
        extra=rest,
        message_extra=message,
    )


def _choice(item: Any, number: int) -> tuple[Json, int, Json, str | None]:
    """Return a choice of any form, with its number and its message taken out of it, and the word of its end."""
    rest = as_object(item)
    if rest is None:
        raise ValueError(f"choices[{number}] is not an object")
    message = as_object(rest.pop("message", None))
    if message is None:
        raise ValueError(f"choices[{number}] has no message")
    index = rest.pop("index") if type(rest.get("index")) is int else number
    raw = rest.get("finish_reason")
    return rest, index, message, raw if isinstance(raw, str) else None


def _words(message: Json) -> str:
    """Take its words out of a message that says nothing else; none of any other."""
    content = message.get("content")
    if not content or type(content) is not str or message.get("role") != "assistant":
        return ""
    if sum(map(bool, message.values())) != 2 or SEALED_FIELD in message:  # it says something else as well
        return ""
    del message["role"], message["content"]
    return content


def _lacks_id(part: Part) -> bool:
    return isinstance(part, ToolCall) and not part.id


def _parts(message: Json, provenance: Provenance) -> list[Part]:
    if message.get("role") == "assistant":
        del message["role"]
    parts: list[Part] = []
    if not _THOUGHTS.isdisjoint(message):
        parts += [msgspec.structs.replace(part, provenance=provenance) for part in take_reasoning(message)]
    parts += _content(message, provenance)
    if not message:
        return parts
    if "images" in message:
        parts += _images(message)
    if (refusal := message.get("refusal")) and isinstance(refusal, str):
        parts.append(Refusal(text=refusal))
        del message["refusal"]
    calls = message.get("tool_calls")
    try:
        if calls and isinstance(calls, list):
            parts += _calls(calls)  # pyright: ignore[reportUnknownArgumentType]
            del message["tool_calls"]
    except CallerError as error:
        raise ValueError(error.message) from None
    if "function_call" in message and (call := parse_legacy_call(message)) is not None:
        parts.append(call)
    return parts


def _calls(items: list[Any]) -> list[ToolCall]:
    return [parse_call(item, f"tool_calls[{place}]") for place, item in enumerate(items)]


_THOUGHTS = frozenset({*REASONING_FIELDS, "reasoning_details", SEALED_FIELD})
"""Members that reasoning is told in."""


def _content(message: Json, provenance: Provenance) -> list[Part]:
    content = message.get("content")
    if isinstance(content, str) and content:
        del message["content"]
        cited = as_list(message["annotations"]) if "annotations" in message else None
        if cited and all(isinstance(item, dict) for item in cited):
            del message["annotations"]
            return [Text(text=content, citations=tuple(cited))]
        return [Text(text=content)]
    if content is None and "content" in message:
        del message["content"]
    return read_content_list(as_list(content) or [], provenance, field="content")


def read_content_list(
    items: list[Any], provenance: Provenance, *, field: str = REASONING_FIELDS[0]
) -> list[Part]:
    """Return the text and reasoning of a content list, Mistral's form of an answer that reasons.

    A whole message keeps its list for its own dialect; `field` says so of the reasoning in it.
    """
    parts: list[Part] = []
    for item in items:
        chunk = as_object(item) or {}
        match chunk.get("type"):
            case "text" if isinstance(chunk.get("text"), str):
                parts.append(Text(text=chunk["text"]))
            case "thinking":
                texts = [as_object(inner) or {} for inner in as_list(chunk.get("thinking")) or []]
                text = "".join(inner["text"] for inner in texts if isinstance(inner.get("text"), str))
                parts.append(Reasoning(text=text, provenance=provenance, field=field))
            case _:
                pass
    return parts


def _images(message: Json) -> list[Part]:
    """Take OpenRouter's `images` out of a message."""
    parts: list[Part] = []
    for place, item in enumerate(as_list(message.get("images")) or []):
        try:
            part = parse_part(item, f"images[{place}]")
        except CallerError as error:
            raise ValueError(error.message) from None
        if not isinstance(part, Image):
            return []
        parts.append(part)
    if parts:
        del message["images"]
    return parts


__all__ = ["parse_response", "read_content_list"]
