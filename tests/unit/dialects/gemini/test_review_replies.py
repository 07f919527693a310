"""Replies in shapes that nobody documented: kept as they came, and never the end of the decoder."""

from __future__ import annotations

from typing import Any

import pytest

from flowrouter.canonical import events as e
from flowrouter.canonical.parts import Opaque, Text, ToolCall
from flowrouter.dialects.codec import EncodeOptions
from flowrouter.dialects.gemini.errors import problem_of
from flowrouter.dialects.gemini.responses import parse_response, render_response
from flowrouter.wire.json import dumps, loads
from tests.unit.dialects.gemini.streams import FROM, chunk, decode, folded, text

GROWING = {"name": "f", "willContinue": True}


def again(body: dict[str, Any]) -> Any:
    """Return a reply read and written in its own dialect."""
    return loads(render_response(parse_response(dumps(body), FROM), EncodeOptions()).body)


def reply(part: dict[str, Any], **members: Any) -> dict[str, Any]:
    return {**chunk(part, finish="STOP"), **members}


def grown(*entries: dict[str, Any]) -> list[e.Event]:
    """Return the events of a call whose arguments come as `entries`."""
    pieces = [chunk({"functionCall": {"partialArgs": [entry], "willContinue": True}}) for entry in entries]
    return decode(chunk({"functionCall": GROWING}), *pieces, chunk(finish="STOP"))


@pytest.mark.parametrize(
    "part",
    [
        {"text": "x", "thought": False},
        {"functionCall": {"id": "", "name": "f", "args": {}}},
        {"inlineData": {"mimeType": "audio/wav", "data": "AAAA", "displayName": "voice"}},
    ],
    ids=["not a thought", "an empty id", "sound with a name"],
)
def test_an_own_reply_keeps_odd_members(part: dict[str, Any]) -> None:
    assert again(reply(part)) == reply(part)


def test_text_that_is_said_to_be_no_thought_is_one_text() -> None:
    pieces = [chunk({"text": word, "thought": False}) for word in ("a", "b")]
    assert folded(decode(*pieces, chunk(finish="STOP"))).response().choices[0].parts == (Text(text="ab"),)


@pytest.mark.parametrize(
    "moment", ["9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+12:00"], ids=["after", "before"]
)
def test_a_time_beyond_the_calendar_is_no_time(moment: str) -> None:
    body = reply(text("x"), createTime=moment)
    assert again(body) == body
    assert isinstance(decode(body)[-1], e.MessageEnd)


def test_a_path_too_deep_to_write_leaves_the_stream_whole() -> None:
    entry = {"jsonPath": "$" + ".a" * 50_000, "stringValue": "x"}
    events = grown(entry, {"jsonPath": "$.b", "boolValue": True})
    assert isinstance(events[-1], e.MessageEnd)
    assert [event.text for event in events if isinstance(event, e.PartDelta)] == ['{"b":true}']


def test_a_text_that_grows_in_many_pieces_is_whole() -> None:
    piece = {"jsonPath": "$.a", "stringValue": "x" * 200, "willContinue": True}
    events = grown(*[piece] * 5000, {"jsonPath": "$.b", "nullValue": None})
    said = "".join(event.text for event in events if isinstance(event, e.PartDelta))
    assert said == '{"a":"' + "x" * 1_000_000 + '","b":null}'


def test_a_part_nobody_can_read_is_passed_by_and_the_finish_counts() -> None:
    broken = {"functionCall": {"args": {}}}
    events = decode(chunk(text("a")), chunk(text("b"), broken, text("c"), finish="STOP"))
    assert not [event for event in events if isinstance(event, e.FrameError)]
    parts = folded(events).response().choices[0].parts
    assert parts == (Text(text="ab"), Opaque(payload=broken, origin="gemini"), Text(text="c"))
    assert isinstance(events[-1], e.MessageEnd)


def test_a_frame_that_is_withheld_tells_nothing_else() -> None:
    """The passthrough lane withholds the frame whole, so what came before in it has not been told either."""
    events = decode(chunk(text("a"), 5, finish="STOP"))
    kinds = [type(event) for event in events]
    assert kinds == [e.MessageStart, e.FrameError, e.StreamError]


@pytest.mark.parametrize("code", ["9" * 5000, "٤٢٩", "-5", ""], ids=["huge", "foreign", "negative", "none"])
def test_a_code_in_words_never_ends_the_reader(code: str) -> None:
    found = problem_of(200, dumps({"error": {"code": code, "message": "x", "status": "NOT_FOUND"}}))
    assert found.status == 404


@pytest.mark.parametrize("delay", ["infs", "nans", "1e999s", "-3s"], ids=["inf", "nan", "large", "negative"])
def test_a_wait_without_an_end_is_none(delay: str) -> None:
    detail = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}
    found = problem_of(429, dumps({"error": {"code": 429, "message": "x", "details": [detail]}}))
    assert found.retry_after in (None, 0.0)


def test_sources_are_named_once_in_the_order_they_came() -> None:
    chunks = [{"web": {"uri": f"https://x/{number}", "title": "t"}} for number in range(5000)]
    body = reply(text("x"))
    body["candidates"][0]["groundingMetadata"] = {"groundingChunks": [*chunks, *chunks[::-1]]}
    (said,) = parse_response(dumps(body), FROM).choices[0].parts
    assert isinstance(said, Text)
    assert [citation["url"] for citation in said.citations] == [item["web"]["uri"] for item in chunks]


def test_a_call_that_came_in_the_same_chunk_as_odd_ones_keeps_its_id() -> None:
    call = {"functionCall": {"name": "f", "args": {}}}
    whole = parse_response(dumps(reply(call)), FROM).choices[0].parts[0]
    streamed = folded(decode(reply(call))).response().choices[0].parts[0]
    assert isinstance(whole, ToolCall)
    assert whole == streamed


def test_sources_that_came_early_are_told_of_one_text() -> None:
    grounding = {
        "groundingChunks": [{"web": {"uri": "https://x", "title": "t"}}],
        "groundingSupports": [{"segment": {"startIndex": 0, "endIndex": 1}, "groundingChunkIndices": [0]}],
    }
    call = {"functionCall": {"name": "f", "args": {}}}
    events = decode(
        chunk(text("A"), groundingMetadata=grounding), chunk(call), chunk(text("B"), finish="STOP")
    )
    said = [part for part in folded(events).response().choices[0].parts if isinstance(part, Text)]
    assert [len(part.citations) for part in said] == [1, 0]
