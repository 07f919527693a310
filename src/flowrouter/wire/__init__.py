"""Bytes to frames and back, without meaning.

`json` (the codec), `sse` (server-sent events),
`splice` (edits of a few members in place) and `http` (one outbound request as a value).
"""

from flowrouter.wire.json import JsonError
from flowrouter.wire.sse import Frame, SseError, SseParser

__all__ = ["Frame", "JsonError", "SseError", "SseParser"]
