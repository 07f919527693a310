"""What the books need of a whole answer that passes as it is: all but its words.

Only the common forms are known here. Of any other answer there is no outline, and it is parsed in full.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from flowrouter.canonical.outline import Outline
from flowrouter.dialects.gemini.finishes import meaning
from flowrouter.dialects.gemini.usage import parse_usage
from flowrouter.wire.json import typed


class _Call(msgspec.Struct):
    name: str
    args: dict[str, Any] | None = None
    id: str | None = None


class _Part(msgspec.Struct, forbid_unknown_fields=True):
    text: str | None = None
    thought: bool = False
    call: _Call | None = msgspec.field(default=None, name="functionCall")
    signature: str | None = msgspec.field(default=None, name="thoughtSignature")


class _Content(msgspec.Struct):
    parts: list[_Part]


class _Candidate(msgspec.Struct):
    content: _Content
    index: Literal[0] = 0
    finish: str | None = msgspec.field(default=None, name="finishReason")
    logprobs: None = msgspec.field(default=None, name="logprobsResult")
    citations: None = msgspec.field(default=None, name="citationMetadata")
    grounding: None = msgspec.field(default=None, name="groundingMetadata")


class _Answer(msgspec.Struct):
    candidates: list[_Candidate]
    usage: dict[str, Any] = msgspec.field(name="usageMetadata")
    model: str = msgspec.field(name="modelVersion")
    id: str = msgspec.field(name="responseId")
    error: None = None


_answer = typed(_Answer)


def outline(body: bytes) -> Outline | None:
    """Return where an answer ended, without its words, None where it takes a full reading to tell."""
    try:
        told = _answer.decode(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    if len(told.candidates) != 1:
        return None
    candidate = told.candidates[0]
    names: list[str] = []
    for part in candidate.content.parts:
        # A part says one thing: what stands in several, or in none, is told in full.
        if (part.text is None) is (part.call is None):
            return None
        if part.call is not None:
            names.append(part.call.name)
    finish = meaning(candidate.finish or None, called=bool(names))
    return Outline(told.id, told.model, parse_usage(told.usage), finish, tuple(names))


__all__ = ["outline"]
