"""What is read and changed of a Responses body on the passthrough lane: no tree is built."""

from __future__ import annotations

import re

import msgspec

from flowrouter.canonical.capabilities import Capabilities
from flowrouter.canonical.head import Counts, Head
from flowrouter.dialects.openai_responses.items import ADDITIONAL_TOOLS, RESULTS
from flowrouter.dialects.openai_responses.parse_requests import read_body, refuse_background
from flowrouter.dialects.openai_responses.shapes import (
    CountsShape,
    HeadShape,
    ItemShape,
    counts_decoder,
    head_decoder,
    items_decoder,
    parts_decoder,
    raw_list_decoder,
    tools_decoder,
)
from flowrouter.errors import CallerError
from flowrouter.wire.json import Raw, dumps
from flowrouter.wire.members import as_object, is_integer
from flowrouter.wire.splice import put, splice

LEAST_OUTPUT = 16
"""The lowest limit that OpenAI takes."""

_PATH = re.compile(r"`\$\.([a-z_]+)")


def skim(body: bytes) -> Head:
    """Return the head of a request body; raises `CallerError` naming the field at fault.

    `background: true` is refused here already, so that the passthrough lane never sees it.
    """
    shape = _head(body)
    if not shape.model:
        raise CallerError(
            "model must be a non-empty string.", param="model", code="missing_required_parameter"
        )
    refuse_background(shape.background)
    limit, key = shape.max_output_tokens, shape.prompt_cache_key
    return Head(
        model=shape.model,
        stream=bool(shape.stream),
        length=len(body),
        max_tokens=limit if is_integer(limit) else None,
        cache_key=key if isinstance(key, str) else None,
    )


def _head(body: bytes) -> HeadShape:
    try:
        try:
            return head_decoder.decode(body)
        except msgspec.ValidationError:
            raise
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            # The strict reading fails on lone surrogates too; the lenient one tells those from garbage.
            return head_decoder.decode(dumps(read_body(body)))
    except msgspec.ValidationError as error:
        found = _PATH.search(str(error))
        name = found.group(1) if found else None
        raise CallerError(f"{name or 'The body'}: {error}.", param=name, code="invalid_type") from None


def skim_counts(body: bytes) -> Counts:
    """Return sizes and flags of a request body; raises `CallerError` for one that cannot be read."""
    try:
        return _counts(counts_decoder.decode(body))
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        message = f"The body cannot be read: {error}."
        raise CallerError(message, param="input", code="invalid_type") from None


def _counts(shape: CountsShape) -> Counts:
    items = items_decoder.decode(shape.input) if _is_list(shape.input) else []
    kinds = [kind for item in items for kind in _kinds(item)]
    texts = bytes(shape.input)
    return Counts(
        turns=len(items) if _is_list(shape.input) else int(len(texts) > len(b'""')),
        tools=_tools(shape.tools)
        + sum(_tools(item.tools) for item in items if item.type == ADDITIONAL_TOOLS),
        images=kinds.count("input_image"),
        documents=kinds.count("input_file"),
        tool_results=sum(str(item.type) in RESULTS for item in items),
        thinking=_asks_for_reasoning(shape),
        text_bytes=len(texts) + len(bytes(shape.instructions)),
        web_search=_searches(shape.tools),
        effort=_effort(shape),
    )


def _searches(raw: Raw) -> bool:
    if b"web_search" not in bytes(raw) or not _is_list(raw):
        return False
    return any(str(tool.type).startswith("web_search") for tool in tools_decoder.decode(raw))


def _effort(shape: CountsShape) -> str | None:
    named = (as_object(shape.reasoning) or {}).get("effort")
    return named if isinstance(named, str) else None


def _kinds(item: ItemShape) -> list[object]:
    return [
        part.type
        for held in (item.content, item.output)
        if _is_list(held)
        for part in parts_decoder.decode(held)
    ]


def _tools(raw: Raw) -> int:
    if not _is_list(raw):
        return 0
    return sum(
        len(raw_list_decoder.decode(tool.tools)) if _is_list(tool.tools) else 1
        for tool in tools_decoder.decode(raw)
    )


def _is_list(raw: Raw) -> bool:
    return bytes(raw).startswith(b"[")


def _asks_for_reasoning(shape: CountsShape) -> bool:
    control = as_object(shape.reasoning) or {}
    return bool(control) and control.get("effort") != "none"


def prepare(body: bytes, head: Head, model: str, wants_usage: bool) -> bytes:  # noqa: PLR0917 (a contract)
    """Return `body` with the model set; usage is always in this dialect's answers."""
    del wants_usage
    if model == head.model:
        return body
    return splice(body, {"model": dumps(model)}, old={"model": dumps(head.model)})


def limited(body: bytes, tokens: int, _: Capabilities) -> bytes:
    """Return `body` with its output limited to `tokens`."""
    return put(body, "max_output_tokens", b"%d" % max(LEAST_OUTPUT, tokens))


__all__ = ["limited", "prepare", "skim", "skim_counts"]
