"""Heads of requests and answers: what is refused of the former, how the latter are written."""

from __future__ import annotations

import http
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

import httptools
import msgspec

Fields = list[bytes]
"""A request's headers as they came: a name, its value, a name, …"""

_OFFERS = frozenset({b"upgrade", b"http2-settings"})
_HOSTS = "a request has one Host"

_NAME = re.compile(b'[\x00-\x1f\x7f()<>@,;:\\[\\]={} \t\\\\"]')
_TEXT = bytes(code for code in range(256) if code == 9 or (code >= 32 and code != 127))
# A header line begins with the end of the line before it, so that two pieces make one.
_LENGTH, _ENCODING, _CONNECTION = b"\r\ncontent-length: ", b"\r\ntransfer-encoding: ", b"\r\nconnection: "
_FRAMING = frozenset({_LENGTH, _ENCODING, _CONNECTION})
_MOST_LABELS = 500

_labels: dict[bytes, bytes] = {}


def _status_line(status: int) -> bytes:
    try:
        phrase = http.HTTPStatus(status).phrase
    except ValueError:
        phrase = ""
    return f"HTTP/1.1 {status} {phrase}".encode()


STATUS_LINES = {status: _status_line(status) for status in range(100, 600)}


class RequestHead(msgspec.Struct, eq=False):
    """What the head of a request comes to; the same object for all that repeat it, on whichever connection.

    `fields` are the headers as they came, where `headers` do not tell them apart. `plain` says that its body waits
    for no word and is to be read as it comes. `entry` is the application's: what it has found out about such a head.
    """

    method: str
    path: str
    raw_path: bytes
    query: bytes
    version: str
    headers: dict[str, str]
    fields: Fields | None
    expects: bool
    plain: bool
    entry: Any = None

    __repr__ = object.__repr__  # what headers hold is nobody's to read in a log


def weighed(
    version: str, method: bytes, url: bytes, *, headers: Mapping[str, str], fields: Fields
) -> str | None:
    """Return what is wrong with a head that the parser let pass; `headers` are its `fields` by name."""
    if version not in ("1.1", "1.0"):
        return "only HTTP/1.1 is spoken here"
    host = headers.get("host")
    if host is None:
        if version == "1.1":
            return _HOSTS
    elif len(headers) * 2 < len(fields) and sum(name.lower() == b"host" for name in fields[::2]) > 1:
        return _HOSTS
    encoding = headers.get("transfer-encoding")
    if encoding is not None and (encoding.strip(" \t").lower() != "chunked" or version == "1.0"):
        return "of transfer encodings only `chunked` is taken"
    if method == b"CONNECT":
        return "no tunnels are opened here"
    if not url.startswith(b"/") and url != b"*" and not _agree(url, (host or "").encode("latin-1")):
        return "the address and the Host do not agree"
    return None


def head_of(
    version: str, method: bytes, url: bytes, *, headers: dict[str, str], fields: Fields
) -> RequestHead:
    """Return what a head comes to; raises as `place_of` does."""
    expects = "expect" in headers and says(fields, b"expect", b"100-continue")
    return RequestHead(
        str(method, "ascii"),
        *place_of(url),
        version,
        headers,
        fields if len(headers) * 2 < len(fields) else None,
        expects,
        not expects and "content-encoding" not in headers,
    )


def parser_for(connection: Any) -> Any:
    """Return what calls the connection back with what it finds in its bytes."""
    parser = httptools.HttpRequestParser(connection)
    # Where a request ends its connection, what stands behind it must not undo the answer.
    parser.set_dangerous_leniencies(lenient_data_after_close=True)
    return parser


def says(fields: Fields, name: bytes, value: bytes) -> bool:
    """Return whether a header `name` has this value, alone on its line (lower case)."""
    return any(each.lower() == name and said.lower() == value for each, said in pairs_in(fields))


def pairs_in(fields: Fields) -> Iterator[tuple[bytes, bytes]]:
    """Return the headers as pairs."""
    return zip(fields[::2], fields[1::2], strict=True)


def _agree(url: bytes, host: bytes) -> bool:
    """Return whether an address with a host of its own names the one in the header."""
    parsed = httptools.parse_url(url)
    return bool(parsed.host) and _authority(parsed) == host.lower()


def _authority(url: Any) -> bytes:
    host: bytes = url.host.lower()
    host = b"[%s]" % host if b":" in host else host
    return host + b":%d" % url.port if url.port else host


@lru_cache(maxsize=128)
def place_of(url: bytes) -> tuple[str, bytes, bytes]:
    """Return path, path as it was sent, and query of an address; raises `ValueError` and httptools' errors."""
    if url.startswith(b"/") and b"#" not in url:
        raw, _, query = url.partition(b"?")
    else:
        parsed = httptools.parse_url(url)
        raw, query = parsed.path, parsed.query or b""
    path = raw.decode("ascii")
    return (unquote(path) if "%" in path else path), raw, query


def without_offers(parser: Any, url: bytes, *, fields: Fields) -> bytes:
    """Return the head of a request that was parsed anew, less what offers another protocol."""
    head = [parser.get_method(), b" ", url, b" HTTP/%b\r\n" % parser.get_http_version().encode()]
    for raw, value in pairs_in(fields):
        name = raw.lower()
        if name == b"connection":
            kept = [token.strip() for token in value.split(b",") if token.strip().lower() not in _OFFERS]
            value = b", ".join(kept)
            if not value:
                continue
        if name not in _OFFERS:
            head += [name, b": ", value, b"\r\n"]
    return b"".join([*head, b"\r\n"])


def refusal_of(status: int, text: str) -> bytes:
    """Return the answer that says what is wrong, the last one on its connection."""
    fields = b"\r\ncontent-type: text/plain; charset=utf-8\r\nconnection: close"
    body = text.encode()
    return b"%b%b\r\ncontent-length: %d\r\n\r\n%b" % (STATUS_LINES[status], fields, len(body), body)


def answer_lines(fields: Iterable[tuple[bytes, bytes]]) -> tuple[bytes, int | None, bool, bool]:
    """Return an answer's headers as lines, the length they state, whether chunked, whether the last one.

    Raises `RuntimeError` for what would not be the headers they seem to be.
    """
    parts: list[bytes] = []
    length: int | None = None
    chunked = close = False
    for name, value in fields:
        label = _labels.get(name) or _label(name)
        if label in _FRAMING:
            if label is _LENGTH:
                length = int(value) if length is None else length
            elif label is _CONNECTION:
                close = close or b"close" in [token.strip() for token in value.lower().split(b",")]
            else:
                chunked = chunked or value.lower() == b"chunked"
        parts += (label, value)
    lines = b"".join(parts)
    if lines.translate(None, _TEXT) != b"\r\n" * (len(parts) // 2):
        raise RuntimeError("Invalid HTTP header value.")
    return lines, length, chunked, close


def _label(name: bytes) -> bytes:
    """Return a header's name as it leaves; those that were met are kept, since they are few."""
    if _NAME.search(name):
        raise RuntimeError("Invalid HTTP header name.")
    label = b"\r\n%b: " % name.lower()
    for known in _FRAMING:
        if label == known:
            label = known
    if len(_labels) < _MOST_LABELS:
        _labels[name] = label
    return label


__all__ = [
    "STATUS_LINES",
    "Fields",
    "RequestHead",
    "answer_lines",
    "head_of",
    "pairs_in",
    "parser_for",
    "place_of",
    "refusal_of",
    "says",
    "weighed",
    "without_offers",
]
