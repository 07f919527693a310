"""The alphabet of a streamed answer, and the grammar every decoder keeps.

    Ping, FrameError      anywhere
    MessageStart          once, before everything below
    PartStart             index 0, 1, 2, … over the whole message; parts may overlap
    PartDelta, SignatureDelta, CitationDelta
                          for an open part only
    PartEnd               once per part
    LogprobsDelta, UsageUpdate, OpaqueEvent
                          between MessageStart and MessageEnd
    Finish                once per choice, after all its parts have ended
    MessageEnd            once, last, after at least one Finish
    StreamError           anywhere, last

`GRAMMAR` is that table; `Grammar` checks a stream against it.
"""

from __future__ import annotations

from typing import Any

import msgspec

from flowrouter.canonical.dialect import Dialect
from flowrouter.canonical.parts import Extra, Part, Reasoning, Refusal, Text
from flowrouter.canonical.problem import Problem
from flowrouter.canonical.response import FinishReason
from flowrouter.canonical.usage import Usage


class MessageStart(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The answer has begun; `created` is seconds since the epoch where the dialect says it.

    `usage` is what is counted or estimated at this point, for dialects that tell it at the start; an
    `UsageUpdate` tells it again.
    """

    origin: Dialect
    id: str
    model: str
    created: int | None = None
    extra: Extra = {}
    usage: Usage | None = None


class PartStart(msgspec.Struct, frozen=True, kw_only=True):
    """A part begins: `part` holds all that is known of it, its text or arguments still empty."""

    index: int
    part: Part
    choice: int = 0


class PartDelta(msgspec.Struct, frozen=True, gc=False):
    """More of an open part: text of a text, reasoning or refusal part, JSON text of a tool call.

    Of an opaque part, which may begin before all of it is known, it is the JSON text of the whole payload.
    """

    index: int
    text: str


class SignatureDelta(msgspec.Struct, frozen=True, gc=False):
    """The signature of an open reasoning part, or more of it; `sealed` marks our own envelope."""

    index: int
    signature: str
    sealed: bool = False


class CitationDelta(msgspec.Struct, frozen=True):
    """One citation of an open text part, as its origin wrote it."""

    index: int
    citation: dict[str, Any]


class PartEnd(msgspec.Struct, frozen=True, gc=False):
    """The part is complete."""

    index: int


class LogprobsDelta(msgspec.Struct, frozen=True, kw_only=True):
    """Token probabilities in OpenAI's form: lists under `content` and `refusal`."""

    logprobs: dict[str, Any]
    choice: int = 0


class UsageUpdate(msgspec.Struct, frozen=True):
    """What has been counted so far; reports are cumulative, so the last one wins."""

    usage: Usage


class OpaqueEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event this hub does not know, whole; it goes to its own dialect only."""

    origin: Dialect
    payload: dict[str, Any]


class Finish(msgspec.Struct, frozen=True, kw_only=True):
    """A choice is complete, and why; `raw` is the provider's own word, the rest as in `Choice`."""

    reason: FinishReason
    raw: str | None = None
    stop_sequence: str | None = None
    choice: int = 0
    extra: Extra = {}
    message_extra: Extra = {}
    form: Extra = {}


class MessageEnd(msgspec.Struct, frozen=True, gc=False):
    """The answer is complete, terminator included."""


class StreamError(msgspec.Struct, frozen=True):
    """The stream failed; nothing follows."""

    problem: Problem


class FrameError(msgspec.Struct, frozen=True):
    """One frame could not be read and is withheld; the stream goes on."""

    reason: str


class Ping(msgspec.Struct, frozen=True, gc=False):
    """A sign of life without content."""


Event = (
    MessageStart
    | PartStart
    | PartDelta
    | SignatureDelta
    | CitationDelta
    | PartEnd
    | LogprobsDelta
    | UsageUpdate
    | OpaqueEvent
    | Finish
    | MessageEnd
    | StreamError
    | FrameError
    | Ping
)


def is_meaningful(event: Event) -> bool:
    """Return whether `event` commits the answer: it carries content a client would keep.

    Meaningful are non-empty text, reasoning or refusal, a tool call's name, media, an opaque part,
    and a finish. Bare starts, usage and pings are not: until then another target may still answer.
    """
    match event:
        case PartDelta(text=text):
            return bool(text)
        case PartStart(part=Text(text=text) | Reasoning(text=text) | Refusal(text=text)):
            return bool(text)
        case PartStart():
            return True
        case Finish() | SignatureDelta() | CitationDelta():
            return True
        case _:
            return False


__all__ = [
    "CitationDelta",
    "Event",
    "Finish",
    "FrameError",
    "LogprobsDelta",
    "MessageEnd",
    "MessageStart",
    "OpaqueEvent",
    "PartDelta",
    "PartEnd",
    "PartStart",
    "Ping",
    "SignatureDelta",
    "StreamError",
    "UsageUpdate",
    "is_meaningful",
]
