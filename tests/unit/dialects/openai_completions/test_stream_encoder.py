"""Streamed completions: the same bytes whoever goes on with them, and nothing said that has no place."""

from __future__ import annotations

import json

import pytest

from flowrouter.canonical import events as e
from flowrouter.canonical.cursor import Cursor
from flowrouter.canonical.parts import Reasoning, Text, ToolCall
from flowrouter.canonical.problem import Problem
from flowrouter.canonical.usage import Usage
from flowrouter.dialects import codec
from flowrouter.dialects.codec import EncodeOptions

CODEC = codec("openai_completions")
ECHO = b'{"model":"m","prompt":["Say: "],"echo":true}'
EVENTS: list[e.Event] = [
    e.MessageStart(origin="anthropic", id="msg_1", model="m", created=7),
    e.PartStart(index=0, part=Reasoning()),
    e.PartDelta(0, "hm"),
    e.PartEnd(0),
    e.PartStart(index=1, part=Text(text="")),
    e.PartDelta(1, "Hel"),
    e.PartDelta(1, "lo"),
    e.PartEnd(1),
    e.PartStart(index=2, part=Text(text="Hi"), choice=1),
    e.PartEnd(2),
    e.PartStart(index=3, part=ToolCall(id="c", name="f", arguments="")),
    e.PartDelta(3, "{}"),
    e.PartEnd(3),
    e.UsageUpdate(Usage(input=3, output=2)),
    e.Finish(reason="length"),
    e.Finish(reason="stop", choice=1),
    e.MessageEnd(),
]


def texts(stream: bytes) -> dict[int, str]:
    found: dict[int, str] = {}
    for line in stream.split(b"\n\n"):
        if line.startswith(b"data: {"):
            for choice in json.loads(line[6:])["choices"]:
                found[choice["index"]] = found.get(choice["index"], "") + choice["text"]
    return found


@pytest.mark.parametrize("asked", [b"", ECHO], ids=["plain", "echo"])
@pytest.mark.parametrize("include_usage", [False, True], ids=["silent", "counted"])
@pytest.mark.parametrize("place", range(len(EVENTS) + 1))
def test_a_second_encoder_goes_on_where_the_first_stopped(
    place: int, include_usage: bool, asked: bytes
) -> None:
    options = EncodeOptions(include_usage=include_usage, asked=asked, now=9.0)
    alone = CODEC.encoder(options)
    whole = b"".join(alone.feed(event) for event in EVENTS)
    first, cursor = CODEC.encoder(options), Cursor()
    begun = b"".join(first.feed(event) for event in EVENTS[:place])
    for event in EVENTS[:place]:
        cursor.apply(event)
    second = CODEC.resume(options, cursor)
    assert begun + b"".join(second.feed(event) for event in EVENTS[place:]) == whole


def test_only_text_is_said_and_the_rest_is_told() -> None:
    encoder = CODEC.encoder(EncodeOptions(asked=ECHO))
    stream = b"".join(encoder.feed(event) for event in EVENTS)
    assert texts(stream) == {0: "Say: Hello", 1: "Say: Hi"}
    assert [(loss.path, loss.kind) for loss in encoder.losses] == [
        ("choices[0].reasoning", "dropped"),
        ("choices[0].tool_call", "dropped"),
    ]
    chunks = [json.loads(line[6:]) for line in stream.split(b"\n\n") if line.startswith(b"data: {")]
    assert {(chunk["id"], chunk["created"], chunk["model"]) for chunk in chunks} == {("cmpl-1", 7, "m")}
    finishes = {
        c["index"]: c["finish_reason"] for chunk in chunks for c in chunk["choices"] if c["finish_reason"]
    }
    assert finishes == {0: "length", 1: "stop"}


def test_nothing_follows_an_error() -> None:
    encoder = CODEC.encoder(EncodeOptions())
    told = encoder.feed(e.StreamError(Problem(status=529, message="busy")))
    assert json.loads(told[6:])["error"]["code"] == "service_unavailable"
    assert encoder.feed(e.MessageEnd()) == b""
