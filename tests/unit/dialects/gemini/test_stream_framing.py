"""How the bytes of an answer are cut, beaten, broken off and taken over."""

from __future__ import annotations

from typing import Any

import pytest
from google.genai import types as vendor

from flowrouter.canonical import events as e
from flowrouter.canonical.cursor import Cursor
from flowrouter.canonical.events import Event
from flowrouter.canonical.parts import (
    Text,
)
from flowrouter.dialects.codec import EncodeOptions
from flowrouter.dialects.gemini.stream_encoder import Encoder, resume
from flowrouter.wire.json import dumps, loads
from tests.unit.dialects.gemini.answers import (
    BUSY,
    END,
    OWN,
    RICH,
    START,
    USAGE,
    raw,
    said,
    written,
)
from tests.unit.dialects.gemini.streams import call, chunk, chunks, decode, text, thought


def test_nothing_but_data_lines_leaves() -> None:
    out = raw([START, *said(0, Text(text=""), "a\nb\u2028"), e.Ping(), e.FrameError("x"), USAGE, *END])
    for line in out.decode().split("\n"):
        assert not line or line.startswith("data: {")


def test_every_chunk_can_stand_in_a_history() -> None:
    """The vendor's SDK drops a turn of which one chunk has no candidate, no parts or a part without anything."""
    for each in written(*RICH):
        model = vendor.GenerateContentResponse.model_validate(each)
        assert model.candidates
        assert model.candidates[0].content
        assert model.candidates[0].content.parts
        assert all(part != vendor.Part() for part in model.candidates[0].content.parts)


@pytest.mark.parametrize("framing", ["sse", "array"])
def test_another_encoder_goes_on_to_the_same_bytes(framing: Any) -> None:
    whole = raw(RICH, framing=framing)
    for cut in range(len(RICH) + 1):
        encoder, cursor, out = Encoder(EncodeOptions(framing=framing)), Cursor(), b""
        for number, event in enumerate(RICH):
            if number == cut:
                encoder = resume(EncodeOptions(framing=framing), cursor)
            out += encoder.feed(event)
            cursor.apply(event)
        assert out == whole, f"cut before event {cut}"


def test_a_failure_is_a_bare_object() -> None:
    out = raw([START, *said(0, Text(text=""), "Half"), BUSY, *END])
    before, _, bare = out.rpartition(b"data: ")
    assert before == b""
    assert bare.endswith(b'\n\n{"error":{"code":503,"message":"busy","status":"UNAVAILABLE"}}\n\n')


def test_a_failure_before_anything() -> None:
    assert raw([BUSY]) == b'{"error":{"code":503,"message":"busy","status":"UNAVAILABLE"}}\n\n'
    assert loads(raw([BUSY], framing="array")) == [
        {"error": {"code": 503, "message": "busy", "status": "UNAVAILABLE"}}
    ]


@pytest.mark.parametrize("events", [RICH, [START, *END], [START, BUSY], [START, *said(0, Text(text=""), "x"), BUSY]],
                         ids=["rich", "empty", "failed-at-once", "failed"])  # fmt: skip
def test_the_array_holds_the_same_objects(events: list[Event]) -> None:
    array = loads(raw(events, framing="array"))
    begun = [each for each in array if each != chunk_of_nothing()]
    assert begun == chunks(raw(events))


def chunk_of_nothing() -> dict[str, Any]:
    return {**chunk(text("")), "modelVersion": "claude", "responseId": "msg_01AB"}


def test_an_array_may_be_beaten_anywhere() -> None:
    encoder = Encoder(EncodeOptions(framing="array"))
    out = encoder.heartbeat()
    for event in RICH:
        out += encoder.feed(event) + encoder.heartbeat()
    assert out.startswith(b" [")
    assert out.endswith(b"]")
    assert loads(out) == loads(raw(RICH, framing="array"))


def test_events_are_beaten_by_blank_lines() -> None:
    encoder = Encoder(EncodeOptions())
    assert encoder.heartbeat() == b"\n"
    out = b""
    for event in RICH:
        out += encoder.feed(event) + encoder.heartbeat()
    assert chunks(out) == written(*RICH)
    assert encoder.heartbeat() == b""


def test_a_second_start_is_swallowed() -> None:
    events = [START, *said(0, Text(text=""), "a"), e.MessageStart(origin="gemini", id="other", model="other")]
    assert {each["responseId"] for each in written(*events, *said(1, Text(text=""), "b"), *END)} == {
        "msg_01AB"
    }


def test_nothing_follows_the_end() -> None:
    encoder = Encoder(EncodeOptions())
    for event in RICH:
        encoder.feed(event)
    assert encoder.feed(USAGE) == b""
    assert encoder.feed(BUSY) == b""
    assert encoder.feed(e.PartDelta(0, "x")) == b""
    cursor = Cursor()
    for event in RICH:
        cursor.apply(event)
    assert resume(EncodeOptions(), cursor).feed(BUSY) == b""


def test_a_relayed_answer_is_only_ended() -> None:
    """Frames of an own stream left as they came: what the encoder adds must not repeat them."""
    events = decode(
        chunk(thought("a", thoughtSignature="S")),
        chunk(call("f", {"x": 1}, "S2"), finish="STOP"),
    )
    cursor = Cursor()
    for event in events[:-1]:
        cursor.apply(event)
    assert resume(EncodeOptions(), cursor).feed(events[-1]) == b""
    assert resume(EncodeOptions(framing="array"), cursor).feed(events[-1]) == b"]"


def test_the_size_of_one_delta() -> None:
    out = raw([OWN, e.PartStart(index=0, part=Text(text="")), e.PartDelta(0, "Hi")])
    body = {"candidates": [{"content": {"parts": [{"text": "Hi"}], "role": "model"}, "index": 0}], "modelVersion": "m",
            "responseId": "r"}  # fmt: skip
    assert out == b"data: " + dumps(body) + b"\n\n"
