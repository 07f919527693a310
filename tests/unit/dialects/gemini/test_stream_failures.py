"""Streams that fail, break off or hold what cannot be read."""

from __future__ import annotations

import pytest

from flowrouter.canonical import events as e
from flowrouter.canonical.parts import Text
from flowrouter.dialects.codec import DecodeOptions
from flowrouter.dialects.gemini.responses import parse_response
from flowrouter.dialects.gemini.stream_decoder import Decoder
from flowrouter.wire.json import dumps
from flowrouter.wire.sse import Frame, SseParser
from tests.unit.dialects.gemini.streams import (
    FROM,
    Piece,
    chunk,
    decode,
    folded,
    problem,
    text,
    told,
)


def kinds(events: list[e.Event]) -> list[str]:
    return [type(event).__name__ for event in events]


BUSY = {"error": {"code": 503, "message": "busy", "status": "UNAVAILABLE"}}


@pytest.mark.parametrize(
    "pieces",
    [
        [BUSY],
        [chunk(text("a")), BUSY],
        [chunk(text("a")), [BUSY]],
        [chunk(text("a"), finish="STOP"), BUSY],
        [[chunk(text("a")), BUSY, chunk(text("b"))]],
    ],
    ids=["first", "middle", "array", "behind-the-finish", "inside-an-array"],
)
def test_errors_end_the_stream(pieces: list[Piece]) -> None:
    assert problem(*pieces) == (503, None)


def test_a_bare_error_between_events() -> None:
    sent = (
        b"data: "
        + dumps(chunk(text("a")))
        + b"\n\n"
        + b'{\n  "error": {"code": 503, "message": "busy"}\n}\n\n'
    )
    decoder = Decoder(DecodeOptions(provenance=FROM))
    events = [event for frame in SseParser().feed(sent) for event in decoder.feed(frame)]
    last = events[-1]
    assert isinstance(last, e.StreamError)
    assert last.problem.message == "busy"
    assert decoder.close() == []
    assert decoder.feed(Frame(None, dumps(chunk(text("b"))), b"")) == []


@pytest.mark.parametrize(
    ("pieces", "code"),
    [
        ([], "empty_stream"),
        ([{"usageMetadata": {"promptTokenCount": 1}}], "empty_stream"),
        ([chunk(text("a"))], "stream_truncated"),
        ([chunk(text("a"), finish="")], "stream_truncated"),
        ([chunk(text("a"), finish="STOP"), chunk(text("b"), index=1)], "stream_truncated"),
    ],
    ids=["nothing", "only-usage", "no-finish", "empty-finish", "one-of-two"],
)
def test_streams_that_break_off(pieces: list[Piece], code: str) -> None:
    assert problem(*pieces) == (502, code)


def test_a_lax_host_may_end_without_a_finish_if_it_said_something() -> None:
    choice = told(chunk(text("a")), lax_finish=True)
    assert (choice.finish, choice.raw_finish) == ("stop", None)
    assert problem(chunk(text("")), lax_finish=True) == (502, "stream_truncated")


@pytest.mark.parametrize(
    "junk",
    [
        b"{not json",
        b'"text"',
        b"7",
        b"{}",
        b" ",
        b"[DONE]",
        b"[]",
        b"[3]",
        b'{"candidates":7}',
        b'{"candidates":[7]}',
        b'{"candidates":[{"content":7}]}',
        b'{"candidates":[{"content":{"parts":7}}]}',
        b'{"candidates":[{"content":{"parts":[7]}}]}',
        b'{"candidates":[{"content":{"parts":[{"text":7}]}}]}',
        b'{"candidates":[{"content":{"parts":[{"functionCall":{}}]}}]}',
        b'{"candidates":[{"content":{"parts":[{"functionCall":{"willContinue":true}}]}}]}',
        b'{"candidates":[{"content":{"parts":[{"functionCall":{"partialArgs":[1,{"jsonPath":7}]}}]}}]}',
        b'{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":[]}}]}}]}',
        b'{"candidates":[{"content":{"parts":[{"inlineData":"x"}]}}]}',
        b'{"candidates":[{"index":-1,"finishReason":7,"logprobsResult":{"chosenCandidates":[3]}}]}',
        b'{"candidates":[{"groundingMetadata":{"groundingSupports":[1],"groundingChunks":[{"web":1}]}}]}',
        b'{"usageMetadata":"x","createTime":"now","responseId":7,"promptFeedback":[]}',
        b'{"candidates":[{"content":{"parts":[{"text":"\\ud800"}]}}]}',
        b"\xff\xfe{",
    ],
)
def test_nothing_raises(junk: bytes) -> None:
    decode(junk, chunk(text("a"), finish="STOP"))
    events = decode(chunk(text("a")), junk, chunk(text("b"), finish="STOP"))
    assert isinstance(events[-1], e.MessageEnd)


def test_a_frame_that_cannot_be_read_is_withheld_and_the_stream_goes_on() -> None:
    events = decode(chunk(text("a")), b"{", b'{"candidates":[3]}', chunk(text("b"), finish="STOP"))
    assert kinds(events).count("FrameError") == 2
    assert folded(events).response().choices[0].parts == (Text(text="ab"),)


def test_signs_of_life() -> None:
    decoder = Decoder(DecodeOptions(provenance=FROM))
    assert decoder.feed(Frame(None, None, b": hi\n\n")) == [e.Ping()]
    assert decoder.feed(Frame(None, b"", b"data:\n\n")) == [e.Ping()]
    assert decoder.feed(Frame(None, b"{}", b"data: {}\n\n")) == [e.Ping()]


def test_the_array_of_a_host_that_sends_no_events_is_read_whole() -> None:
    body = dumps([chunk(text("a")), chunk(text("b"), finish="STOP")])
    assert parse_response(body, FROM).choices[0].parts == (Text(text="ab"),)
    with pytest.raises(ValueError, match="busy"):
        parse_response(dumps([chunk(text("a")), BUSY]), FROM)
    with pytest.raises(ValueError, match="cut"):
        parse_response(dumps([chunk(text("a"))]), FROM)
