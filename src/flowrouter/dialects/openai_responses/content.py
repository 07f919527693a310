"""Content parts of Responses messages and tool outputs, read and written back in their own dialect."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, cast

from flowrouter.canonical.cache import CacheHint
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
from flowrouter.errors import CallerError
from flowrouter.wire.members import (
    Json,
    as_list,
    as_object,
    merge,
    nested,
    take_list,
    take_object,
    take_text,
)

BREAKPOINT = "prompt_cache_breakpoint"
"""The member that marks the end of a prefix to be cached."""


def parse_content(value: Any, path: str, *, assistant: bool = False) -> tuple[tuple[Part, ...], ContentShape]:
    """Return the parts of a `content` or `output` member and how it stood; raises `CallerError` otherwise.

    `assistant` says that text is `output_text` there, not `input_text`.
    """
    if value is None:
        return (), "null"
    if isinstance(value, str):
        return ((Text(text=value),) if value else ()), "string"
    items = as_list(value)
    if items is None:
        raise CallerError(f"{path} must be a string or a list of parts.", param=path, code="invalid_type")
    parts = (parse_part(item, f"{path}[{n}]", assistant=assistant) for n, item in enumerate(items))
    return tuple(parts), "list"


def parse_part(item: Any, path: str, *, assistant: bool = False) -> Part:
    """Return one content part; a type or form this dialect does not know is kept whole."""
    whole = as_object(item)
    if whole is None:
        raise CallerError(f"{path} must be an object.", param=path, code="invalid_type")
    kind = whole.get("type")
    parser = _PARSERS.get(kind) if isinstance(kind, str) else None
    if parser is not None:
        rest = dict(whole)
        if kind not in _TEXTS or kind == _TEXTS[assistant]:
            del rest["type"]
        part = parser(rest, path)
        if part is not None:
            return part
    return Opaque(payload=whole, origin="openai_responses")


def _parse_text(rest: Json, _: str) -> Part | None:
    text = take_text(rest, "text")
    if text is None:
        return None
    citations: tuple[Json, ...] = ()
    held = as_list(rest.get("annotations"))
    if held and all(isinstance(note, dict) for note in held):
        citations = cast("tuple[Json, ...]", tuple(take_list(rest, "annotations") or ()))
    return Text(text=text, citations=citations, cache=take_cache(rest), extra=rest)


def _parse_refusal(rest: Json, _: str) -> Part | None:
    text = take_text(rest, "refusal")
    return None if text is None else Refusal(text=text, extra=rest)


def _parse_image(rest: Json, path: str) -> Part | None:
    cache = take_cache(rest)
    if (url := take_text(rest, "image_url")) is not None:
        source = _image_source(url, f"{path}.image_url")
    elif (file_id := take_text(rest, "file_id")) is not None:
        source = Source(kind="file", file_id=file_id)
    else:
        return None
    return Image(source=source, detail=take_text(rest, "detail"), cache=cache, extra=rest)


def _image_source(url: str, path: str) -> Source:
    if is_data_url(url):
        return read_data_url(url, path=path)
    return Source(kind="url", url=url)


def _parse_file(rest: Json, path: str) -> Part | None:
    cache = take_cache(rest)
    title = take_text(rest, "filename")
    if (data := take_text(rest, "file_data")) is not None:
        source = read_data_url(data, path=f"{path}.file_data", filename=title)
    elif (url := take_text(rest, "file_url")) is not None:
        source = Source(kind="url", url=url)
    elif (file_id := take_text(rest, "file_id")) is not None:
        source = Source(kind="file", file_id=file_id)
    else:
        return None
    return Document(source=source, title=title, cache=cache, extra=rest)


def _parse_audio(rest: Json, _: str) -> Part | None:
    cache = take_cache(rest)
    inner = take_object(rest, "input_audio")
    data, form = (take_text(inner, "data"), take_text(inner, "format")) if inner is not None else (None, None)
    if inner is None or data is None or form is None:
        return None
    return Audio(data=data, format=form, cache=cache, extra=nested(rest, "input_audio", inner))


_TEXTS = ("input_text", "output_text", "text")
"""What text is called: by the user, by the assistant, and by clients that confuse the dialects."""

_PARSERS: dict[str, Callable[[Json, str], Part | None]] = {
    "text": _parse_text,
    "input_text": _parse_text,
    "output_text": _parse_text,
    "refusal": _parse_refusal,
    "input_image": _parse_image,
    "input_file": _parse_file,
    "input_audio": _parse_audio,
}


def take_cache(rest: Json) -> CacheHint | None:
    """Take the cache mark out of `rest`; one with members of unexpected types stays there, whole."""
    mark = as_object(rest.get(BREAKPOINT))
    if mark is None or not isinstance(mark.get("ttl", ""), str):
        return None
    del rest[BREAKPOINT]
    extra = {name: value for name, value in mark.items() if name != "ttl"}
    return CacheHint(ttl=mark.get("ttl"), field=BREAKPOINT, extra=extra)


def put_cache(target: Json, hint: CacheHint | None) -> Json:
    """Write a mark of this dialect back as it came."""
    if hint is not None:
        target[BREAKPOINT] = {**hint.extra, **({"ttl": hint.ttl} if hint.ttl is not None else {})}
    return target


def write_content(parts: Iterable[Part], shape: ContentShape, *, assistant: bool = False) -> Any:
    """Return `parts` as they stood on the wire: a string, null or a list (absent counts as null)."""
    held = list(parts)
    if not held and shape != "list":
        return "" if shape == "string" else None
    if shape != "list" and len(held) == 1 and (text := plain_text(held[0])) is not None:
        return text
    return [item for part in held if (item := write_part(part, assistant=assistant)) is not None]


def plain_text(part: Part) -> str | None:
    """Return the words of `part` if it is text with nothing else to it."""
    if not isinstance(part, Text) or part.cache is not None or part.citations or part.extra:
        return None
    return part.text


def write_part(part: Part, *, assistant: bool = False) -> Json | None:
    """Return the wire form of a content part of this dialect; None for one that has none."""
    match part:
        case Text():
            item = text_item(part, assistant=assistant)
        case Refusal(text=text):
            return merge({"type": "refusal", "refusal": text}, part.extra)
        case Image():
            item = image_item(part)
        case Document():
            item = file_item(part)
        case Audio(data=data, format=form):
            item = {"type": "input_audio", "input_audio": {"data": data, "format": form}}
        case Opaque(payload=payload, origin="openai_responses"):
            return payload
        case _:
            return None
    return merge(put_cache(item, part.cache), part.extra)


def text_item(text: Text, *, assistant: bool) -> Json:
    """Return a text part without its `extra` and cache mark."""
    item: Json = {"type": _TEXTS[assistant], "text": text.text}
    if text.citations:
        item["annotations"] = list(text.citations)
    return item


def image_item(image: Image) -> Json:
    """Return an image part without its `extra` and cache mark."""
    source, item = image.source, cast("Json", {"type": "input_image"})
    if image.detail is not None:
        item["detail"] = image.detail
    if source.kind == "file":
        item["file_id"] = source.file_id
    else:
        item["image_url"] = source.url if source.url is not None else write_data_url(source)
    return item


def file_item(document: Document) -> Json:
    """Return a file part without its `extra` and cache mark."""
    source, item = document.source, cast("Json", {"type": "input_file"})
    if document.title is not None:
        item["filename"] = document.title
    match source.kind:
        case "file":
            item["file_id"] = source.file_id
        case "url":
            item["file_url"] = source.url
        case _:
            item["file_data"] = source.url if source.url is not None else write_data_url(source)
    return item


__all__ = [
    "BREAKPOINT",
    "file_item",
    "image_item",
    "parse_content",
    "parse_part",
    "plain_text",
    "put_cache",
    "take_cache",
    "text_item",
    "write_content",
    "write_part",
]
