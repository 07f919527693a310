"""What the books need of a whole message that passes as it is: all but its words.

Only the common forms are known here. Of any other message there is no outline, and it is parsed in full.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from flowrouter.canonical.outline import Outline
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


def outline(body: bytes) -> Outline | None:
    """Return where a message ended, without its words, None where it takes a full reading to tell."""
    try:
        told = _message.decode(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    return Outline(
        told.id,
        told.model,
        parse_usage(told.usage),
        finish_of(told.stop_reason) or "other",
        tuple([block.name for block in told.content if type(block) is _ToolUse]),
    )


__all__ = ["outline"]
