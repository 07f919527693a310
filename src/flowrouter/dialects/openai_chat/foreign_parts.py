"""Parts of other dialects as Chat content items; what has no form becomes text or a loss."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from flowrouter.canonical.cache import CacheHint
from flowrouter.canonical.leftovers import lose_opaque, words_of
from flowrouter.canonical.parts import Audio, Document, Image, Media, Opaque, Part, Refusal, Source, Text
from flowrouter.dialects.openai_chat.cache_marks import BREAKPOINT, MARK, put_cache
from flowrouter.dialects.openai_chat.content import file_item, image_item
from flowrouter.dialects.openai_chat.translation import Translation
from flowrouter.wire.members import Json

BILLING_MARK = "x-anthropic-billing-header:"
"""Attribution blocks of one vendor's client, of no use to any other (and fatal to prompt caches)."""


def translate_parts(parts: Sequence[Part], context: Translation) -> list[Json]:
    """Return the content items for `parts`, in order."""
    items: list[Json] = []
    for part in parts:
        items += _WRITERS.get(type(part), _none)(part, context)
    return items


def plain_text(parts: Sequence[Part]) -> str:
    """Return what `parts` say where they are one text with nothing about it, as most are; else nothing."""
    if len(parts) != 1:
        return ""
    part = parts[0]
    if not isinstance(part, Text) or part.extra or part.citations or part.cache is not None:
        return ""
    return "" if part.text.startswith(BILLING_MARK) else part.text


def _none(part: Part, context: Translation) -> list[Json]:
    tag = part.__struct_config__.tag
    context.losses.drop(context.losses.path(part), f"Chat has no place for it here ({tag})")
    return []


def _item(text: str) -> Json:
    return {"type": "text", "text": text}


def _text(part: Text, context: Translation) -> list[Json]:
    if part.extra:
        context.losses.members(part)
    text = part.text
    attribution = text.startswith(BILLING_MARK)
    if part.cache is None and not part.citations and not attribution:
        return [{"type": "text", "text": text}] if text else []
    path = context.losses.path(part)
    if attribution:
        context.losses.drop(path, "an attribution block for another vendor")
        return []
    if part.citations:
        name = context.losses.name("text.citations")
        context.losses.drop(f"{path}.{name}", "Chat has no citations in a request")
    return [mark(_item(part.text), part.cache, path=path, context=context)] if part.text else []


def mark(item: Json, hint: CacheHint | None, *, path: str, context: Translation) -> Json:
    """Put a cache mark on `item` in the form the target understands, or record its loss."""
    if hint is None:
        return item
    if BREAKPOINT in context.capabilities.extensions:
        return put_cache(item, hint, field=BREAKPOINT)
    if context.capabilities.cache_marks:
        return put_cache(item, hint, field=MARK)
    context.losses.drop(f"{path}.{hint.field or MARK}", "the target takes no cache marks")
    return item


def _image(part: Image, context: Translation) -> list[Json]:
    path, capabilities = context.losses.path(part), context.capabilities
    context.losses.members(part)
    if capabilities.vision is False:
        context.losses.emulate(path, "the target takes no images; a note stands in its place")
        return [_item("[image omitted: this model takes no images]")]
    if _refused_file(part.source, path, context):
        return []
    if part.source.kind == "url" and not capabilities.image_url:
        context.losses.emulate(path, "the target takes no image URLs; a note stands in its place")
        return [_item(f"[image omitted: {part.source.url}]")]
    return [mark(image_item(part), part.cache, path=path, context=context)]


def _refused_file(source: Source, path: str, context: Translation) -> bool:
    """Refuse a file id; return whether there is one, which then was dropped by policy."""
    if source.kind != "file":
        return False
    context.losses.refuse(path, "a file id is valid only at the vendor that issued it; send the data itself")
    return True


def _document(part: Document, context: Translation) -> list[Json]:
    path, source = context.losses.path(part), part.source
    context.losses.members(part)
    if _refused_file(source, path, context):
        return []
    if part.citations:
        context.losses.drop(f"{path}.citations", "Chat cannot cite documents")
    match source.kind:
        case "text":
            context.losses.change(path, "a text document is sent as text")
            items = [_item(source.data or "")]
        case "content":
            context.losses.change(path, "a document of parts is sent as its parts")
            items = translate_parts(source.parts, context)
        case "url":
            context.losses.emulate(path, "Chat takes no document URLs; the address is sent as text")
            items = [_item(f"[document: {source.url}]")]
        case _:
            return _file(part, path, context)
    # Only a search result has parts and an address; without it the model could not name its source.
    address = source.url if source.kind == "content" else None
    heading = "\n".join(line for line in (part.title, address, part.context) if line)
    items = [*([_item(heading)] if heading else []), *items]
    if items:
        items[-1] = mark(items[-1], part.cache, path=path, context=context)
    return items


def _file(part: Document, path: str, context: Translation) -> list[Json]:
    if context.capabilities.pdf is False:
        context.losses.emulate(path, "the target takes no files; a note stands in its place")
        return [_item(f"[document omitted: {part.title or 'this model takes no files'}]")]
    if part.context:
        context.losses.change(f"{path}.context", "sent as text before the file")
    item = file_item(part)
    item["file"].setdefault("filename", "document.pdf")
    lead = [_item(part.context)] if part.context else []
    return [*lead, mark(item, part.cache, path=path, context=context)]


_FORMATS = frozenset({"wav", "mp3"})
"""The forms of sound the vendor takes."""


def _audio(part: Audio, context: Translation) -> list[Json]:
    context.losses.members(part)
    path = context.losses.path(part)
    if context.capabilities.audio_in is False:
        context.losses.refuse(path, "the model takes no audio")
        return []
    if part.format not in _FORMATS:
        context.losses.refuse(path, f"Chat takes wav and mp3 audio, not {part.format}")
        return []
    item: Json = {"type": "input_audio", "input_audio": {"data": part.data, "format": part.format}}
    return [mark(item, part.cache, path=path, context=context)]


def _media(part: Media, context: Translation) -> list[Json]:
    context.losses.members(part)
    context.losses.refuse(
        context.losses.path(part), f"Chat takes no {part.source.media_type or 'such media'}"
    )
    return []


def _refusal(part: Refusal, context: Translation) -> list[Json]:
    context.losses.members(part)
    return [_item(part.text)] if part.text else []


def _opaque(part: Opaque, context: Translation) -> list[Json]:
    words = words_of(part)
    if words is None:
        lose_opaque(part, context.losses)
        return []
    path = context.losses.path(part)
    context.losses.emulate(path, f"a part only {part.origin} knows is told in words")
    return [mark(_item(words), part.cache, path=path, context=context)]


_WRITERS: dict[type, Callable[[Any, Translation], list[Json]]] = {
    Text: _text,
    Image: _image,
    Document: _document,
    Audio: _audio,
    Media: _media,
    Refusal: _refusal,
    Opaque: _opaque,
}

__all__ = ["BILLING_MARK", "mark", "plain_text", "translate_parts"]
