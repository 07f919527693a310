"""Content parts of Chat messages, read and written back in their own dialect."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from flowrouter.canonical.data_urls import is_data_url, read_data_url, write_data_url
from flowrouter.canonical.parts import (
    Audio,
    ContentShape,
    Document,
    Image,
    Opaque,
    Part,
    Refusal,
    Source,
    Text,
)
from flowrouter.dialects.openai_chat.cache_marks import put_cache, take_cache
from flowrouter.errors import CallerError
from flowrouter.wire.members import Json, as_list, as_object, merge, nested, take_object, take_text


def parse_content(value: Any, place: str) -> tuple[tuple[Part, ...], ContentShape]:
    """Return the parts of the `content` of what stands at `place` and how it stood; raises `CallerError`."""
    if isinstance(value, str):
        return ((Text(text=value),) if value else ()), "string"
    if value is None:
        return (), "null"
    items = as_list(value)
    if items is None:
        path = f"{place}.content"
        raise CallerError(f"{path} must be a string or a list of parts.", param=path, code="invalid_type")
    return tuple([parse_part(item, f"{place}.content[{n}]") for n, item in enumerate(items)]), "list"


def parse_part(item: Any, path: str) -> Part:
    """Return one content part; a type or form this dialect does not know is kept whole."""
    whole = as_object(item)
    if whole is None:
        raise CallerError(f"{path} must be an object.", param=path, code="invalid_type")
    kind = whole.get("type")
    if kind == "text" and len(whole) == 2 and isinstance(text := whole.get("text"), str):
        return Text(text=text)
    parser = _PARSERS.get(str(kind))
    if parser is not None:
        rest = dict(whole)
        del rest["type"]
        part = parser(rest, path)
        if part is not None:
            return part
    return Opaque(payload=whole, origin="openai_chat")


def _parse_text(rest: Json, _: str) -> Part | None:
    text = take_text(rest, "text")
    if text is None:
        return None
    cache = take_cache(rest)
    return Text(text=text, cache=cache, extra=rest)


def _parse_image(rest: Json, path: str) -> Part | None:
    cache = take_cache(rest)
    bare = rest.get("image_url")
    if isinstance(bare, str):
        # A bare URL is not the vendor's form, but clients of other hosts send it: `extra` keeps it.
        return Image(source=_image_source(bare, f"{path}.image_url"), cache=cache, extra=rest)
    inner = take_object(rest, "image_url")
    url = take_text(inner, "url") if inner is not None else None
    if inner is None or url is None:
        return None
    detail = take_text(inner, "detail")
    source = _image_source(url, f"{path}.image_url.url")
    return Image(source=source, detail=detail, cache=cache, extra=nested(rest, "image_url", inner))


def _image_source(url: str, path: str) -> Source:
    if is_data_url(url):
        return read_data_url(url, path=path)
    return Source(kind="url", url=url)


def _parse_file(rest: Json, path: str) -> Part | None:
    cache = take_cache(rest)
    inner = take_object(rest, "file")
    if inner is None:
        return None
    title = take_text(inner, "filename")
    if (data := take_text(inner, "file_data")) is not None:
        source = read_data_url(data, path=f"{path}.file.file_data", filename=title)
    elif (file_id := take_text(inner, "file_id")) is not None:
        source = Source(kind="file", file_id=file_id)
    else:
        return None
    return Document(source=source, title=title, cache=cache, extra=nested(rest, "file", inner))


def _parse_audio(rest: Json, _: str) -> Part | None:
    cache = take_cache(rest)
    inner = take_object(rest, "input_audio")
    if inner is None:
        return None
    data, form = take_text(inner, "data"), take_text(inner, "format")
    if data is None or form is None:
        return None
    return Audio(data=data, format=form, cache=cache, extra=nested(rest, "input_audio", inner))


def _parse_refusal(rest: Json, _: str) -> Part | None:
    text = take_text(rest, "refusal")
    return None if text is None else Refusal(text=text, field="content", extra=rest)


_PARSERS: dict[str, Callable[[Json, str], Part | None]] = {
    "text": _parse_text,
    "image_url": _parse_image,
    "file": _parse_file,
    "input_audio": _parse_audio,
    "refusal": _parse_refusal,
}


def write_content(parts: Iterable[Part], shape: ContentShape) -> Any:
    """Return `parts` as they stood on the wire: a string, null or a list (absent counts as null)."""
    held = list(parts)
    if not held and shape != "list":
        return "" if shape == "string" else None
    if shape != "list" and len(held) == 1 and (text := plain_text(held[0])) is not None:
        return text
    return [item for part in held if (item := write_part(part)) is not None]


def plain_text(part: Part) -> str | None:
    """Return the words of `part` if it is text with nothing else to it."""
    return part.text if isinstance(part, Text) and part.cache is None and not part.extra else None


def write_part(part: Part) -> Json | None:
    """Return the wire form of a content part of this dialect; None for one that has none."""
    match part:
        case Text(text=text):
            item: Json = {"type": "text", "text": text}
        case Image():
            item = image_item(part)
        case Document():
            item = file_item(part)
        case Audio(data=data, format=form):
            item = {"type": "input_audio", "input_audio": {"data": data, "format": form}}
        case Refusal(text=text):
            return merge({"type": "refusal", "refusal": text}, part.extra)
        case Opaque(payload=payload, origin="openai_chat"):
            return payload
        case _:
            return None
    return merge(put_cache(item, part.cache), part.extra)


def image_item(image: Image) -> Json:
    """Return an image part without its `extra` and cache mark."""
    source = image.source
    url = source.url if source.url is not None else write_data_url(source)
    inner: Json = {"url": url}
    if image.detail is not None:
        inner["detail"] = image.detail
    return {"type": "image_url", "image_url": inner}


def file_item(document: Document) -> Json:
    """Return a file part without its `extra` and cache mark."""
    source, inner = document.source, dict[str, Any]()
    if document.title is not None:
        inner["filename"] = document.title
    if source.kind == "file":
        inner["file_id"] = source.file_id
    else:
        inner["file_data"] = source.url if source.url is not None else write_data_url(source)
    return {"type": "file", "file": inner}


__all__ = [
    "file_item",
    "image_item",
    "parse_content",
    "parse_part",
    "plain_text",
    "write_content",
    "write_part",
]
