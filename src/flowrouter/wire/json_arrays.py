"""A stream that came as the elements of one JSON array, as Google's does without `alt=sse`."""

from __future__ import annotations

import msgspec

from flowrouter.wire.json import Raw, typed
from flowrouter.wire.sse import one_line, write

_elements = typed(list[Raw])


def as_events(body: bytes) -> bytes:
    """Return the server-sent events that the elements of an array stand for; empty if `body` is none."""
    try:
        elements = _elements.decode(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return b""
    return b"".join(write(one_line(bytes(element))) for element in elements)


__all__ = ["as_events"]
