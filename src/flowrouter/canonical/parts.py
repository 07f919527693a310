"""What a message is made of: text, media, documents, reasoning, tool calls and their results.

Every part carries `extra`: members of its wire object that the hub does not know. They belong to
the dialect the whole request or response came from (`origin`) and return only there.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from flowrouter.canonical.cache import CacheHint
from flowrouter.canonical.dialect import Dialect

Extra = dict[str, Any]


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """Where the bytes of an image or a document are.

    `kind` says which field holds them: `base64` and `text` use `data`, `url` uses `url`, `file`
    uses `file_id` (local to the vendor that issued it), `content` uses `parts`.
    """

    kind: Literal["base64", "url", "file", "text", "content"]
    media_type: str | None = None
    data: str | None = None
    url: str | None = None
    file_id: str | None = None
    parts: tuple[Part, ...] = ()
    extra: Extra = {}


class Text(msgspec.Struct, frozen=True, kw_only=True, tag="text"):
    """Visible text; `citations` are kept as the origin wrote them."""

    text: str
    citations: tuple[dict[str, Any], ...] = ()
    cache: CacheHint | None = None
    extra: Extra = {}


class Image(msgspec.Struct, frozen=True, kw_only=True, tag="image"):
    """A picture; `detail` is the resolution asked for (`auto`, `low`, `high`, `original`)."""

    source: Source
    detail: str | None = None
    cache: CacheHint | None = None
    extra: Extra = {}


class Document(msgspec.Struct, frozen=True, kw_only=True, tag="document"):
    """A PDF or a text document; `citations` asks for citations (None: not said)."""

    source: Source
    title: str | None = None
    context: str | None = None
    citations: bool | None = None
    cache: CacheHint | None = None
    extra: Extra = {}


class Audio(msgspec.Struct, frozen=True, kw_only=True, tag="audio"):
    """Spoken input, base64 in `data`, `format` as OpenAI names it (`wav`, `mp3`)."""

    data: str
    format: str
    cache: CacheHint | None = None
    extra: Extra = {}


class Media(msgspec.Struct, frozen=True, kw_only=True, tag="media"):
    """Media no other part covers: video, sound behind an address; `source.media_type` says which."""

    source: Source
    cache: CacheHint | None = None
    extra: Extra = {}


class Provenance(msgspec.Struct, frozen=True, kw_only=True):
    """Who issued a piece of reasoning state: a signature is valid only there."""

    dialect: Dialect
    family: str | None = None
    account_id: str | None = None


class Reasoning(msgspec.Struct, frozen=True, kw_only=True, tag="reasoning"):
    """The model's reasoning: readable `text`, the vendor's `signature`, or `redacted` state alone.

    A signature is never made up and returns only to the family that issued it. `sealed` is our own
    envelope around foreign state (prefix `flr1.`), opened by the gateway and never sent to a vendor.
    `field` names the member it stood in where a dialect has several (`reasoning_content`,
    `reasoning`). `call_id` names the tool call that carried the signature, where a dialect signs the
    call itself and not a reasoning block (Gemini).
    """

    text: str = ""
    signature: str | None = None
    redacted: str | None = None
    sealed: str | None = None
    provenance: Provenance | None = None
    field: str | None = None
    call_id: str | None = None
    extra: Extra = {}


class ToolCall(msgspec.Struct, frozen=True, kw_only=True, tag="tool_call"):
    """One call of a tool; `arguments` is the original JSON text, or free text for a custom tool.

    `shape` lists oddities of its wire form, for its own dialect: `object` (arguments that were not
    text), and the names of members it left out.
    """

    id: str
    name: str
    arguments: str
    kind: Literal["function", "custom", "legacy"] = "function"
    shape: tuple[str, ...] = ()
    cache: CacheHint | None = None
    extra: Extra = {}


class ToolResult(msgspec.Struct, frozen=True, kw_only=True, tag="tool_result"):
    """The answer to a tool call; `shape` says how `content` stood on the wire."""

    call_id: str
    content: tuple[Part, ...] = ()
    is_error: bool | None = None
    name: str | None = None
    shape: ContentShape = "list"
    cache: CacheHint | None = None
    extra: Extra = {}


class Refusal(msgspec.Struct, frozen=True, kw_only=True, tag="refusal"):
    """The model's own words of refusal; `field` is `content` where they stood among content parts."""

    text: str
    field: str | None = None
    extra: Extra = {}


class Opaque(msgspec.Struct, frozen=True, kw_only=True, tag="opaque"):
    """A part this hub does not know, whole; it goes to its own dialect only."""

    payload: dict[str, Any]
    origin: Dialect
    cache: CacheHint | None = None


ContentShape = Literal["list", "string", "null", "absent"]
"""How content stood on the wire, so that its own dialect gets it back the same way."""

Part = Text | Image | Document | Audio | Media | Reasoning | ToolCall | ToolResult | Refusal | Opaque

__all__ = [
    "Audio",
    "ContentShape",
    "Document",
    "Extra",
    "Image",
    "Media",
    "Opaque",
    "Part",
    "Provenance",
    "Reasoning",
    "Refusal",
    "Source",
    "Text",
    "ToolCall",
    "ToolResult",
]
