"""Inline and stored media of the wire, by their media types."""

from __future__ import annotations

import re

import msgspec

from flowrouter.canonical.parts import Audio, Document, Extra, Image, Media, Source

MediaPart = Image | Document | Audio | Media

MEDIA_INSIDE = "functionResponse.parts"
"""The extension of models that take media inside a function's response (Gemini 3 and later)."""

_ONLY_GOOGLE = re.compile(r"gs://|files/|https?://generativelanguage\.googleapis\.com/", re.IGNORECASE)
_VIDEO_SITE = re.compile(r"https?://(www\.|m\.)?(youtube\.com|youtu\.be)/", re.IGNORECASE)
_FORMATS = {"audio/x-wav": "wav", "audio/wave": "wav", "audio/mpeg": "mp3", "audio/x-m4a": "m4a"}
_TYPES = {"pcm16": "audio/L16;rate=24000", "m4a": "audio/mp4"}
_ENDINGS = {
    "png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "webp": "image/webp",
    "gif": "image/gif", "heic": "image/heic", "pdf": "application/pdf", "txt": "text/plain",
    "mp4": "video/mp4", "mov": "video/quicktime", "webm": "video/webm", "mp3": "audio/mp3",
    "wav": "audio/wav",
}  # fmt: skip


def inline_part(
    media_type: str | None, data: str, *, title: str | None, inner: Extra, extra: Extra
) -> MediaPart:
    """Return the part for bytes of a media type; `inner` and `extra` are what nobody understood."""
    kind = (media_type or "").lower()
    if kind.startswith("audio/") and ";" not in kind:
        sound = _FORMATS.get(kind, kind.partition("/")[2])
        inner = inner if title is None else {**inner, "displayName": title}
        return Audio(data=_plain_base64(data), format=sound, extra=_with(extra, "inlineData", inner))
    source = Source(kind="base64", media_type=media_type, data=_plain_base64(data), extra=inner)
    return _by_type(source, title, extra)


def _plain_base64(data: str) -> str:
    """Return base64 in the alphabet that every vendor takes; Google's own SDKs write the one for URLs."""
    return data.replace("-", "+").replace("_", "/") + "=" * (-len(data) % 4)


def stored_part(
    media_type: str | None, uri: str, *, title: str | None, inner: Extra, extra: Extra
) -> MediaPart:
    """Return the part for media behind an address; files that only Google can open are file ids."""
    if only_google_opens(uri):
        source = Source(kind="file", media_type=media_type, file_id=uri, extra=inner)
    else:
        source = Source(kind="url", media_type=media_type, url=uri, extra=inner)
    return _by_type(source, title, extra)


def only_google_opens(uri: str) -> bool:
    """Return whether an address is a file that lies at Google, of no use to any other vendor."""
    return _ONLY_GOOGLE.match(uri) is not None


def google_opens(uri: str) -> bool:
    """Return whether every Gemini model takes an address: Google's own files and its video site."""
    return only_google_opens(uri) or _VIDEO_SITE.match(uri) is not None


def audio_type(sound: str) -> str:
    """Return the media type of an audio format as OpenAI names it."""
    return _TYPES.get(sound.lower(), f"audio/{sound.lower()}")


def guessed_type(uri: str) -> str | None:
    """Return the media type that the ending of an address suggests."""
    path = re.split(r"[?#]", uri, maxsplit=1)[0]
    return _ENDINGS.get(path.rpartition(".")[2].lower())


def _by_type(source: Source, title: str | None, extra: Extra) -> MediaPart:
    """Return the part for a source; only documents have titles, the rest keeps its name as it came."""
    kind = (source.media_type or "").lower()
    if kind.startswith(("text/", "application/")):
        return Document(source=source, title=title, extra=extra)
    if title is not None:
        source = msgspec.structs.replace(source, extra={**source.extra, "displayName": title})
    return (
        Image(source=source, extra=extra) if kind.startswith("image/") else Media(source=source, extra=extra)
    )


def _with(extra: Extra, name: str, inner: Extra) -> Extra:
    return {**extra, name: inner} if inner else extra


__all__ = [
    "MEDIA_INSIDE",
    "MediaPart",
    "audio_type",
    "google_opens",
    "guessed_type",
    "inline_part",
    "only_google_opens",
    "stored_part",
]
