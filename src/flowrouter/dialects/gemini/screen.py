"""Takes out of a foreign conversation what Gemini cannot hear, or refuses it by name.

Works on the client's own messages, before they are put in order, so that every loss carries the
client's path. What comes out can be rendered part by part.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence

import msgspec

from flowrouter.canonical.arguments import as_object
from flowrouter.canonical.cache import CacheHint
from flowrouter.canonical.capabilities import Capabilities
from flowrouter.canonical.leftovers import lose_opaque, words_of
from flowrouter.canonical.losses import Losses
from flowrouter.canonical.messages import Message
from flowrouter.canonical.parts import (
    Audio,
    Document,
    Image,
    Media,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Source,
    Text,
    ToolCall,
    ToolResult,
)
from flowrouter.dialects.gemini.media import google_opens, guessed_type
from flowrouter.wire.json import dumps_text

BILLING_MARK = "x-anthropic-billing-header:"
"""Attribution blocks of one vendor's client, of no use to any other (and fatal to prompt caches)."""

_IMAGES = frozenset({"image/png", "image/jpeg", "image/webp", "image/heic", "image/heif"})
"""The image types of the vendor's image page (November 2026)."""

_MAGIC = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF8", "image/gif"),
    (b"RIFF", "image/webp"),
    (b"%PDF", "application/pdf"),
)


