"""Wire shapes for typed reads of a request body: only what a skim asks for is ever decoded."""

from __future__ import annotations

from typing import Any

import msgspec

from flowrouter.wire.json import Raw, typed


class HeadShape(msgspec.Struct):
    """Level 0. Members whose type only the vendor should judge are read as anything."""

    model: str = ""
    stream: bool | None = None
    background: Any = None
    max_output_tokens: Any = None
    prompt_cache_key: Any = None


class CountsShape(msgspec.Struct):
    """Level 1: the items and tools as raw slices, and the switch for reasoning."""

    input: Raw = Raw(b"[]")
    instructions: Raw = Raw(b"")
    tools: Raw = Raw(b"")
    reasoning: Any = None


class ItemShape(msgspec.Struct):
    """An item without its text: the type, and content, output or the tools it offers as raw slices."""

    type: Any = None
    content: Raw = Raw(b"")
    output: Raw = Raw(b"")
    tools: Raw = Raw(b"")


class PartShape(msgspec.Struct):
    """A content part without its payload."""

    type: Any = None


class ToolShape(msgspec.Struct):
    """A tool by its type; a namespace holds tools of its own."""

    type: Any = None
    tools: Raw = Raw(b"")


head_decoder = typed(HeadShape)
counts_decoder = typed(CountsShape)
items_decoder = typed(list[ItemShape])
parts_decoder = typed(list[PartShape])
tools_decoder = typed(list[ToolShape])
raw_list_decoder = typed(list[Raw])

__all__ = [
    "CountsShape",
    "HeadShape",
    "ItemShape",
    "PartShape",
    "ToolShape",
    "counts_decoder",
    "head_decoder",
    "items_decoder",
    "parts_decoder",
    "raw_list_decoder",
    "tools_decoder",
]
