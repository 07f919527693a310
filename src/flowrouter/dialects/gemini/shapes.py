"""Wire shapes: what a skim decodes from a request body, and nothing it does not need.

Every name stands in both spellings, since Google's JSON takes either; the one in camelCase is `camel_…`.
"""

from __future__ import annotations

from typing import Any

import msgspec

from flowrouter.wire.json import Raw

_NULL = Raw(b"null")


class ConfigShape(msgspec.Struct):
    """The generation settings that every request is read for."""

    camel_max_output_tokens: int | float | None = msgspec.field(name="maxOutputTokens", default=None)
    max_output_tokens: int | float | None = None


class HeadShape(msgspec.Struct):
    """The members of a request that every request is read for; the address says the rest."""

    camel_generation_config: ConfigShape | None = msgspec.field(name="generationConfig", default=None)
    generation_config: ConfigShape | None = None
    camel_cached_content: str | None = msgspec.field(name="cachedContent", default=None)
    cached_content: str | None = None


class SettingsShape(msgspec.Struct):
    """The generation settings as they stand, in either spelling."""

    camel: Raw = msgspec.field(name="generationConfig", default=_NULL)
    snake: Raw = msgspec.field(name="generation_config", default=_NULL)


class BlobShape(msgspec.Struct):
    """Media by its type."""

    camel_mime_type: str | None = msgspec.field(name="mimeType", default=None)
    mime_type: str | None = None


class PartShape(msgspec.Struct):
    """A part by its kind."""

    camel_inline_data: BlobShape | None = msgspec.field(name="inlineData", default=None)
    inline_data: BlobShape | None = None
    camel_file_data: BlobShape | None = msgspec.field(name="fileData", default=None)
    file_data: BlobShape | None = None
    camel_function_response: Raw = msgspec.field(name="functionResponse", default=_NULL)
    function_response: Raw = _NULL


class ContentShape(msgspec.Struct):
    """A turn whose parts are looked at one by one."""

    parts: Raw = _NULL


class ThinkingShape(msgspec.Struct):
    """The switches of the thinking control."""

    camel_thinking_budget: int | float | None = msgspec.field(name="thinkingBudget", default=None)
    thinking_budget: int | float | None = None
    camel_thinking_level: Any = msgspec.field(name="thinkingLevel", default=None)
    thinking_level: Any = None


class CountsConfigShape(msgspec.Struct):
    """The generation settings a routing rule may ask for."""

    camel_thinking_config: ThinkingShape | None = msgspec.field(name="thinkingConfig", default=None)
    thinking_config: ThinkingShape | None = None


class CountsShape(msgspec.Struct):
    """The members whose sizes and kinds a routing rule may ask for."""

    contents: Raw = _NULL
    camel_system_instruction: Raw = msgspec.field(name="systemInstruction", default=_NULL)
    system_instruction: Raw = _NULL
    tools: Any = None
    camel_generation_config: CountsConfigShape | None = msgspec.field(name="generationConfig", default=None)
    generation_config: CountsConfigShape | None = None


__all__ = [
    "BlobShape",
    "ConfigShape",
    "ContentShape",
    "CountsConfigShape",
    "CountsShape",
    "HeadShape",
    "PartShape",
    "ThinkingShape",
]
