"""What is read and changed of a Chat body on the passthrough lane: no tree is built."""

from __future__ import annotations

import re
from typing import Any, cast

import msgspec

from flowrouter.canonical.capabilities import Capabilities
from flowrouter.canonical.effort import effort_of
from flowrouter.canonical.head import Counts, Head
from flowrouter.dialects.openai_chat.parse_requests import read_body
from flowrouter.dialects.openai_chat.shapes import (
    CountsShape,
    HeadShape,
    counts_decoder,
    head_decoder,
    messages_decoder,
    owned_decoder,
    parts_decoder,
    raw_list_decoder,
)
from flowrouter.errors import CallerError
from flowrouter.wire.json import JsonError, Raw, dumps, loads
from flowrouter.wire.marks import holds
from flowrouter.wire.members import Json, as_object, is_integer
from flowrouter.wire.splice import put, splice
from flowrouter.wire.sse import Frame

_NO_FUNCTIONS = (Raw(b""), Raw(b"null"))
_PATH = re.compile(r"`\$\.([a-z_]+)")


def skim(body: bytes) -> Head:
    """Return the head of a request body; raises `CallerError` naming the field at fault."""
    try:
        shape = head_decoder.decode(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        shape = _head(body)
    if not shape.model:
        raise CallerError(
            "model must be a non-empty string.", param="model", code="missing_required_parameter"
        )
    options, limit, key = shape.stream_options, shape.max_completion_tokens, shape.prompt_cache_key
    if limit is None or type(limit) is not int:  # true and false are none
        limit = shape.max_tokens
    return Head(
        model=shape.model,
        stream=shape.stream is True,
        length=len(body),
        include_usage=None if options is None else _include(options),
        max_tokens=limit if type(limit) is int else None,
        cache_key=key if key is None or isinstance(key, str) else None,
        legacy_calls=shape.functions not in _NO_FUNCTIONS,
    )


def _include(options: Any) -> bool | None:
    include: Any = cast("Json", options).get("include_usage") if isinstance(options, dict) else None
    return include if isinstance(include, bool) else None


def _head(body: bytes) -> HeadShape:
    """Read it again, as leniently as it takes; raises as `skim` does."""
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
        return _counts(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        message = f"The body cannot be read: {error}."
        raise CallerError(message, param="messages", code="invalid_type") from None


def _counts(body: bytes) -> Counts:
    shape = counts_decoder.decode(body)
    messages = messages_decoder.decode(shape.messages)
    images = documents = 0
    for message in messages:
        if bytes(message.content).startswith(b"["):
            kinds = [part.type for part in parts_decoder.decode(message.content)]
            images += kinds.count("image_url")
            documents += kinds.count("file")
    return Counts(
        turns=len(messages),
        tools=_length(shape.tools) + _length(shape.functions) + isinstance(shape.web_search_options, dict),
        images=images,
        documents=documents,
        tool_results=sum(message.role in {"tool", "function"} for message in messages),
        thinking=_asks_for_reasoning(shape),
        text_bytes=len(bytes(shape.messages)),
        web_search=isinstance(shape.web_search_options, dict) or _searches(shape.tools),
        effort=_effort(shape),
    )


def _searches(raw: Raw) -> bool:
    """Return whether a tool is a search that the host runs; some hosts have it among the tools."""
    tools = bytes(raw)
    if b"web_search" not in tools or not tools.startswith(b"["):
        return False
    return any(tool.type.startswith("web_search") for tool in parts_decoder.decode(raw))


def _effort(shape: CountsShape) -> str | None:
    """Return the effort that is asked for, in words or (OpenRouter) as a budget of tokens."""
    control: Json = as_object(shape.reasoning) or {}
    named = shape.reasoning_effort or control.get("effort")
    budget = control.get("max_tokens")
    if isinstance(named, str):
        return named
    return effort_of(budget) if is_integer(budget) else None


def _length(raw: Raw) -> int:
    return len(raw_list_decoder.decode(raw)) if bytes(raw).startswith(b"[") else 0


def _asks_for_reasoning(shape: CountsShape) -> bool:
    if shape.reasoning_effort not in (None, "none"):
        return True
    thinking: Json = as_object(shape.thinking) or {}
    reasoning: Json = as_object(shape.reasoning) or {}
    switched_off = reasoning.get("enabled") is False or reasoning.get("effort") == "none"
    asked = bool(reasoning) and not switched_off
    return shape.enable_thinking is True or asked or thinking.get("type") not in (None, "disabled")


def prepare(body: bytes, head: Head, model: str, wants_usage: bool) -> bytes:  # noqa: PLR0917 (a contract)
    """Return `body` with the fields the gateway owns set: `model`, and usage asked of a stream."""
    edits: dict[str, bytes] = {}
    if model != head.model:
        edits["model"] = dumps(model)
    if head.stream and wants_usage and head.include_usage is not True:
        edits["stream_options"] = b'{"include_usage":true}'
    if not edits:
        return body
    present = {"model": dumps(head.model)}
    if "stream_options" in edits and holds(body, b'"stream_options"'):
        options = bytes(owned_decoder.decode(body).stream_options)
        if options:
            present["stream_options"] = options
            known: Json = as_object(loads(options)) or {}
            edits["stream_options"] = dumps({**known, "include_usage": True})
    return splice(body, edits, old=present)


def limited(body: bytes, tokens: int, capabilities: Capabilities) -> bytes:
    """Return `body` with its output limited to `tokens`, in the field that the host knows."""
    return put(body, capabilities.max_tokens_field, b"%d" % tokens)


_NO_CHOICES = re.compile(rb'"choices"\s*:\s*\[\s*\]')


def usage_only(raw: bytes) -> bool:
    """Return whether a frame is the last chunk of a stream, which holds the usage and no choice."""
    if b'"usage"' not in raw or _NO_CHOICES.search(raw) is None:
        return False
    try:
        chunk = as_object(loads(raw[raw.find(b"{") :].strip()))
    except JsonError:
        return False
    return chunk is not None and chunk.get("choices") == [] and bool(chunk.get("usage"))


def is_error_frame(frame: Frame) -> bool:
    """Return whether OpenAI's SDKs raise on a frame: they look for the member `error` and nothing else."""
    if frame.bare:
        return False
    try:
        chunk = as_object(loads(frame.data or b""))
    except JsonError:
        return False
    return chunk is not None and bool(chunk.get("error"))


__all__ = ["is_error_frame", "limited", "prepare", "skim", "skim_counts", "usage_only"]