class Screen:
    """Screens the messages of one request; raises `CallerError` for what must not be lost."""

    def __init__(self, capabilities: Capabilities, names: Mapping[str, str], losses: Losses) -> None:
        self._capabilities = capabilities
        self._names = names
        self._losses = losses

    def screen(self, messages: Sequence[Message]) -> tuple[Message, ...]:
        """Return the messages with every part sayable; empty ones stay, to keep their place."""
        return tuple(self._message(number, message) for number, message in enumerate(messages))

    def parts(self, parts: tuple[Part, ...], *, role: str) -> tuple[Part, ...]:
        """Return the sayable ones of `parts`; some become several."""
        return tuple(kept for part in parts for kept in self._part(part, role))

    def _message(self, number: int, message: Message) -> Message:
        place = message.place or f"{self._losses.name('messages')}[{number}]"
        if message.name is not None and message.role != "tool":
            self._losses.drop(f"{place}.name", "no place for a participant's name")
        self._losses.unknown(message.extra, self._losses.in_messages)
        return Message(role=message.role, parts=self.parts(message.parts, role=message.role), place=place)

    def _part(self, part: Part, role: str) -> tuple[Part, ...]:
        self._losses.members(part)
        self._lose_mark(part)
        match part:
            case Text():
                if part.citations:
                    name = self._losses.name("text.citations")
                    self._losses.drop(f"{self._losses.path(part)}.{name}", "citations of another vendor")
                return self._text(part.text, part)
            case Refusal():
                return self._text(part.text, part)
            case Image() | Document() | Audio() | Media():
                return self._media(part, role)
            case Reasoning():
                return self._reasoning(part)
            case ToolCall():
                return (self._call(part),)
            case ToolResult():
                content = self.parts(part.content, role="tool")
                result = msgspec.structs.replace(part, content=content, extra={}, cache=None)
                self._losses.follow(part, result)
                return (result,)
            case Opaque():
                return self._opaque(part)

    def _lose_mark(self, part: Part) -> None:
        hint: CacheHint | None = getattr(part, "cache", None)
        if hint is not None:
            self._losses.unknown({hint.field or "cache_control": True}, self._losses.whereabouts(part))

    def _text(self, text: str, part: Part) -> tuple[Text, ...]:
        if text.startswith(BILLING_MARK):
            self._losses.drop(self._losses.path(part), "an attribution block for another vendor")
            return ()
        return (Text(text=text),) if text else ()

    def _opaque(self, part: Opaque) -> tuple[Text, ...]:
        words = words_of(part)
        if words is None:
            lose_opaque(part, self._losses)
            return ()
        self._losses.emulate(self._losses.path(part), f"a part only {part.origin} knows is told in words")
        return self._text(words, part)

    def _reasoning(self, part: Reasoning) -> tuple[Reasoning, ...]:
        if is_native(part, self._capabilities, trusted=False):
            return (msgspec.structs.replace(part, sealed=None, extra={}),)
        if part.text or part.signature or part.redacted or part.sealed:
            self._losses.drop(self._losses.path(part), "reasoning that this model did not sign")
        return ()

    def _call(self, part: ToolCall) -> ToolCall:
        arguments = part.arguments
        if part.kind != "custom":
            value, repair = as_object(part.arguments)
            if repair is not None:
                self._losses.change(self._member(part, "call.arguments"), repair)
                arguments = dumps_text(value)
        if self._names.get(part.name, part.name) != part.name:
            self._losses.change(self._member(part, "call.name"), "the tool's name does not fit the target")
        call = msgspec.structs.replace(part, arguments=arguments, shape=(), extra={}, cache=None)
        self._losses.follow(part, call)
        return call

    def _member(self, part: ToolCall, name: str) -> str:
        return f"{self._losses.path(part)}.{self._losses.name(name)}"

    def _media(self, part: Image | Document | Audio | Media, role: str) -> tuple[Part, ...]:
        path = self._losses.path(part)
        if role in ("system", "developer"):
            self._losses.drop(path, f"no media in {role} messages")
            return ()
        match part:
            case Image():
                return self._image(part, path)
            case Document():
                return self._document(part, path)
            case Audio():
                return self._heard(part, path)
            case Media():
                source = self._located(part.source, path, None)
                return () if source is None else (Media(source=source),)

    def _image(self, part: Image, path: str) -> tuple[Part, ...]:
        if self._capabilities.vision is False:
            self._losses.refuse(path, "the model takes no images", code="unsupported_content")
            return ()
        if part.detail is not None and part.detail != "auto":
            self._losses.drop(f"{path}.{self._losses.name('image.detail')}", "no choice of resolution")
        source = self._located(part.source, path, "image/jpeg")
        if source is not None and source.kind == "base64" and source.media_type not in _IMAGES:
            self._losses.refuse(path, f"Gemini models take no {source.media_type}; send PNG, JPEG or WebP")
            return ()
        return () if source is None else (Image(source=source),)

    def _document(self, part: Document, path: str) -> tuple[Part, ...]:
        if part.citations:
            self._losses.drop(f"{path}.citations", "no citations of documents")
        inner: tuple[Part, ...]
        if part.source.kind == "text":
            self._losses.change(path, "a text document is sent as text")
            inner = (Text(text=part.source.data),) if part.source.data else ()
        elif part.source.kind == "content":
            self._losses.change(path, "a document of parts is sent as its parts")
            inner = self.parts(part.source.parts, role="user")
        else:
            inner = self._file(part, path)
        # Only a search result has parts and an address; without it the model could not name its source.
        address = part.source.url if part.source.kind == "content" else None
        heading = "\n".join(line for line in (part.title, address, part.context) if line)
        return (Text(text=heading), *inner) if heading and inner else inner

    def _file(self, part: Document, path: str) -> tuple[Part, ...]:
        if self._capabilities.pdf is False and (part.source.media_type or "").lower() != "text/plain":
            self._losses.refuse(path, "the model takes no PDF files", code="unsupported_content")
            return ()
        source = self._located(part.source, path, "application/pdf")
        if source is None:
            return ()
        if part.title or part.context:
            self._losses.change(path, "title and context are sent as text before the file")
        return (Document(source=source),)

    def _heard(self, part: Audio, path: str) -> tuple[Part, ...]:
        if self._capabilities.audio_in is False:
            self._losses.refuse(path, "the model takes no audio", code="unsupported_content")
            return ()
        return (Audio(data=re.sub(r"\s+", "", part.data), format=part.format),)

    def _located(self, source: Source, path: str, usual: str | None) -> Source | None:
        """Return a source that Google can open: bytes of a named type, or an address it fetches."""
        if source.kind == "file":
            self._losses.refuse(path, "a file id is valid only at the vendor that issued it")
            return None
        if source.kind == "base64":
            return self._bytes(source, path, usual)
        address = source.url or ""
        if not google_opens(address) and not self._capabilities.image_url:
            reason = "the model opens no addresses but those of files that Google holds; send the bytes"
            self._losses.refuse(path, reason)
            return None
        kind = source.media_type or guessed_type(address)
        if kind is None and usual is not None:
            kind = usual
            self._losses.change(path, f"no media type was given; sent as {usual}")
        return Source(kind="url", url=address, media_type=kind)

    def _bytes(self, source: Source, path: str, usual: str | None) -> Source | None:
        data = re.sub(r"\s+", "", source.data or "")
        if not data:
            self._losses.refuse(path, "the data is empty")
            return None
        said = (source.media_type or "").lower().replace("image/jpg", "image/jpeg")
        seen = _sniff(data)
        kind = seen if seen is not None and said.startswith("image/") else said or seen
        if said and kind != said:
            self._losses.change(f"{path}.media_type", f"the bytes are {kind}")
        if not kind and usual is None:
            self._losses.refuse(path, "the media type is missing")
            return None
        if not kind:
            kind = usual
            self._losses.change(path, f"no media type was given; sent as {usual}")
        return Source(kind="base64", media_type=kind, data=data)


def is_native(part: Reasoning, capabilities: Capabilities, *, trusted: bool) -> bool:
    """Return whether this model's family signed a piece of reasoning.

    Without a provenance the part came from the client: `trusted` says whether the client speaks
    this dialect, and so got the signature from here.
    """
    if not part.signature:
        return False
    origin = part.provenance
    if origin is None:
        return trusted
    known = origin.family is not None and capabilities.family is not None
    return origin.dialect == "gemini" and (not known or origin.family == capabilities.family)


def _sniff(data: str) -> str | None:
    try:
        start = base64.b64decode(data[:32], validate=True)
    except (binascii.Error, ValueError):
        return None
    return next((kind for magic, kind in _MAGIC if start.startswith(magic)), None)


__all__ = ["BILLING_MARK", "Screen", "is_native"]
