"""What the books need of a whole message that passes as it is: all but its words.

Only the common forms are known here. Of any other message there is no outline, and it is parsed in full.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from flowrouter.canonical import events as e
from flowrouter.canonical.cursor import Cursor, outlined
from flowrouter.dialects.anthropic.stops import finish_of
from flowrouter.dialects.anthropic.usage import parse_usage
from flowrouter.wire.json import typed


class _Text(msgspec.Struct, tag="text"):
    text: str
    citations: list[dict[str, Any]] | None = None
    cache_control: None = None


class _Thinking(msgspec.Struct, tag="thinking"):
    thinking: str
    signature: str | None = None


class _ToolUse(msgspec.Struct, tag="tool_use"):
    id: str
    name: str
    cache_control: None = None


class _Message(msgspec.Struct):
    type: Literal["message"]
    id: str
    model: str
    content: list[_Text | _Thinking | _ToolUse]
    usage: dict[str, Any]
    stop_reason: str | None = None
    stop_sequence: str | None = None
    error: None = None
    base_resp: None = None


_message = typed(_Message)


def outline(body: bytes) -> Cursor | None:
    """Return where a message ended, without its words, None where it takes a full reading to tell."""
    try:
        told = _message.decode(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    raw = told.stop_reason
    return outlined(
        "anthropic",
        e.Finish(reason=finish_of(raw) or "other", raw=raw, stop_sequence=told.stop_sequence),
        name=told.id,
        model=told.model,
        usage=parse_usage(told.usage),
        called=[block.name for block in told.content if type(block) is _ToolUse],
    )


__all__ = ["outline"]
