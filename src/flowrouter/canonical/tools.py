"""The tools a request offers and how the model may choose among them.

`place` is the client's own path to a tool where that is not `tools[n]` (`tools[0].functionDeclarations[3]`).
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from flowrouter.canonical.cache import CacheHint
from flowrouter.canonical.dialect import Dialect
from flowrouter.canonical.parts import Extra

_WEB_SEARCHES = ("websearch", "googlesearch")
"""How the vendors' words for a web search begin, spelling apart."""


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
    place: str = ""
    extra: Extra = {}


class CustomTool(msgspec.Struct, frozen=True, kw_only=True, tag="custom"):
    """A tool whose input is free text, held by a grammar where `format` gives one."""

    name: str
    description: str | None = None
    format: dict[str, Any] | None = None
    place: str = ""
    extra: Extra = {}


class HostedTool(msgspec.Struct, frozen=True, kw_only=True, tag="hosted"):
    """A tool the vendor runs, whole; goes to its own dialect or a declared equivalent.

    `kind` is the vendor's word for it (`web_search_20250305`, `googleSearch`), `config` its wire object.
    """

    kind: str
    config: dict[str, Any]
    origin: Dialect
    name: str | None = None
    cache: CacheHint | None = None
    place: str = ""

    @property
    def purpose(self) -> str | None:
        """Return what the tool does where vendors have the like of it: `web_search`, else None."""
        plain = self.kind.replace("_", "").lower()
        return "web_search" if plain.startswith(_WEB_SEARCHES) else None


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
