"""Reads data URLs as clients really write them, and writes plain ones.

Seen in practice: parameters (`data:image/png;name=a.png;base64,`), upper-case media types, white
space in the payload, the prefix doubled, no media type at all, bare base64, percent-encoding
instead of base64, the URL-safe alphabet. All of it becomes a media type and plain base64; the
original string is kept beside it where it differs, for its own dialect.
"""

from __future__ import annotations

import base64
import binascii
from urllib.parse import unquote_to_bytes

from flowrouter.canonical.parts import Source
from flowrouter.errors import CallerError

UNKNOWN = "application/octet-stream"

_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
)
_EXTENSIONS = {
    "pdf": "application/pdf",
    "txt": "text/plain",
    "md": "text/markdown",
    "csv": "text/csv",
    "html": "text/html",
    "json": "application/json",
}
_ALIASES = {"image/jpg": "image/jpeg", "image/pjpeg": "image/jpeg", "application/x-pdf": "application/pdf"}


def is_data_url(url: str) -> bool:
    """Return whether `url` carries its bytes itself."""
    return url[:64].lstrip()[:5].lower() == "data:"


def read_data_url(url: str, *, path: str, filename: str | None = None) -> Source:
    """Return the source that a data URL or bare base64 holds; raises `CallerError` naming `path`.

    Text media become a `text` source; all else is `base64`. `url` of the source is the original
    string, unless writing the source gives the same one again.
    """
    media_type, payload, is_base64 = _split(url.strip())
    data = _tidy(payload) if is_base64 else base64.b64encode(unquote_to_bytes(payload)).decode()
    if not data:
        raise CallerError(f"{path} holds no data.", param=path, code="invalid_value")
    media_type = _ALIASES.get(media_type, media_type) or _guess(data, filename)
    if media_type.startswith("text/") and (text := _decode_text(data)) is not None:
        return Source(kind="text", media_type=media_type, data=text, url=url)
    same = (
        data is payload
        and url.startswith(data_url_prefix(media_type))
        and len(url) == len(data_url_prefix(media_type)) + len(data)
    )
    return Source(kind="base64", media_type=media_type, data=data, url=None if same else url)


def data_url_prefix(media_type: str) -> str:
    """Return what stands before the base64 of a plain data URL."""
    return f"data:{media_type};base64,"


def write_data_url(source: Source) -> str:
    """Return a plain data URL for a `base64` or `text` source."""
    data = source.data or ""
    if source.kind == "text":
        data = base64.b64encode(data.encode("utf-8", "replace")).decode()
    return data_url_prefix(source.media_type or UNKNOWN) + data


def _split(url: str) -> tuple[str, str, bool]:
    """Return media type, payload and whether the payload is base64; a doubled prefix is undone."""
    media_type, is_base64 = "", True
    while is_data_url(url):
        header, comma, payload = url.lstrip()[5:].partition(",")
        if not comma:
            return media_type, "", is_base64
        first, *parameters = (piece.strip().lower() for piece in header.split(";"))
        media_type = first if "/" in first else media_type
        is_base64 = "base64" in parameters or first == "base64"
        url = payload
    return media_type, url, is_base64


def _tidy(payload: str) -> str:
    """Return base64 in its plain alphabet, padded and without white space; as is where it was so."""
    tidy = payload
    if "%" in tidy:
        tidy = unquote_to_bytes(tidy).decode("ascii", "replace")
    if any(blank in tidy for blank in " \n\r\t"):
        tidy = "".join(tidy.split())
    if "-" in tidy or "_" in tidy:
        tidy = tidy.replace("-", "+").replace("_", "/")
    missing = -len(tidy) % 4
    return tidy + "=" * missing if missing else tidy


def _guess(data: str, filename: str | None) -> str:
    try:
        start = base64.b64decode(data[:64])
    except (ValueError, binascii.Error):
        start = b""
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return "image/webp"
    for magic, media_type in _MAGIC:
        if start.startswith(magic):
            return media_type
    extension = (filename or "").rpartition(".")[2].lower()
    return _EXTENSIONS.get(extension, UNKNOWN)


def _decode_text(data: str) -> str | None:
    try:
        return base64.b64decode(data).decode()
    except (ValueError, binascii.Error):
        return None


__all__ = ["UNKNOWN", "data_url_prefix", "is_data_url", "read_data_url", "write_data_url"]
