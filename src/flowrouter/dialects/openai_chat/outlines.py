"""What the books need of a whole answer that passes as it is: all but its words.

Only the common forms are known here. Of any other answer there is no outline, and it is parsed in full.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from flowrouter.canonical.parts import ToolCall
from flowrouter.canonical.response import Choice, Response
from flowrouter.dialects.openai_chat.finishes import meaning
from flowrouter.dialects.openai_chat.usage import parse_usage
from flowrouter.wire.json import typed


class _Function(msgspec.Struct):
    name: str
    arguments: str = ""


class _Call(msgspec.Struct):
    function: _Function
    type: Literal["function"] = "function"


class _Message(msgspec.Struct):
    content: str | None = None
    tool_calls: list[_Call] | None = None
    refusal: None = None
    function_call: None = None
    images: None = None


class _Choice(msgspec.Struct):
    message: _Message
    index: Literal[0] = 0
    finish_reason: str | None = None


class _Answer(msgspec.Struct):
    id: str
    model: str
    choices: list[_Choice]
    usage: dict[str, Any]
    service_tier: Any = None
    error: None = None


_answer = typed(_Answer)


def outline(body: bytes) -> Response | None:
    """Return an answer without its words, None where it takes a full reading to tell."""
    try:
        told = _answer.decode(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    if len(told.choices) != 1:
        return None
    choice = told.choices[0]
    calls = choice.message.tool_calls or ()
    if not all(call.function.name for call in calls):
        return None
    raw = choice.finish_reason or None
    finish = meaning(raw, called=bool(calls), refused=False)
    parts = tuple(ToolCall(id="", name=call.function.name, arguments="") for call in calls)
    return Response(
        origin="openai_chat",
        id=told.id,
        model=told.model,
        choices=(Choice(parts=parts, finish=finish, raw_finish=raw),),
        usage=parse_usage(told.usage, tier=told.service_tier),
    )


__all__ = ["outline"]
