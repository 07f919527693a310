"""What the books need of a whole answer that passes as it is: all but its words.

Only the common forms are known here. Of any other answer there is no outline, and it is parsed in full.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from flowrouter.canonical.outline import Outline
from flowrouter.dialects.openai_responses.usage import parse_usage
from flowrouter.wire.json import typed


class _Spoken(msgspec.Struct):
    type: Literal["output_text"]
    text: str


class _Message(msgspec.Struct, tag="message"):
    content: list[_Spoken]


class _Reasoning(msgspec.Struct, tag="reasoning"):
    pass


class _Call(msgspec.Struct, tag="function_call"):
    name: str
    arguments: str
    namespace: None = None


class _CustomCall(msgspec.Struct, tag="custom_tool_call"):
    name: str
    input: str
    namespace: None = None


class _Answer(msgspec.Struct):
    id: str
    model: str
    output: list[_Message | _Reasoning | _Call | _CustomCall]
    usage: dict[str, Any]
    status: Literal["completed"] = "completed"
    incomplete_details: None = None
    service_tier: Any = None
    error: None = None


_answer = typed(_Answer)


def outline(body: bytes) -> Outline | None:
    """Return where an answer ended, without its words, None where it takes a full reading to tell."""
    try:
        told = _answer.decode(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    names = [item.name for item in told.output if isinstance(item, _Call | _CustomCall)]
    if not all(names):
        return None
    # Of the items known here none is a search that is billed.
    usage = parse_usage(told.usage, response={"service_tier": told.service_tier, "output": []})
    return Outline(told.id, told.model, usage, "tool_calls" if names else "stop", tuple(names))


__all__ = ["outline"]
