"""Parts of other dialects as Chat content items; what has no form becomes text or a loss."""

from __future__ import annotations

from flowrouter.canonical.cache import CacheHint
from flowrouter.canonical.parts import Audio, Document, Image, Opaque, Part, Refusal, Source, Text
from flowrouter.dialects.openai_chat.content import file_item, image_item
from flowrouter.dialects.openai_chat.reading import BREAKPOINT, MARK, Json, put_cache
from flowrouter.dialects.openai_chat.translation import Translation
from flowrouter.errors import CallerError

BILLING_MARK = "x-anthropic-billing-header:"
"""Attribution blocks of one vendor's client, of no use to any other (and fatal to prompt caches)."""


def is_attribution(part: Part) -> bool:
    """Return whether `part` is such a block."""
    return isinstance(part, Text) and part.text.startswith(BILLING_MARK)


def translate_parts(parts: tuple[Part, ...], context: Translation) -> list[Json]:
    """Return the content items for `parts`, in order."""
    items: list[Json] = []
    for part in parts:
        items += translate_part(part, context)
    return items


def translate_part(part: Part, context: Translation) -> list[Json]:
    """Return the content items one part becomes: usually one, none for what is lost."""
    match part:
        case Text():
            return _text(part, context)
        case Image():
            return _image(part, context)
        case Document():
            return _document(part, context)
        case Audio():
            return _audio(part, context)
        case Refusal(text=text):
            context.skip_extra(part.extra)
            return [_item(text)] if text else []
        case Opaque():
            return _opaque(part, context)
        case _:
            context.lose(context.path(part), "dropped", f"Chat has no place for it here ({_tag(part)})")
            return []


def _tag(part: Part) -> str:
    return str(part.__struct_config__.tag)


def _item(text: str) -> Json:
    return {"type": "text", "text": text}


def _text(part: Text, context: Translation) -> list[Json]:
    context.skip_extra(part.extra)
    path = context.path(part)
    if is_attribution(part):
        context.lose(path, "dropped", "an attribution block for another vendor")
        return []
    if part.citations:
        context.lose(f"{path}.citations", "dropped", "Chat has no citations in a request")
    return [mark(_item(part.text), part.cache, path=path, context=context)] if part.text else []


def mark(item: Json, hint: CacheHint | None, *, path: str, context: Translation) -> Json:
    """Put a cache mark on `item` in the form the target understands, or record its loss."""
    if hint is None:
        return item
    if BREAKPOINT in context.capabilities.extensions:
        return put_cache(item, hint, field=BREAKPOINT)
    if context.capabilities.cache_marks:
        return put_cache(item, hint, field=MARK)
    context.lose(f"{path}.{hint.field or MARK}", "dropped", "the target takes no cache marks")
    return item


def _image(part: Image, context: Translation) -> list[Json]:
    path, capabilities = context.path(part), context.capabilities
    context.skip_extra(part.extra)
    if capabilities.vision is False:
        context.lose(path, "emulated", "the target takes no images; a note stands in its place")
        return [_item("[image omitted: this model takes no images]")]
    _refuse_file(part.source, path)
    if part.source.kind == "url" and not capabilities.image_url:
        context.lose(path, "emulated", "the target takes no image URLs; a note stands in its place")
        return [_item(f"[image omitted: {part.source.url}]")]
    return [mark(image_item(part), part.cache, path=path, context=context)]


def _refuse_file(source: Source, path: str) -> None:
    if source.kind == "file":
        message = f"{path}: a file id is valid only at the vendor that issued it; send the data itself."
        raise CallerError(message, param=path, code="unsupported_value")


def _document(part: Document, context: Translation) -> list[Json]:
    path, source = context.path(part), part.source
    context.skip_extra(part.extra)
    _refuse_file(source, path)
    if part.citations:
        context.lose(f"{path}.citations", "dropped", "Chat cannot cite documents")
    match source.kind:
        case "text":
            context.lose(path, "changed", "a text document is sent as text")
            items = [_item(source.data or "")]
        case "content":
            context.lose(path, "changed", "a document of parts is sent as its parts")
            items = translate_parts(source.parts, context)
        case "url":
            context.lose(path, "emulated", "Chat takes no document URLs; the address is sent as text")
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
        context.lose(path, "emulated", "the target takes no files; a note stands in its place")
        return [_item(f"[document omitted: {part.title or 'this model takes no files'}]")]
    if part.context:
        context.lose(f"{path}.context", "changed", "sent as text before the file")
    item = file_item(part)
    item["file"].setdefault("filename", "document.pdf")
    lead = [_item(part.context)] if part.context else []
    return [*lead, mark(item, part.cache, path=path, context=context)]


def _audio(part: Audio, context: Translation) -> list[Json]:
    context.skip_extra(part.extra)
    if context.capabilities.audio_in is False:
        path = context.path(part)
        raise CallerError(f"{path}: the model takes no audio.", param=path, code="unsupported_value")
    item: Json = {"type": "input_audio", "input_audio": {"data": part.data, "format": part.format}}
    return [mark(item, part.cache, path=context.path(part), context=context)]


def _opaque(part: Opaque, context: Translation) -> list[Json]:
    context.lose(context.path(part), "dropped", f"Chat has no form for {part.payload.get('type')!s}")
    return []


__all__ = ["BILLING_MARK", "is_attribution", "mark", "translate_part", "translate_parts"]
