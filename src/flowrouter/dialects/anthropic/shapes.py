"""Wire shapes: what a skim decodes from a request body, and nothing it does not need."""

from __future__ import annotations

from typing import Any

import msgspec

from flowrouter.wire.json import Raw


class HeadShape(msgspec.Struct):
    """The members of a request that every request is read for."""

    model: str
    stream: bool | None = None
    max_tokens: int | None = None
    thread: Raw = Raw(b"null")


class ModelShape(msgspec.Struct):
    """The raw text of the one member that is edited in place."""

    model: Raw


class BlockShape(msgspec.Struct):
    """A content block by its type; a tool result may hold blocks of its own."""

    type: str = ""
    content: Raw = Raw(b"null")


class MessageShape(msgspec.Struct):
    """A message whose content stays raw."""

    role: str = ""
    content: Raw = Raw(b"null")


class ThinkingShape(msgspec.Struct):
    """The switch of the thinking control, and how much of it in tokens."""

    type: str = ""
    budget_tokens: Any = None


class OutputConfigShape(msgspec.Struct):
    """How much effort is asked for."""

    effort: Any = None


class ToolShape(msgspec.Struct):
    """A tool by its type; those of the client's own need none."""

    type: Any = None


class CountsShape(msgspec.Struct):
    """The members whose sizes and kinds a routing rule may ask for."""

    messages: list[MessageShape] = []
    system: Raw = Raw(b"null")
    tools: list[Raw] | None = None
    thinking: ThinkingShape | None = None
    output_config: OutputConfigShape | None = None


__all__ = [
    "BlockShape",
    "CountsShape",
    "HeadShape",
    "MessageShape",
    "ModelShape",
    "OutputConfigShape",
    "ThinkingShape",
    "ToolShape",
]
