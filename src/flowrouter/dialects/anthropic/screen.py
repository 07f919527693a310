"""Takes out of a foreign conversation what Anthropic cannot hear, or refuses it by name.

Works on the client's own messages, before they are put in order, so that every loss carries the
client's path. What comes out can be rendered part by part.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping

import msgspec

from flowrouter.canonical.arguments import as_object
from flowrouter.canonical.capabilities import Capabilities
from flowrouter.canonical.messages import Message
from flowrouter.canonical.parts import (
    Audio,
    Document,
    Image,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Source,
    Text,
    ToolCall,
    ToolResult,
)
from flowrouter.dialects.anthropic.losses import Losses
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


class Screen:
    """Screens the messages of one request; `screen` raises `CallerError` for what must not be lost."""

    def __init__(self, capabilities: Capabilities, names: Mapping[str, str], losses: Losses) -> None:
        self._capabilities = capabilities
        self._names = names
        self._losses = losses

    def screen(self, messages: tuple[Message, ...]) -> tuple[Message, ...]:
        """Return the messages with every part sayable; empty ones stay, to keep their place."""
        return tuple(self._message(number, message) for number, message in enumerate(messages))

    def parts(self, parts: tuple[Part, ...], path: str, *, role: str) -> tuple[Part, ...]:
        """Return the sayable ones of `parts`."""
        kept = (self._part(part, f"{path}[{place}]", role) for place, part in enumerate(parts))
        return tuple(part for part in kept if part is not None)

    def _message(self, number: int, message: Message) -> Message:
        path = f"messages[{number}]"
        if message.name is not None and message.role != "tool":
            self._losses.drop(f"{path}.name", "no place for a participant's name")
        self._losses.unknown(message.extra, "messages[*]")
        return Message(
            role=message.role, parts=self.parts(message.parts, f"{path}.content", role=message.role)
        )

    def _part(self, part: Part, path: str, role: str) -> Part | None:
        if not isinstance(part, Opaque):
            self._losses.unknown(part.extra, "messages[*].content[*]")
        match part:
            case Text():
                return self._text(part, path)
            case Refusal():
                return self._text(Text(text=part.text), path)
            case Image() | Document() | Audio():
                return self._media(part, path, role)
            case Reasoning():
                return self._reasoning(part, path)
            case ToolCall():
                return self._call(part, path)
            case ToolResult():
                content = self.parts(part.content, f"{path}.content", role="tool")
                return msgspec.structs.replace(part, content=content, extra={}, name=None)
            case Opaque():
                self._losses.drop(path, f"a part only {part.origin} knows")
                return None

    def _text(self, part: Text, path: str) -> Text | None:
        if part.citations:
            self._losses.drop(f"{path}.citations", "citations of another vendor")
        if part.text.strip():
            return msgspec.structs.replace(part, citations=(), extra={})
        if part.text or part.cache is not None:
            self._losses.drop(path, "a text without a visible character")
        return None

    def _reasoning(self, part: Reasoning, path: str) -> Reasoning | None:
        if is_native(part, self._capabilities, trusted=False):
            return msgspec.structs.replace(part, sealed=None, extra={})
        self._losses.drop(path, "reasoning that this model did not sign")
        return None

    def _call(self, part: ToolCall, path: str) -> ToolCall:
        arguments = part.arguments
        if part.kind != "custom":
            value, repair = as_object(part.arguments)
            if repair is not None:
                self._losses.change(f"{path}.arguments", repair)
                arguments = dumps_text(value)
        if self._names.get(part.name, part.name) != part.name:
            self._losses.change(f"{path}.name", "the tool's name does not fit the target")
        return msgspec.structs.replace(part, arguments=arguments, extra={})

    def _media(self, part: Image | Document | Audio, path: str, role: str) -> Part | None:
        if isinstance(part, Audio):
            raise CallerError(f"{path}: Anthropic models take no audio", param=path)
        if role in ("assistant", "system", "developer"):
            self._losses.drop(path, f"no media in {role} messages")
            return None
        return self._image(part, path) if isinstance(part, Image) else self._document(part, path)

    def _image(self, part: Image, path: str) -> Image:
        if self._capabilities.vision is False:
            raise CallerError(f"{path}: the model takes no images", param=path, code="unsupported_content")
        if part.detail is not None and part.detail != "auto":
            self._losses.drop(f"{path}.detail", "no choice of resolution")
        source = self._located(part.source, path)
        if source.kind == "url" and not self._capabilities.image_url:
            raise CallerError(f"{path}: the model takes no image URLs; send the bytes", param=path)
        if source.kind == "base64":
            source = self._picture(source, path)
        return Image(source=source, cache=part.cache)

    def _picture(self, source: Source, path: str) -> Source:
        """Return the bytes under the type they really have; the vendor refuses a wrong one."""
        data = re.sub(r"\s+", "", source.data or "")
        said = (source.media_type or "").lower().replace("image/jpg", "image/jpeg")
        kind = _sniff(data) or (said if said in _IMAGES else None)
        if kind is None:
            reason = f"{source.media_type or 'unknown'} images; send JPEG, PNG, GIF or WebP"
            raise CallerError(f"{path}: Anthropic models take no {reason}", param=path)
        if said and kind != said:
            self._losses.change(f"{path}.media_type", f"the bytes are {kind}")
        return Source(kind="base64", media_type=kind, data=data)

    def _document(self, part: Document, path: str) -> Document:
        source = self._located(part.source, path)
        media_type = (source.media_type or "application/pdf").lower()
        if source.kind == "base64" and media_type.startswith("text/"):
            source = Source(kind="text", media_type="text/plain", data=_plain_text(source.data or "", path))
        elif source.kind == "base64" and media_type == "application/pdf":
            source = Source(kind="base64", media_type=media_type, data=re.sub(r"\s+", "", source.data or ""))
        elif source.kind == "base64":
            raise CallerError(f"{path}: Anthropic models take no {media_type} files", param=path)
        if source.kind in ("base64", "url") and self._capabilities.pdf is False:
            raise CallerError(f"{path}: the model takes no PDF files", param=path, code="unsupported_content")
        if source.kind == "content":
            inner = self.parts(source.parts, f"{path}.content", role="user")
            source = msgspec.structs.replace(source, parts=inner, extra={})
        return msgspec.structs.replace(part, source=source, extra={})

    def _located(self, source: Source, path: str) -> Source:
        """Return a source anybody can open; a file id is known to its own vendor only."""
        if source.kind == "file":
            raise CallerError(f"{path}: a file id is valid only at the vendor that issued it", param=path)
        if source.kind == "url" and not _WEB.match(source.url or ""):
            raise CallerError(f"{path}: only http and https URLs can be fetched", param=path)
        return source


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
