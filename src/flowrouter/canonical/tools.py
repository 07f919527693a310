"""The tools a request offers and how the model may choose among them."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from flowrouter.canonical.cache import CacheHint
from flowrouter.canonical.dialect import Dialect
from flowrouter.canonical.parts import Extra


class FunctionTool(msgspec.Struct, frozen=True, kw_only=True, tag="function"):
    """A function the client runs; `schema` is the client's JSON schema, untouched (None: absent).

    `legacy` marks OpenAI's deprecated `functions` list; the answer then uses `function_call`.
    """

    name: str
    description: str | None = None
    schema: dict[str, Any] | None = None
    strict: bool | None = None
    legacy: bool = False
    cache: CacheHint | None = None
    extra: Extra = {}


class CustomTool(msgspec.Struct, frozen=True, kw_only=True, tag="custom"):
    """A tool whose input is free text, held by a grammar where `format` gives one."""

    name: str
    description: str | None = None
    format: dict[str, Any] | None = None
    extra: Extra = {}


class HostedTool(msgspec.Struct, frozen=True, kw_only=True, tag="hosted"):
    """A tool the vendor runs, whole; goes to its own dialect or a declared equivalent."""

    kind: str
    config: dict[str, Any]
    origin: Dialect
    name: str | None = None
    cache: CacheHint | None = None


Tool = FunctionTool | CustomTool | HostedTool


class ToolChoice(msgspec.Struct, frozen=True, kw_only=True):
    """Which tools the model may or must call.

    `allowed` narrows the offered tools to `names`, with `required` saying that one must be called.
    """

    mode: Literal["auto", "none", "required", "tool", "allowed"]
    name: str | None = None
    names: tuple[str, ...] = ()
    required: bool = False
    custom: bool = False
    extra: Extra = {}


__all__ = ["CustomTool", "FunctionTool", "HostedTool", "Tool", "ToolChoice"]
