"""Canonical parts to content blocks of the wire.

`own` says that the parts came from this dialect: then unknown members and empty values go out as
they came. What no block can say must have been screened out before (`screen`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from flowrouter.canonical.arguments import as_object
from flowrouter.canonical.cache import CacheHint
from flowrouter.canonical.parts import (
    ContentShape,
    Document,
    Extra,
    Image,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Source,
    Text,
    ToolCall,
    ToolResult,
)

Block = dict[str, Any]


def render_block(part: Part, *, own: bool, names: Mapping[str, str] | None = None) -> Block:
    """Return the block that says `part`; `names` maps tool names to the target's.

    Raises `TypeError` for audio, which has no block.
    """
    block: Block
    cache: CacheHint | None
    if isinstance(part, Text):
        block, cache = {"type": "text", "text": part.text}, part.cache
        if part.citations:
            block["citations"] = list(part.citations)
    elif isinstance(part, ToolCall):
        block, cache = _tool_use(part, names or {}), part.cache
    elif isinstance(part, Opaque):
        return part.payload
    else:
        block, cache = _other(part, own), getattr(part, "cache", None)
    if cache is not None:
        block["cache_control"] = render_cache(cache, own=own)
    return {**block, **part.extra} if own else block


def render_blocks(parts: Iterable[Part], *, own: bool, names: Mapping[str, str] | None = None) -> list[Block]:
    """Return the blocks of several parts."""
    blocks: list[Block] = []
    for part in parts:
        if type(part) is Text and part.cache is None and not (part.citations or part.extra):
            blocks.append({"type": "text", "text": part.text})  # most parts: a call less
        else:
            blocks.append(render_block(part, own=own, names=names))
    return blocks


def render_content(parts: tuple[Part, ...], shape: ContentShape, *, own: bool) -> str | list[Block] | None:
    """Return content in the shape it had, as far as the parts still allow it."""
    if shape == "null" and not parts:
        return None
    if shape == "string" and len(parts) == 1:
        part = parts[0]
        if isinstance(part, Text) and part.cache is None and not part.citations:
            return part.text
    return render_blocks(parts, own=own)


def render_cache(hint: CacheHint, *, own: bool) -> Extra:
    """Return a cache mark."""
    mark: dict[str, Any] = {"type": "ephemeral"}
    if hint.ttl is not None:
        mark["ttl"] = hint.ttl
    return {**mark, **hint.extra} if own else mark


def _other(part: Part, own: bool) -> Block:
    match part:
        case ToolResult():
            return _tool_result(part, own)
        case Reasoning():
            return _reasoning(part)
        case Image():
            return {"type": "image", "source": _source(part.source, own)}
        case Document():
            return _document(part, own)
        case Refusal():
            return {"type": "text", "text": part.text}
        case _:
            raise TypeError(f"no block for {type(part).__name__}")


def _reasoning(part: Reasoning) -> Block:
    if part.redacted is not None:
        return {"type": "redacted_thinking", "data": part.redacted}
    block: Block = {"type": "thinking", "thinking": part.text}
    signature = part.sealed or part.signature
    if signature is not None:
        block["signature"] = signature
    return block


def _tool_use(part: ToolCall, names: Mapping[str, str]) -> Block:
    given: Any
    if part.kind == "custom":
        given = {"input": part.arguments}
    else:
        given, _ = as_object(part.arguments)
    return {"type": "tool_use", "id": part.id, "name": names.get(part.name, part.name), "input": given}


def _tool_result(part: ToolResult, own: bool) -> Block:
    block: Block = {"type": "tool_result", "tool_use_id": part.call_id}
    if own and not (part.shape == "absent" and not part.content):
        block["content"] = render_content(part.content, part.shape, own=True)
    elif part.content:
        block["content"] = render_content(part.content, part.shape, own=own)
    if part.is_error is not None:
        block["is_error"] = part.is_error
    return block


def _document(part: Document, own: bool) -> Block:
    block: Block = {"type": "document"}
    if part.source.kind == "content" and part.source.url is not None:
        block = {
            "type": "search_result",
            "source": part.source.url,
            "content": render_blocks(part.source.parts, own=own),
        }
    else:
        block["source"] = _source(part.source, own)
    if part.title is not None:
        block["title"] = part.title
    if part.context is not None:
        block["context"] = part.context
    if part.citations is not None:
        block["citations"] = {"enabled": part.citations}
    return block


def _source(source: Source, own: bool) -> Block:
    wire: Block = {"type": source.kind}
    if source.media_type is not None and source.kind != "url":
        wire["media_type"] = source.media_type
    match source.kind:
        case "base64" | "text":
            wire["data"] = source.data or ""
        case "url":
            wire["url"] = source.url or ""
        case "file":
            wire["file_id"] = source.file_id or ""
        case "content":
            shape: ContentShape = "list" if source.data is None else "string"
            wire["content"] = render_content(source.parts, shape, own=own)
    return {**wire, **source.extra} if own else wire


__all__ = ["Block", "render_block", "render_blocks", "render_cache", "render_content"]
