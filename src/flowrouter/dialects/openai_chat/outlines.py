"""What the books need of a whole answer that passes as it is: all but its words.

Only the common forms are known here. Of any other answer there is no outline, and it is parsed in full.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from flowrouter.canonical.outline import Outline
from flowrouter.dialects.openai_chat.finishes import END_OF_WORDS, meaning
from flowrouter.dialects.openai_chat.usage import parse_usage
from flowrouter.wire.json import typed

_One = msgspec.Meta(min_length=1, max_length=1)


class _Function(msgspec.Struct):
    name: Annotated[str, msgspec.Meta(min_length=1)]
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
    choices: Annotated[list[_Choice], _One]
    usage: dict[str, Any]
    service_tier: Any = None
    error: None = None


_answer = typed(_Answer)


def outline(body: bytes) -> Outline | None:
    """Return where an answer ended, without its words, None where it takes a full reading to tell."""
    try:
        told = _answer.decode(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    choice = told.choices[0]
    raw, calls = choice.finish_reason or None, choice.message.tool_calls
    finish = None if calls else END_OF_WORDS.get(raw)
    return Outline(
        told.id,
        told.model,
        parse_usage(told.usage, tier=told.service_tier),
        finish or meaning(raw, called=bool(calls), refused=False),
        tuple([call.function.name for call in calls]) if calls else (),
    )


__all__ = ["outline"]
