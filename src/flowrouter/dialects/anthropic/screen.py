"""Takes out of a foreign conversation what Anthropic cannot hear, or refuses it by name.

Works on the client's own messages, before they are put in order, so that every loss carries the
client's path. What comes out can be rendered part by part.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from operator import attrgetter

import msgspec

from flowrouter.canonical.arguments import as_object
from flowrouter.canonical.cache import CacheHint
from flowrouter.canonical.capabilities import Capabilities
from flowrouter.canonical.leftovers import lose_opaque, words_of
from flowrouter.canonical.losses import Losses
from flowrouter.canonical.messages import SYSTEM, Message, parts_of
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
from flowrouter.errors import CallerError
from flowrouter.wire.json import dumps_text

_IMAGES = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})
_MAGIC = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF8", "image/gif"),
    (b"RIFF", "image/webp"),
)
_WEB = re.compile(r"https?://", re.IGNORECASE)


_NotText = Image | Document | Audio | Media | Reasoning | ToolCall | ToolResult | Refusal | Opaque


class Screen:
    """Screens the messages of one request; `screen` raises `CallerError` for what must not be lost."""

    def __init__(self, capabilities: Capabilities, names: Mapping[str, str], losses: Losses) -> None:
        self._capabilities = capabilities
        self._names = names
        self._losses = losses

    def screen(
        self, messages: Sequence[Message], held: AbstractSet[type[Part]], leading: int
    ) -> Sequence[Message]:
        """Return the messages with every part sayable; empty ones stay, to keep their place.

        `held` are the kinds of their parts, `leading` how many stand first that are the system's.
        """
        if held <= _WORDS and _is_plain(messages, leading):
            return messages
        return tuple([self._message(number, message, leading) for number, message in enumerate(messages)])

    def parts(self, parts: tuple[Part, ...], *, role: str) -> tuple[Part, ...]:
        """Return the sayable ones of `parts`, themselves where that is all of them as they are."""
        kept: list[Part] = []
        same = True
        for part in parts:
            if isinstance(part, Text):
                text = part.text
                if text and not (part.extra or part.citations or text.isspace()):
                    kept.append(part)
                    continue
                said = self._text(part)
            else:
                said = self._part(part, role)
            if said is not part:
                same = False
            if said is not None:
                kept.append(said)
        return parts if same else tuple(kept)

    def _message(self, number: int, message: Message, leading: int) -> Message:
        """Return one message; of the `leading` system messages none is ever told by its place."""
        role = message.role
        if message.name is not None and role != "tool":
            self._losses.drop(
                f"{self._losses.message(number, message)}.name", "no place for a participant's name"
            )
        if message.extra:
            self._losses.unknown(message.extra, self._losses.in_messages)
        parts = self.parts(message.parts, role=role)
        if parts is message.parts and (number < leading or role not in SYSTEM):
            return message
        return Message(role=role, parts=parts, place=self._losses.message(number, message))

    def _part(self, part: _NotText, role: str) -> Part | None:
        if isinstance(part, ToolCall):
            return self._call(part)
        if isinstance(part, ToolResult):
            return self._result(part)
        self._losses.members(part)
        match part:
            case Refusal():
                return self._words(part.text, part)
            case Image() | Document() | Audio() | Media():
                return self._media(part, role)
            case Reasoning():
                return self._reasoning(part)
            case Opaque():
                return self._opaque(part)

    def _text(self, part: Text) -> Text | None:
        self._losses.members(part)
        if part.citations:
            name = self._losses.name("text.citations")
            self._losses.drop(f"{self._losses.path(part)}.{name}", "citations of another vendor")
        return self._words(part.text, part, cache=part.cache)

    def _words(self, text: str, part: Part, *, cache: CacheHint | None = None) -> Text | None:
        if text and not text.isspace():
            return Text(text=text, cache=cache)
        if text or cache is not None:
            self._losses.drop(self._losses.path(part), "a text without a visible character")
        return None

    def _opaque(self, part: Opaque) -> Text | None:
        words = words_of(part)
        if words is None:
            lose_opaque(part, self._losses)
            return None
        self._losses.emulate(self._losses.path(part), f"a part only {part.origin} knows is told in words")
        return self._words(words, part, cache=part.cache)

    def _reasoning(self, part: Reasoning) -> Reasoning | None:
        if is_native(part, self._capabilities, trusted=False):
            return msgspec.structs.replace(part, sealed=None, extra={})
        self._losses.drop(self._losses.path(part), "reasoning that this model did not sign")
        return None

    def _result(self, part: ToolResult) -> ToolResult:
        if part.extra:
            self._losses.members(part)
        content = self.parts(part.content, role="tool")
        if content is part.content and part.name is None and not part.extra:
            return part
        result = msgspec.structs.replace(part, content=content, extra={}, name=None)
        self._losses.follow(part, result)
        return result

    def _call(self, part: ToolCall) -> ToolCall:
        if part.extra:
            self._losses.members(part)
        arguments = part.arguments
        if part.kind != "custom":
            value, repair = as_object(part.arguments)
            if repair is not None:
                self._losses.change(self._member(part, "call.arguments"), repair)
                arguments = dumps_text(value)
        if self._names.get(part.name, part.name) != part.name:
            self._losses.change(self._member(part, "call.name"), "the tool's name does not fit the target")
        if arguments is part.arguments and not part.extra:
            return part
        call = msgspec.structs.replace(part, arguments=arguments, extra={})
        self._losses.follow(part, call)
        return call

    def _member(self, part: ToolCall, name: str) -> str:
        return f"{self._losses.path(part)}.{self._losses.name(name)}"

    def _media(self, part: Image | Document | Audio | Media, role: str) -> Part | None:
        if isinstance(part, Audio | Media):
            kind = "audio" if isinstance(part, Audio) else part.source.media_type or "media of unknown kind"
            self._losses.refuse(self._losses.path(part), f"Anthropic models take no {kind}")
            return None
        if role in ("assistant", "system", "developer"):
            self._losses.drop(self._losses.path(part), f"no media in {role} messages")
            return None
        return self._image(part) if isinstance(part, Image) else self._document(part)

    def _image(self, part: Image) -> Image | None:
        path = self._losses.path(part)
        if self._capabilities.vision is False:
            self._losses.refuse(path, "the model takes no images", code="unsupported_content")
            return None
        if part.detail is not None and part.detail != "auto":
            self._losses.drop(f"{path}.{self._losses.name('image.detail')}", "no choice of resolution")
        source = self._located(part.source, path)
        if source is not None and source.kind == "url" and not self._capabilities.image_url:
            self._losses.refuse(path, "the model takes no image URLs; send the bytes")
            return None
        if source is not None and source.kind == "base64":
            source = self._picture(source, path)
        return None if source is None else Image(source=source, cache=part.cache)

    def _picture(self, source: Source, path: str) -> Source | None:
        """Return the bytes under the type they really have; the vendor refuses a wrong one."""
        data = re.sub(r"\s+", "", source.data or "")
        said = (source.media_type or "").lower().replace("image/jpg", "image/jpeg")
        kind = _sniff(data) or (said if said in _IMAGES else None)
        if kind is None:
            asked = source.media_type or "unknown"
            reason = f"Anthropic models take no {asked} images; send JPEG, PNG, GIF or WebP"
            self._losses.refuse(path, reason)
            return None
        if said and kind != said:
            self._losses.change(f"{path}.media_type", f"the bytes are {kind}")
        return Source(kind="base64", media_type=kind, data=data)

    def _document(self, part: Document) -> Document | None:
        path = self._losses.path(part)
        source = self._located(part.source, path)
        if source is None:
            return None
        media_type = (source.media_type or "application/pdf").lower()
        if source.kind == "base64" and media_type.startswith("text/"):
            source = Source(kind="text", media_type="text/plain", data=_plain_text(source.data or "", path))
        elif source.kind == "base64" and media_type == "application/pdf":
            source = Source(kind="base64", media_type=media_type, data=re.sub(r"\s+", "", source.data or ""))
        elif source.kind == "base64":
            self._losses.refuse(path, f"Anthropic models take no {media_type} files")
            return None
        if source.kind in ("base64", "url") and self._capabilities.pdf is False:
            self._losses.refuse(path, "the model takes no PDF files", code="unsupported_content")
            return None
        if source.kind == "content":
            inner = self.parts(source.parts, role="user")
            source = msgspec.structs.replace(source, parts=inner, extra={})
        return msgspec.structs.replace(part, source=source, extra={})

    def _located(self, source: Source, path: str) -> Source | None:
        """Return a source anybody can open; a file id is known to its own vendor only."""
        if source.kind == "file":
            self._losses.refuse(path, "a file id is valid only at the vendor that issued it")
            return None
        if source.kind == "url" and not _WEB.match(source.url or ""):
            self._losses.refuse(path, "only http and https URLs can be fetched")
            return None
        return source


def _is_plain(messages: Sequence[Message], leading: int) -> bool:
    """Return whether messages of words have nothing beside them: then there is nothing to screen.

    Asked of all at once, without a step of ours for each.
    """
    parts = parts_of(messages)
    texts = list(map(_text_of, parts))
    return (
        all(texts)
        and not any(map(str.isspace, texts))
        and not any(map(_extra_of, parts))
        and not any(map(_citations_of, parts))
        and not any(map(_extra_of, messages))
        and _UNNAMED.issuperset(map(_name_of, messages))
        and _SYSTEM.isdisjoint(map(_role_of, messages[leading:]))
    )


_WORDS: frozenset[type[Part]] = frozenset({Text})
_UNNAMED, _SYSTEM = frozenset({None}), frozenset(SYSTEM)
_text_of, _extra_of, _citations_of = attrgetter("text"), attrgetter("extra"), attrgetter("citations")
_name_of, _role_of = attrgetter("name"), attrgetter("role")


def is_native(part: Reasoning, capabilities: Capabilities, *, trusted: bool) -> bool:
    """Return whether this model's family signed a piece of reasoning.

    Without a provenance the part came from the client: `trusted` says whether the client speaks
    this dialect, and so got the signature from here.
    """
    if not part.signature and part.redacted is None:
        return False
    origin = part.provenance
    if origin is None:
        return trusted
    known = origin.family is not None and capabilities.family is not None
    return origin.dialect == "anthropic" and (not known or origin.family == capabilities.family)


def _sniff(data: str) -> str | None:
    try:
        start = base64.b64decode(data[:32], validate=True)
    except (binascii.Error, ValueError):
        return None
    return next((kind for magic, kind in _MAGIC if start.startswith(magic)), None)


def _plain_text(data: str, path: str) -> str:
    try:
        return base64.b64decode(data, validate=False).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        raise CallerError(f"{path}: the file is not valid base64", param=path) from None


__all__ = ["Screen", "is_native"]
