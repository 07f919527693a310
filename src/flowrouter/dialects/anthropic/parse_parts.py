"""Content blocks of the wire to canonical parts, in requests and in replies alike.

Block types this hub has no word for (server tools and their results, container uploads,
compaction) are kept whole as `Opaque`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from flowrouter.canonical.parts import (
    ContentShape,
    Document,
    Image,
    Opaque,
    Part,
    Provenance,
    Reasoning,
    Source,
    Text,
    ToolCall,
    ToolResult,
)
from flowrouter.dialects.anthropic.node import Node, ShapeError, no_text
from flowrouter.wire.json import dumps
from flowrouter.wire.members import Json, left

SEALED_PREFIX = "flr1."
"""A thinking signature that begins so is our own envelope around foreign reasoning state."""


def parse_content(value: object, name: str = "content") -> tuple[tuple[Part, ...], ContentShape]:
    """Return a message's or a tool result's content, the member `name`; raises `ShapeError`."""
    if isinstance(value, str):
        return (Text(text=value),), "string"
    if isinstance(value, list):
        return parse_blocks(value, name), "list"  # pyright: ignore[reportUnknownArgumentType]
    if value is None:
        return (), "null"
    raise ShapeError(name, "expected a string or a list of content blocks")


def parse_blocks(
    blocks: list[Any], name: str = "content", *, provenance: Provenance | None = None
) -> tuple[Part, ...]:
    """Return the content blocks of the member `name`; `provenance` marks reasoning that a reply brings.

    Raises `ShapeError`.
    """
    parts: list[Part] = []
    try:
        for block in blocks:
            try:
                read = _COMMON[block["type"]]
            except (KeyError, TypeError):
                parts.append(_rarer(block, provenance))
            else:
                parts.append(read(block))
    except ShapeError as error:
        raise error.within(f"{name}[{len(parts)}]") from None
    return tuple(parts)


def parse_block(block: Any, provenance: Provenance | None = None) -> Part:
    """Return one content block as a part; `provenance` marks reasoning that a reply brings."""
    try:
        read = _COMMON[block["type"]]
    except (KeyError, TypeError):
        return _rarer(block, provenance)
    return read(block)


def _rarer(value: object, provenance: Provenance | None) -> Part:
    if not isinstance(value, dict):
        raise ShapeError("", "expected an object")
    block: Json = value  # pyright: ignore[reportUnknownVariableType]
    kind = block.get("type")
    if not isinstance(kind, str):
        raise no_text("type", kind)
    if (reader := _READERS.get(kind)) is not None:
        node = Node(block)
        node.pop("type")
        if (part := reader(node, provenance)) is not None:
            return part
    return Opaque(payload=block, origin="anthropic", cache=Node(block).cache())


def _text(block: Json) -> Part:
    text = block.get("text")
    if not isinstance(text, str):
        raise no_text("text", text)
    if len(block) == 2:
        return Text(text=text)
    node = Node(left(block, ("type", "text")))
    citations = node.peek("citations")
    if citations:
        citations = node.items("citations") or []
        if not all(isinstance(citation, dict) for citation in citations):
            raise ShapeError(node.at("citations"), "expected a list of objects")
    return Text(text=text, citations=tuple(citations or ()), cache=node.cache(), extra=node.rest())


def _image(node: Node, _: Provenance | None) -> Part | None:
    source = _source(node)
    if source is None or source.kind not in ("base64", "url", "file"):
        return None
    return Image(source=source, cache=node.cache(), extra=node.rest())


def _document(node: Node, _: Provenance | None) -> Part | None:
    source = _source(node)
    if source is None:
        return None
    return Document(
        source=source,
        title=node.text("title"),
        context=node.text("context"),
        citations=_citations_switch(node),
        cache=node.cache(),
        extra=node.rest(),
    )


def _search_result(node: Node, _: Provenance | None) -> Part:
    """Read a search result: a document of parts whose source has a URL (no other has both)."""
    parts, _shape = parse_content(node.items("content") or [])
    return Document(
        source=Source(kind="content", url=node.needed_text("source"), parts=parts),
        title=node.text("title"),
        citations=_citations_switch(node),
        cache=node.cache(),
        extra=node.rest(),
    )


def _citations_switch(node: Node) -> bool | None:
    """Return `citations.enabled` where that is all the switch says."""
    switch = node.peek("citations")
    if isinstance(switch, dict):
        enabled = cast("dict[str, Any]", switch).get("enabled")
        if isinstance(enabled, bool) and len(cast("dict[str, Any]", switch)) == 1:
            node.pop("citations")
            return enabled
    return None


def _source(block: Node) -> Source | None:
    if not isinstance(block.peek("source"), dict):
        raise ShapeError(block.at("source"), "expected an object")
    node = Node(block.peek("source"), block.at("source"))
    match node.text("type"):
        case "base64":
            kind, needed = "base64", "data"
        case "text":
            kind, needed = "text", "data"
        case "url":
            kind, needed = "url", "url"
        case "file":
            kind, needed = "file", "file_id"
        case "content":
            block.pop("source")
            return _content_source(node)
        case _:
            return None
    block.pop("source")
    value = node.needed_text(needed)
    return Source(
        kind=kind,
        media_type=node.text("media_type"),
        data=value if needed == "data" else None,
        url=value if needed == "url" else None,
        file_id=value if needed == "file_id" else None,
        extra=node.rest(),
    )


def _content_source(node: Node) -> Source:
    """Read a source made of blocks; `data` repeats the text of one that came as a plain string."""
    content = node.pop("content")
    parts, shape = parse_content(content, node.at("content"))
    return Source(kind="content", parts=parts, data=content if shape == "string" else None, extra=node.rest())


def _thinking(node: Node, provenance: Provenance | None) -> Part:
    signature = node.text("signature")
    sealed = provenance is None and signature is not None and signature.startswith(SEALED_PREFIX)
    return Reasoning(
        text=node.text("thinking") or "",
        signature=None if sealed else signature,
        sealed=signature if sealed else None,
        provenance=provenance,
        extra=node.rest(),
    )


def _redacted_thinking(node: Node, provenance: Provenance | None) -> Part:
    return Reasoning(redacted=node.needed_text("data"), provenance=provenance, extra=node.rest())


def _tool_use(block: Json) -> Part:
    call_id, name, given = block.get("id"), block.get("name"), block.get("input")
    if not isinstance(call_id, str):
        raise no_text("id", call_id)
    if not isinstance(name, str):
        raise no_text("name", name)
    arguments = "{}" if given is None else dumps(given).decode()
    if given is not None and len(block) == 4:
        return ToolCall(id=call_id, name=name, arguments=arguments)
    node = Node(left(block, ("type", "id", "name", "input")))
    return ToolCall(id=call_id, name=name, arguments=arguments, cache=node.cache(), extra=node.rest())


def _tool_result(block: Json) -> Part:
    given = block.get("content")
    call_id = block.get("tool_use_id")
    if type(given) is str and type(call_id) is str and len(block) == 3:
        return ToolResult(call_id=call_id, content=(Text(text=given),), shape="string")
    content, shape = parse_content(given)
    if not isinstance(call_id, str):
        raise no_text("tool_use_id", call_id)
    if given is not None and len(block) == 3:
        return ToolResult(call_id=call_id, content=content, shape=shape)
    node = Node(left(block, ("type", "content", "tool_use_id")))
    return ToolResult(
        call_id=call_id,
        content=content,
        is_error=node.flag("is_error"),
        shape=shape if "content" in block else "absent",
        cache=node.cache(),
        extra=node.rest(),
    )


_COMMON: dict[str, Callable[[Json], Part]] = {
    "text": _text,
    "tool_use": _tool_use,
    "tool_result": _tool_result,
}
"""What most conversations are made of is read off the object itself, a `Node` made only of what else is in it."""

_READERS: dict[str, Callable[[Node, Provenance | None], Part | None]] = {
    "image": _image,
    "document": _document,
    "search_result": _search_result,
    "thinking": _thinking,
    "redacted_thinking": _redacted_thinking,
}

__all__ = ["SEALED_PREFIX", "parse_block", "parse_blocks", "parse_content"]
