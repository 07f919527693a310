"""Writes ASGI answers: heads, bodies, streams."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Mapping
from types import MappingProxyType
from typing import Any

Send = Callable[[Any], Coroutine[Any, Any, None]]
Headers = list[tuple[bytes, bytes]]

JSON_TYPE = (b"content-type", b"application/json")
_UNBUFFERED: Headers = [(b"cache-control", b"no-cache"), (b"x-accel-buffering", b"no")]
STREAM_HEADERS: Mapping[str, Headers] = MappingProxyType(
    {
        "sse": [(b"content-type", b"text/event-stream; charset=utf-8"), *_UNBUFFERED],
        "array": [JSON_TYPE, *_UNBUFFERED],
    }
)
"""The headers of a stream by how it is cut: events, or the elements of one JSON array."""


def send_head(send: Send, status: int, headers: Headers) -> Coroutine[Any, Any, None]:
    """Send the status line and headers, once awaited."""
    return send({"type": "http.response.start", "status": status, "headers": headers})


def send_piece(send: Send, body: bytes) -> Coroutine[Any, Any, None]:
    """Send a piece of a body that goes on, once awaited."""
    return send({"type": "http.response.body", "body": body, "more_body": True})


def send_last(send: Send, body: bytes = b"") -> Coroutine[Any, Any, None]:
    """Send the last piece of a body, once awaited."""
    return send({"type": "http.response.body", "body": body, "more_body": False})


async def send_json(
    send: Send, status: int, body: bytes, *, extra: Iterable[tuple[bytes, bytes]] = ()
) -> None:
    """Send a whole JSON answer."""
    headers = [JSON_TYPE, (b"content-length", b"%d" % len(body)), *extra]
    await send_head(send, status, headers)
    await send_last(send, body)


__all__ = [
    "JSON_TYPE",
    "STREAM_HEADERS",
    "Headers",
    "Send",
    "send_head",
    "send_json",
    "send_last",
    "send_piece",
]
