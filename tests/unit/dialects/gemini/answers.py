"""Answers as events, and what the encoder makes of them."""

from __future__ import annotations

from typing import Any

from flowrouter.canonical import events as e
from flowrouter.canonical.events import Event
from flowrouter.canonical.parts import (
    Reasoning,
    Text,
    ToolCall,
)
from flowrouter.canonical.problem import Problem
from flowrouter.canonical.usage import Usage
from flowrouter.dialects.codec import EncodeOptions
from flowrouter.dialects.gemini.stream_encoder import Encoder
from tests.unit.dialects.gemini.streams import chunks

START = e.MessageStart(origin="anthropic", id="msg_01AB", model="claude")


OWN = e.MessageStart(origin="gemini", id="r", model="m")


END = [e.Finish(reason="stop", raw="end_turn"), e.MessageEnd()]


USAGE = e.UsageUpdate(Usage(input=3, output=2))


BUSY = e.StreamError(Problem(status=529, message="busy", kind="overloaded_error", origin="anthropic"))


def said(index: int, part: Any, *texts: str, choice: int = 0) -> list[Event]:
    return [
        e.PartStart(index=index, part=part, choice=choice),
        *(e.PartDelta(index, words) for words in texts),
        e.PartEnd(index),
    ]


def sealed(index: int, envelope: str, words: str = "") -> list[Event]:
    start, *rest = said(index, Reasoning(), words)
    return [start, *rest[:-1], e.SignatureDelta(index, envelope, sealed=True), rest[-1]]


def raw(events: list[Event], **options: Any) -> bytes:
    encoder = Encoder(EncodeOptions(**options))
    return b"".join(encoder.feed(event) for event in events)


def written(*events: Event, **options: Any) -> list[Any]:
    return chunks(raw(list(events), **options))


def parts(*events: Event, **options: Any) -> list[Any]:
    """Return all parts of the first candidate that say something."""
    found = [
        part for each in written(*events, **options) for part in each["candidates"][0]["content"]["parts"]
    ]
    return [part for part in found if part != {"text": ""}]


RICH: list[Event] = [
    START,
    *sealed(0, "flr1.AAA", "Thinking."),
    *said(1, Reasoning(), "More."),
    *said(2, Text(text=""), "Sé ", "it."),
    e.PartStart(index=3, part=Text(text="")),
    e.PartDelta(3, "Cited."),
    e.CitationDelta(3, {"type": "web_search_result_location", "url": "https://a", "title": "A"}),
    e.PartEnd(3),
    e.PartStart(index=4, part=ToolCall(id="toolu_1", name="f", arguments="")),
    e.PartStart(index=5, part=ToolCall(id="toolu_2", name="g", arguments="")),
    e.PartDelta(4, '{"x":'),
    e.PartDelta(5, ""),
    e.PartDelta(4, "1}"),
    e.PartEnd(4),
    e.PartEnd(5),
    *said(6, Text(text=""), "Then."),
    *sealed(7, "flr1.BBB"),
    USAGE,
    e.Finish(reason="tool_calls", raw="tool_use"),
    e.MessageEnd(),
]


__all__ = [
    "BUSY",
    "END",
    "OWN",
    "RICH",
    "START",
    "USAGE",
    "parts",
    "raw",
    "said",
    "sealed",
    "written",
]
