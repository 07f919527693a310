"""Wire shapes for typed reads of a request body: only what a skim asks for is ever decoded."""

from __future__ import annotations

from typing import Any

import msgspec

from flowrouter.wire.json import Raw, typed


class HeadShape(msgspec.Struct):
    """Level 0. Members whose type only the vendor should judge are read as anything."""

    model: str = ""
    stream: bool | None = None
    stream_options: Any = None
    max_tokens: Any = None
    max_completion_tokens: Any = None
    prompt_cache_key: Any = None
    functions: Raw = Raw(b"")


class OwnedShape(msgspec.Struct):
    """The owned field that may hold members of the client's own; empty where absent."""

    stream_options: Raw = Raw(b"")


class CountsShape(msgspec.Struct):
    """Level 1: the messages and tools as raw slices, and the switches for reasoning."""

    messages: Raw = Raw(b"[]")
    tools: Raw = Raw(b"")
    functions: Raw = Raw(b"")
    reasoning_effort: Any = None
    reasoning: Any = None
    thinking: Any = None
    enable_thinking: Any = None
    web_search_options: Any = None


class MessageShape(msgspec.Struct):
    """A message without its text: the role, and the content as a raw slice."""

    role: str = ""
    content: Raw = Raw(b"")


class PartShape(msgspec.Struct):
    """A content part without its payload."""

    type: str = ""


head_decoder = typed(HeadShape)
owned_decoder = typed(OwnedShape)
counts_decoder = typed(CountsShape)
messages_decoder = typed(list[MessageShape])
parts_decoder = typed(list[PartShape])
raw_list_decoder = typed(list[Raw])

__all__ = [
    "CountsShape",
    "HeadShape",
    "MessageShape",
    "OwnedShape",
    "PartShape",
    "counts_decoder",
    "head_decoder",
    "messages_decoder",
    "owned_decoder",
    "parts_decoder",
    "raw_list_decoder",
]
