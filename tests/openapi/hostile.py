"""Calls that no schema would make: what cannot be said in JSON, in a header or in an address, and what is too much."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any, NamedTuple

HUGE = 10**30
_WORDS = ("\u0000", "a\u0000b", "\ud800", "é" * 5_000, "", " ", "\u202e", "../../etc/passwd", "%00", "🦆")

_QUERIES = (
    "%00=1",
    "limit=1&limit=2",
    "%",
    "limit=%00",
    "limit=99999999999999999999",
    "limit=-1",
    "limit=1.5",
    "cursor=%ED%A0%80",
    "cursor=WzFd",
    "cursor=WyJhIiwgMV0",
    "cursor=bnVsbA",
    "cursor=" + "W" * 5_000,
    "since=" + "9" * 5_000,
    "since=%D9%A1%D9%A2%D9%A3%D9%A4%D9%A5",
    "until=0001-01-01T00:00:00%2B23:59",
    "since=99999-01-01",
    "utc_offset_minutes=99999999",
    "model=%00",
)


class Shot(NamedTuple):
    """One call: an address (percent-encoded), headers besides the credential, and bytes."""

    name: str
    path: str
    headers: dict[str, str]
    body: bytes | None


def shots(operation: dict[str, Any], method: str, path: str, *, real: str) -> Iterator[Shot]:
    """Yield hostile calls of one operation; `real` is an id that leads somewhere."""
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    whole = content and json.dumps(content["example"]).encode()
    sound = path.replace("{id}", real)
    json_type = {"content-type": "application/json"}
    if "{id}" in path:
        for word in (
            "%00",
            "a%00b",
            "a%0Ab",
            "%ED%A0%80",
            "%FF",
            "x" * 8_000,
            "%2e%2e",
            "%F0%9F%A6%86",
            "%20",
            "0",
        ):
            yield Shot(f"id {word[:12]}", path.replace("{id}", word), json_type, whole)
    asked = any(each["in"] == "query" for each in operation["parameters"])
    queries = _QUERIES if asked else _QUERIES[:3]
    for query in queries:
        yield Shot(f"query {query[:24]}", f"{sound}?{query}", json_type, whole)
    for tag in (
        "garbage",
        '"',
        '"9999999999999999999999"',
        '"١"',
        'W/"1"',
        "*, *",
        "",
        '"1", "2"',
        "x" * 5_000,
    ):
        text = tag.encode().decode("latin-1")
        headers = {**json_type, "if-match": text, "if-none-match": text}
        yield Shot(f"tag {tag[:12]}", sound, headers, whole)
    for key in ("", " ", "é", "x" * 201):
        headers = {**json_type, "idempotency-key": key.encode().decode("latin-1")}
        yield Shot(f"idempotency key {key[:6]}", sound, headers, whole)
    yield from _pages(sound, json_type, whole)
    if whole is not None:
        for name, body in _bodies(content["example"]):
            yield Shot(f"body {name}", sound, json_type, body)
        yield Shot("a form", sound, {"content-type": "application/x-www-form-urlencoded"}, b"a=1")
        yield Shot("no type", sound, {}, whole)


def _pages(sound: str, json_type: dict[str, str], whole: bytes | None) -> Iterator[Shot]:
    """Yield what pages of other sites, and other hosts, would send."""
    yield Shot("foreign page", sound, {**json_type, "origin": "https://evil.example"}, whole)
    yield Shot("foreign host", sound, {**json_type, "host": "evil.example"}, whole)
    yield Shot("cross site", sound, {**json_type, "sec-fetch-site": "cross-site"}, whole)


def _bodies(example: Any) -> Iterator[tuple[str, bytes]]:
    for raw in (b"", b"{", b"null", b"[]", b"1", b'"x"', b"\xff\xfe{}", b'{"\\ud800": 1}', b"[" * 50_000,
                b'{"a":' * 50_000, b'{"name": 1e999}', b'{"__proto__": {}}', b"{}" + b" " * 2_000_000):  # fmt: skip
        yield repr(raw[:16]), raw
    yield "given twice", b'{"name": "a", "name": "b"}'
    for place in _places(example):
        for value in (HUGE, -HUGE, 1.5, -1, 0, None, True, [], {}, *_WORDS):
            changed = _with(example, place, value)
            yield f"{place} {str(value)[:12]!r}", json.dumps(changed).encode("utf-8", "surrogatepass")


def _places(value: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    steps: Any = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for step, member in steps:
        yield (*above, step)
        yield from _places(member, (*above, step))


def _with(example: Any, place: tuple[Any, ...], value: Any) -> Any:
    changed = copy.deepcopy(example)
    at = changed
    for step in place[:-1]:
        at = at[step]
    at[place[-1]] = value
    return changed


__all__ = ["Shot", "shots"]
