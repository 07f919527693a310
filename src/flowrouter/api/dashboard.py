"""The files of the dashboard: the page at `/` and what it loads from `/static`.

They hold no secret, so they are served without a login. A file is read and packed at its first request
and kept, a stylesheet with those it imports in their place; it is looked at again (`stat`) at every other, so that an editor's save shows at the next
reload. Browsers ask each time whether their copy is still good (`no-cache`), and mostly it is (304).
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import re
from pathlib import Path

import msgspec
from starlette.requests import Request
from starlette.responses import Response

STATIC = Path(__file__).resolve().parents[1] / "static"

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; font-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)
"""What a page of ours may load and do: its own files, its own gateway, nothing inline."""

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
    "": "text/plain; charset=utf-8",
}
_IMPORT = re.compile(rb"""^@import url\("(?P<at>[^"]+)"\);$""", re.MULTILINE)
_PACKED_ALREADY = {".png", ".woff2"}
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*(?:/[A-Za-z0-9_-][A-Za-z0-9_.-]*)*")
_HEADERS = {
    "cache-control": "no-cache",
    "content-security-policy": POLICY,
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "vary": "accept-encoding",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


_Sources = tuple[tuple[Path, tuple[int, int]], ...]


class _File(msgspec.Struct, frozen=True, kw_only=True):
    """One file as it was read last, with what it was made of; `packed` is None where packing gains nothing."""

    sources: _Sources
    media: str
    tag: str
    body: bytes
    packed: bytes | None


class Dashboard:
    """Answers with the files below `folder`."""

    def __init__(self, folder: Path = STATIC) -> None:
        self._folder = folder
        self._files: dict[str, _File] = {}

    async def answer(self, request: Request, name: str) -> Response | None:
        """Return the answer to a request for the file `name`, None if there is none of that name."""
        file = await self._file(name)
        if file is None:
            return None
        headers = {**_HEADERS, "etag": file.tag}
        if file.tag in _tags(request.headers.get("if-none-match", "")):
            return Response(status_code=304, headers=headers)
        body = file.body
        if file.packed is not None and _takes_gzip(request.headers.get("accept-encoding", "")):
            body, headers["content-encoding"] = file.packed, "gzip"
        # Set here, since Starlette would add a charset of its own.
        return Response(body, headers={**headers, "content-type": file.media})

    async def _file(self, name: str) -> _File | None:
        media = _TYPES.get(Path(name).suffix)
        if media is None or not _NAME.fullmatch(name):
            return None
        try:
            file = self._files.get(name)
            if file is None or any(_state(path) != state for path, state in file.sources):
                file = self._files[name] = await asyncio.to_thread(_read, self._folder / name, media)
        except OSError:  # not there, a folder, or being replaced at this moment
            self._files.pop(name, None)
            return None
        return file


def _state(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_mtime_ns, found.st_size


def _read(path: Path, media: str) -> _File:
    sources = {path: _state(path)}
    body = path.read_bytes()
    if path.suffix == ".css":  # one file instead of a round trip more before the first paint
        for each in _IMPORT.finditer(body):
            imported = path.parent / each["at"].decode()
            sources[imported] = _state(imported)
            body = body.replace(each[0], imported.read_bytes())
    packed = None if path.suffix in _PACKED_ALREADY else gzip.compress(body, 9, mtime=0)
    if packed is not None and len(packed) >= len(body):
        packed = None
    # Weak, since one tag stands for the plain and the packed form.
    tag = f'W/"{hashlib.sha256(body).hexdigest()[:24]}"'
    return _File(sources=tuple(sources.items()), media=media, tag=tag, body=body, packed=packed)


def _tags(sent: str) -> set[str]:
    return {each.strip() for each in sent.split(",")}


def _takes_gzip(sent: str) -> bool:
    """Return whether `accept-encoding` names gzip without refusing it (`;q=0`)."""
    for each in sent.lower().split(","):
        coding, _, weight = each.partition(";")
        if coding.strip() in ("gzip", "*"):
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


__all__ = ["POLICY", "STATIC", "Dashboard"]
