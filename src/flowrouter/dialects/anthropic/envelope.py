"""Reads the head of a request body without building it, and edits the one field we own.

A body with `thread` is refused here, where every request passes: the gateway keeps no message
threads, and a request that names one holds only its newest messages. The client is told in the
vendor's own way, and then goes on with its whole history.
"""

from __future__ import annotations

import re
from typing import Any, TypeVar

import msgspec

from flowrouter.canonical.effort import effort_of
from flowrouter.canonical.head import Counts, Head
from flowrouter.dialects.anthropic.shapes import BlockShape, CountsShape, HeadShape, ModelShape, ToolShape
from flowrouter.errors import CallerError
from flowrouter.wire.json import JsonError, Raw, dumps, loads, typed
from flowrouter.wire.members import is_integer
from flowrouter.wire.splice import in_place, splice
from flowrouter.wire.sse import Frame

_T = TypeVar("_T")

_head = typed(HeadShape)
_model = typed(ModelShape)
_counts = typed(CountsShape)
_blocks = typed(list[BlockShape])
_tool = typed(ToolShape)

_NO_THREAD = Raw(b"null")
_SEARCH = b"web_search_"

_MISSING = re.compile(r"Object missing required field `([^`]+)`")


def skim(body: bytes) -> Head:
    """Return the head of a request; raises `CallerError` naming the field at fault."""
    head = _decode(_head, body)
    if not head.model.strip():
        raise CallerError("model: must not be empty", param="model")
    if head.thread != _NO_THREAD:
        refuse_thread(loads(bytes(head.thread)))
    return Head(model=head.model, stream=bool(head.stream), length=len(body), max_tokens=head.max_tokens)


def skim_counts(body: bytes) -> Counts:
    """Return the sizes and kinds of a request's content."""
    shape = _decode(_counts, body)
    kinds: list[str] = []
    text_bytes = _length(shape.system)
    for message in shape.messages:
        kinds += _kinds(message.content)
        text_bytes += _length(message.content)
    return Counts(
        turns=len(shape.messages),
        tools=len(shape.tools or ()),
        images=kinds.count("image"),
        documents=kinds.count("document"),
        tool_results=kinds.count("tool_result"),
        thinking=_thinks(shape),
        text_bytes=text_bytes,
        web_search=any(_is_search(tool) for tool in shape.tools or ()),
        effort=_effort(shape),
    )


def prepare(body: bytes, head: Head, model: str, _wants_usage: bool) -> bytes:
    """Return `body` with the model's name set; every other byte stays (usage always comes)."""
    if head.model == model:
        return body
    new = dumps(model)
    if edited := in_place(body, "model", old=dumps(head.model), new=new):
        return edited
    try:  # the name is spelt with escapes, or stands in other places too
        old = bytes(_decode(_model, body).model)
        return splice(body, {"model": new}, old={"model": old})
    except JsonError as error:
        raise CallerError(f"the body is not valid JSON: {error}") from None


def refuse_thread(thread: Any) -> None:
    """Raise `CallerError` for a request that starts or continues a message thread."""
    if thread is None:
        return
    if isinstance(thread, dict) and thread.get("type") == "continue":  # pyright: ignore[reportUnknownMemberType]
        raise CallerError(
            "thread: no thread is held for previous_message_id; send the whole conversation",
            status=404,
            param="thread",
            details={"error_code": "thread_not_found"},
        )
    raise CallerError(
        "thread: this gateway keeps no message threads; send the whole conversation without thread",
        param="thread",
        details={"error_code": "thread_unsupported_request", "unsupported": ["thread"]},
    )


def _decode(decoder: msgspec.json.Decoder[_T], body: bytes) -> _T:
    """Decode strictly, then with bad UTF-8 and lone surrogates replaced; blame the field at fault."""
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise _blame(error) from None
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        pass
    try:
        return decoder.decode(dumps(loads(body)))
    except JsonError as error:
        raise CallerError(f"the body is not valid JSON: {error}") from None
    except msgspec.ValidationError as error:
        raise _blame(error) from None


def _blame(error: msgspec.ValidationError) -> CallerError:
    """Return the caller's error with the path msgspec found."""
    reason, _, place = str(error).partition(" - at `$")
    where = place.rstrip("`").lstrip(".")
    missing = _MISSING.match(reason)
    if missing:
        where = f"{where}.{missing[1]}" if where else missing[1]
        reason = "field required"
    return CallerError(f"{where or 'the body'}: {reason}", param=where or None)


def _kinds(content: msgspec.Raw) -> list[str]:
    """Return the types of all blocks in a content, those inside tool results included."""
    raw = bytes(content)
    if not raw.startswith(b"["):
        return []
    try:
        blocks = _blocks.decode(raw)
    except (msgspec.DecodeError, UnicodeError):
        return []
    kinds: list[str] = []
    for block in blocks:
        kinds.append(block.type)
        if block.type == "tool_result":
            kinds += _kinds(block.content)
    return kinds


def _thinks(shape: CountsShape) -> bool:
    return shape.thinking is not None and shape.thinking.type not in ("", "disabled")


def _effort(shape: CountsShape) -> str | None:
    """Return the effort that is asked for, in words or as a budget of tokens."""
    named = shape.output_config.effort if shape.output_config is not None else None
    if isinstance(named, str):
        return named
    if shape.thinking is None:
        return None
    if shape.thinking.type == "disabled":
        return "none"
    budget = shape.thinking.budget_tokens
    return effort_of(budget) if is_integer(budget) else None


def _is_search(tool: msgspec.Raw) -> bool:
    raw = bytes(tool)
    if _SEARCH not in raw:
        return False
    try:
        kind = _tool.decode(raw).type
    except (msgspec.DecodeError, UnicodeError):
        return False
    return isinstance(kind, str) and kind.startswith("web_search_")


def _length(value: msgspec.Raw) -> int:
    raw = bytes(value)
    return 0 if raw == b"null" else len(raw)


def is_error_frame(frame: Frame) -> bool:
    """Return whether Anthropic's SDKs raise on a frame: they go by the event's name, not by the data."""
    return frame.event == "error" and not frame.bare


__all__ = ["is_error_frame", "prepare", "refuse_thread", "skim", "skim_counts"]
