"""Parts of other dialects as Responses content; what has no form becomes text or a loss."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from flowrouter.canonical.leftovers import lose_opaque, words_of
from flowrouter.canonical.parts import (
    Audio,
    Document,
    Image,
    Media,
    Opaque,
    Part,
    Refusal,
    Source,
    Text,
)
from flowrouter.dialects.openai_responses.content import file_item, image_item
from flowrouter.dialects.openai_responses.translation import Translation
from flowrouter.wire.members import Json

BILLING_MARK = "x-anthropic-billing-header:"
"""Attribution blocks of one vendor's client, of no use to any other (and fatal to prompt caches)."""

_FILE_NAME = "document.pdf"


def input_parts(parts: Iterable[Part], context: Translation) -> list[Json]:
    """Return the content of a user's or system message, or of a tool's output."""
    return [item for part in parts for item in input_part(part, context)]


def input_part(part: Part, context: Translation) -> list[Json]:
    """Return the content items one part becomes: usually one, none for what is lost."""
    match part:
        case Text():
            return _text(part, context)
        case Refusal(text=text):
            context.losses.members(part)
            return [text_of(text)] if text else []
        case Image():
            return _image(part, context)
        case Document():
            return _document(part, context)
        case Audio():
            return _audio(part, context)
        case Media():
            _refuse_media(part, context)
            return []
        case Opaque():
            words = _words(part, context)
            return [text_of(words)] if words else []
        case _:
            context.losses.drop(context.losses.path(part), f"no place for it here ({_tag(part)})")
            return []


def output_part(part: Part, context: Translation) -> Json | None:
    """Return the content item of something the assistant said; None for what is lost."""
    match part:
        case Text(text=text):
            kept = _text(part, context)
            return _said(text) if kept else None
        case Refusal(text=text):
            context.losses.members(part)
            return {"type": "refusal", "refusal": text} if text else None
        case Opaque():
            words = _words(part, context)
            return _said(words) if words else None
        case _:
            context.losses.drop(
                context.losses.path(part), f"the assistant's turns hold text only here ({_tag(part)})"
            )
            return None


def text_of(text: str) -> Json:
    """Return plain input text."""
    return {"type": "input_text", "text": text}


def _said(text: str) -> Json:
    return {"type": "output_text", "text": text, "annotations": []}


def _tag(part: Part) -> str:
    return str(part.__struct_config__.tag)


def _text(part: Text, context: Translation) -> list[Json]:
    context.losses.members(part)
    path = context.losses.path(part)
    if part.text.startswith(BILLING_MARK):
        context.losses.drop(path, "an attribution block for another vendor")
        return []
    if part.citations:
        name = context.losses.name("text.citations")
        context.losses.drop(f"{path}.{name}", "the target takes no citations of another vendor")
    return [context.mark(text_of(part.text), part.cache, path=path)] if part.text else []


def _words(part: Opaque, context: Translation) -> str | None:
    words = words_of(part)
    if words is None:
        lose_opaque(part, context.losses)
    else:
        context.losses.emulate(context.losses.path(part), "said in words")
    return words


def _image(part: Image, context: Translation) -> list[Json]:
    path, capabilities, losses = context.losses.path(part), context.capabilities, context.losses
    context.losses.members(part)
    if capabilities.vision is False:
        losses.emulate(path, "the target takes no images; a note stands in its place")
        return [text_of("[image omitted: this model takes no images]")]
    if _is_elsewhere(part.source, path, context):
        return []
    if part.source.kind == "url" and not capabilities.image_url:
        losses.emulate(path, "the target takes no image URLs; a note stands in its place")
        return [text_of(f"[image omitted: {part.source.url}]")]
    item = image_item(msgspec.structs.replace(part, source=_plain(part.source), detail=part.detail or "auto"))
    return [context.mark(item, part.cache, path=path)]


def _is_elsewhere(source: Source, path: str, context: Translation) -> bool:
    if source.kind != "file":
        return False
    context.losses.refuse(path, "a file id is valid only at the vendor that issued it; send the data itself")
    return True


def _plain(source: Source) -> Source:
    """Return `source` without the odd spelling its own dialect would get back."""
    return msgspec.structs.replace(source, url=None) if source.data is not None else source


def _document(part: Document, context: Translation) -> list[Json]:
    path, source, losses = context.losses.path(part), part.source, context.losses
    context.losses.members(part)
    if _is_elsewhere(source, path, context):
        return []
    if part.citations:
        losses.drop(f"{path}.citations", "the target cannot be asked to cite")
    match source.kind:
        case "text":
            losses.change(path, "a text document is sent as text")
            items = [text_of(source.data or "")]
        case "content":
            losses.change(path, "a document of parts is sent as its parts")
            items = input_parts(source.parts, context)
        case _:
            return _file(part, path, context)
    # Only a search result has parts and an address; without it the model could not name its source.
    address = source.url if source.kind == "content" else None
    heading = "\n".join(line for line in (part.title, address, part.context) if line)
    items = [*([text_of(heading)] if heading else []), *items]
    if items:
        items[-1] = context.mark(items[-1], part.cache, path=path)
    return items


def _file(part: Document, path: str, context: Translation) -> list[Json]:
    if context.capabilities.pdf is False:
        context.losses.emulate(path, "the target takes no files; a note stands in its place")
        return [text_of(f"[document omitted: {part.title or 'this model takes no files'}]")]
    if part.context:
        context.losses.change(f"{path}.context", "sent as text before the file")
    item = file_item(msgspec.structs.replace(part, source=_plain(part.source)))
    if part.source.kind == "base64":
        # The vendor tells the kind of a file by its name and refuses data without one.
        item["filename"] = part.title or _FILE_NAME
    lead = [text_of(part.context)] if part.context else []
    return [*lead, context.mark(item, part.cache, path=path)]


def _audio(part: Audio, context: Translation) -> list[Json]:
    """Return sound only for a target known to take it: the vendor types the part, but not in messages."""
    context.losses.members(part)
    path = context.losses.path(part)
    if not context.capabilities.audio_in:
        context.losses.refuse(path, "the model takes no audio")
        return []
    item: Json = {"type": "input_audio", "input_audio": {"data": part.data, "format": part.format}}
    return [context.mark(item, part.cache, path=path)]


def _refuse_media(part: Media, context: Translation) -> None:
    context.losses.refuse(
        context.losses.path(part), f"no place for {part.source.media_type or 'such media'} in this dialect"
    )


__all__ = ["BILLING_MARK", "input_part", "input_parts", "output_part", "text_of"]
