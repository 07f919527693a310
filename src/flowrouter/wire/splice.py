"""Changes a few top-level members of a JSON object and leaves every other byte as it was.

A member whose key occurs once in the whole body is replaced in place, and a new one is put right
behind the opening brace. Only where that is ambiguous (the key also occurs deeper, twice, or perhaps
in escapes) the object is rebuilt from the raw slices of its members: their values keep their bytes,
only white space between members changes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, cast

import msgspec

from flowrouter.wire.json import JsonError, Raw, dumps, loads, repeats
from flowrouter.wire.marks import holds

_STRETCH = 256 * 1024

_members: msgspec.json.Decoder[dict[str, msgspec.Raw]] = msgspec.json.Decoder(dict[str, msgspec.Raw])

_COLON = re.compile(rb"[ \t\r\n]*:[ \t\r\n]*")
# A key of plain letters of which some are written as escapes: `"mod\u0065l":`.
_SPELT_KEY = re.compile(rb'"\w*(?:\\u00[0-7][0-9A-Fa-f]\w*)+"[ \t\r\n]*:')


def splice(body: bytes, edits: Mapping[str, bytes], *, old: Mapping[str, bytes]) -> bytes:
    """Return `body` with each member of `edits` set to the given JSON text.

    `old` gives the present raw value of members that exist (a skim has read them); a member not in
    `old` is added. Raises `JsonError` if `body` is not an object.
    """
    for key, value in edits.items():
        if key not in old:
            body = _insert(body, key, value)
        else:
            body = in_place(body, key, old=old[key], new=value) or _rebuild(body, key, value)
    return body


def in_place(body: bytes, key: str, *, old: bytes, new: bytes) -> bytes | None:
    """Return `body` with the member `key`, whose text is `old`, set to `new`; None where it is not plain which that is."""
    name = b'"%b"' % key.encode()
    at = body.find(name)
    if at < 0 or body.rfind(name) != at or _spelt(body):
        return None
    colon = _COLON.match(body, at + len(name))
    if colon is None or not body.startswith(old, colon.end()):
        return None
    return b"%b%b%b" % (body[: colon.end()], new, body[colon.end() + len(old) :])


def put(body: bytes, key: str, value: bytes) -> bytes:
    """Return `body` with the member `key` set to JSON text, whatever it was; raises `JsonError`."""
    if not holds(body, b'"%b"' % key.encode()) and not _spelt(body):
        return _insert(body, key, value)
    return _rebuild(body, key, value) if key in _decoded(body) else _insert(body, key, value)


def remove(body: bytes, path: str) -> bytes:
    """Return `body` without the member at `path` (`reasoning.summary`), an object left empty going with it.

    The values of all other members keep their bytes. Raises `JsonError` if `body` is not an object.
    """
    name, _, rest = path.partition(".")
    members = dict(_decoded(body))
    value = members.pop(name, None)
    if rest and value is not None:
        inner = remove(dumps(value), rest)
        if inner != b"{}":
            return dumps({**_decoded(body), name: Raw(inner)})
    return dumps(members)


def once(body: bytes) -> bytes:
    """Return `body` with every member of every object in it once: the last of several, which is the one we read.

    Other readers take the first, and would see what nobody looked at. A body in which nothing stands twice stays
    as it is. Raises `JsonError` if it cannot be read.
    """
    return dumps(loads(body)) if repeats(body) else body


def unambiguous(body: bytes, names: tuple[str, ...]) -> bytes:
    """Return `body` as `once` does if any of `names` stands in it as a key more than once, else as it is.

    Cheaper than `once`, for bodies of which only these members matter. Raises `JsonError` like it.
    """
    found: list[bytes] = [name for part in _stretches(body) for name in _named(names).findall(part)]
    return once(body) if _spelt(body) or len(set(found)) < len(found) else body


def _stretches(body: bytes) -> Iterator[bytes]:
    """Yield `body` in parts short enough for other threads to wait for; none ends between a key and its colon."""
    start = 0
    while len(body) - start > _STRETCH and (comma := body.find(b",", start + _STRETCH)) >= 0:
        yield body[start : comma + 1]
        start = comma + 1
    yield body[start:] if start else body


@lru_cache(maxsize=8)
def _named(names: tuple[str, ...]) -> re.Pattern[bytes]:
    """Return what finds `names` as keys, at any depth; one pass, since bodies may be large."""
    return re.compile(b'"(%b)"[ \\t\\r\\n]*:' % b"|".join(re.escape(name.encode()) for name in names))


def rename(body: bytes, old: str, new: str) -> bytes:
    """Return `body` with the member `old` called `new`, in its place; raises `JsonError` if not an object."""
    return dumps({new if name == old else name: value for name, value in _decoded(body).items()})


def _spelt(body: bytes) -> bool:
    """Return whether a key stands in `body` with letters as escapes."""
    return holds(body, b"\\u00") and _SPELT_KEY.search(body) is not None


def _insert(body: bytes, key: str, value: bytes) -> bytes:
    brace = body.find(b"{") + 1
    rest = body[brace:].lstrip(b" \t\r\n")
    if not brace or body[: brace - 1].strip(b" \t\r\n"):
        raise JsonError("not an object")
    comma = b"" if rest.startswith(b"}") else b","
    return b"%b%b:%b%b%b" % (body[:brace], dumps(key), value, comma, body[brace:])


def _rebuild(body: bytes, key: str, value: bytes) -> bytes:
    return dumps({**_decoded(body), key: Raw(value)})


def _decoded(body: bytes) -> Mapping[str, Any]:
    """Return the members of `body` as raw slices, or as values where its text needs a lenient reading."""
    try:
        return _members.decode(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        value = loads(body)
    if not isinstance(value, dict):
        raise JsonError("not an object")
    return cast("dict[str, Any]", value)


__all__ = ["in_place", "once", "put", "remove", "rename", "splice", "unambiguous"]
