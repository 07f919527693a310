"""The encoder on events of other dialects, and taking over in the middle."""

import json

import pytest

from flowrouter.canonical import events as e
from flowrouter.canonical.cursor import Cursor
from flowrouter.canonical.parts import Image, Opaque, Provenance, Reasoning, Refusal, Source, Text, ToolCall
from flowrouter.canonical.problem import Problem
from flowrouter.canonical.usage import Usage
from flowrouter.dialects.anthropic import CODEC
from flowrouter.dialects.codec import EncodeOptions
from flowrouter.wire.sse import SseParser
from tests.unit.dialects.anthropic.build import rows

START = e.MessageStart(origin="openai_chat", id="chatcmpl-1", model="gpt")
USAGE = e.UsageUpdate(Usage(input=15, cache_read=5, output=9))
DONE = [e.Finish(reason="stop"), e.MessageEnd()]


def call(index, name="f", **members):
    return e.PartStart(index=index, part=ToolCall(id=f"c{index}", name=name, arguments="", **members))


def text(index, *words):
    return [
        e.PartStart(index=index, part=Text(text="")),
        *(e.PartDelta(index, word) for word in words),
        e.PartEnd(index),
    ]


def read(data: bytes):
    """Return (event line, payload) of each frame; the vendor's SDK ignores frames without an event line."""
    parser = SseParser()
    frames = [*parser.feed(data), *parser.close()]
    values = [(frame.event, json.loads(frame.data)) for frame in frames if frame.data is not None]
    assert all(name == value["type"] for name, value in values)
    return [value for _, value in values]


def encode(*events, **options):
    encoder = CODEC.encoder(EncodeOptions(**options))
    return read(b"".join(encoder.feed(event) for event in events)), encoder


def outline(frames):
    """Return type and index of each frame."""
    return [(frame["type"].removeprefix("content_block_"), frame.get("index")) for frame in frames]


def test_the_worked_trace_of_text_and_two_interleaved_calls():
    frames, encoder = encode(
        START,
        e.PartStart(index=0, part=Reasoning()), e.PartDelta(0, "a"), e.PartEnd(0),
        *text(1, "Hi"),
        call(2), e.PartDelta(2, '{"a"'), call(3), e.PartDelta(3, "{}"), e.PartDelta(2, ":1}"),
        e.PartEnd(2), e.PartEnd(3), USAGE, e.Finish(reason="tool_calls"), e.MessageEnd(),
    )  # fmt: skip
    assert outline(frames) == [
        ("message_start", None),
        ("start", 0), ("delta", 0), ("stop", 0),
        ("start", 1), ("delta", 1), ("stop", 1),
        ("start", 2), ("delta", 2), ("delta", 2), ("stop", 2),
        ("start", 3), ("delta", 3), ("stop", 3),
        ("message_delta", None), ("message_stop", None),
    ]  # fmt: skip
    assert frames[0]["message"]["id"] == "msg_1"
    assert frames[-2]["delta"] == {"stop_reason": "tool_use", "stop_sequence": None}
    assert frames[-2]["usage"] == {"input_tokens": 15, "cache_read_input_tokens": 5, "output_tokens": 9}
    assert encoder.losses == []


def test_the_start_tells_what_is_counted_or_estimated_so_far():
    start = e.MessageStart(origin="openai_chat", id="x", model="m", usage=Usage(input=12, estimated=True))
    frames, _ = encode(start)
    counted = {name: value for name, value in frames[0]["message"]["usage"].items() if value is not None}
    assert counted == {"input_tokens": 12, "output_tokens": 0}
    usage = encode(START)[0][0]["message"]["usage"]
    assert (usage["input_tokens"], usage["output_tokens"], usage["cache_read_input_tokens"]) == (0, 0, None)


def test_an_answer_without_usage_or_parts_is_still_whole():
    frames, _ = encode(START, *DONE, model="alias")
    assert outline(frames) == [("message_start", None), ("message_delta", None), ("message_stop", None)]
    assert frames[0]["message"]["model"] == "alias"
    assert frames[1]["usage"]["output_tokens"] == 0


@pytest.mark.parametrize(
    ("parts", "finish", "stop"),
    [
        ([call(0), e.PartEnd(0)], e.Finish(reason="stop"), "tool_use"),
        (text(0, "x"), e.Finish(reason="tool_calls"), "end_turn"),
        (
            [e.PartStart(index=0, part=Refusal(text="")), e.PartDelta(0, "no"), e.PartEnd(0)],
            DONE[0],
            "refusal",
        ),
        ([call(0), e.PartEnd(0)], e.Finish(reason="length"), "max_tokens"),
        ([], e.Finish(reason="content_filter"), "refusal"),
        ([], e.Finish(reason="stop_sequence", stop_sequence="END"), "stop_sequence"),
    ],
)
def test_stop_reasons(parts, finish, stop):
    frames, _ = encode(START, *parts, finish, e.MessageEnd())
    assert frames[-2]["delta"]["stop_reason"] == stop
    assert frames[-2]["delta"]["stop_sequence"] == finish.stop_sequence


def test_a_custom_call_is_an_object_with_one_field():
    frames, _ = encode(
        START, call(0, kind="custom"), e.PartDelta(0, 'say "hi"\n'), e.PartDelta(0, "Ж"), e.PartEnd(0), *DONE
    )
    pieces = [frame["delta"]["partial_json"] for frame in frames if frame["type"] == "content_block_delta"]
    assert json.loads("".join(pieces)) == {"input": 'say "hi"\nЖ'}


def test_sealed_reasoning_becomes_the_signature_and_foreign_signatures_stay_away():
    events = (
        START,
        e.PartStart(index=0, part=Reasoning()),
        e.PartDelta(0, "Hm"),
        e.SignatureDelta(0, "theirs"),
        e.SignatureDelta(0, "flr1.x", sealed=True),
        e.PartEnd(0),
    )
    frames, encoder = encode(*events)
    assert [frame["delta"] for frame in frames if "delta" in frame] == [
        {"type": "thinking_delta", "thinking": "Hm"},
        {"type": "signature_delta", "signature": "flr1.x"},
    ]
    assert rows(encoder.losses) == [("content.reasoning", "dropped")]


def test_what_cannot_be_said_is_a_loss_and_leaves_no_hole_in_the_indexes():
    frames, encoder = encode(
        START,
        e.PartStart(index=0, part=Image(source=Source(kind="url", url="u"))), e.PartEnd(0),
        e.PartStart(index=1, part=Opaque(payload={"type": "x"}, origin="openai_chat")), e.PartEnd(1),
        e.PartStart(index=2, part=Text(text=""), choice=1), e.PartDelta(2, "two"), e.PartEnd(2),
        e.PartStart(index=3, part=Text(text="")), e.PartDelta(3, "Hi"), e.CitationDelta(3, {"url": "u"}),
        e.PartEnd(3), e.LogprobsDelta(logprobs={"content": []}),
        e.OpaqueEvent(origin="openai_chat", payload={"type": "x"}),
        e.Finish(reason="length", choice=1), *DONE,
    )  # fmt: skip
    assert outline(frames)[1:-2] == [("start", 0), ("delta", 0), ("stop", 0)]
    assert frames[-2]["delta"]["stop_reason"] == "end_turn"
    assert {path for path, _ in rows(encoder.losses)} == {
        "content.image", "content.opaque", "choices[1]", "content.citations", "logprobs", "event",
    }  # fmt: skip


def test_a_server_tools_call_streams_its_input():
    block = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"q": "x"}}
    start = e.MessageStart(origin="anthropic", id="msg_1", model="c")
    part = Opaque(payload=block, origin="anthropic")
    frames, _ = encode(start, e.PartStart(index=0, part=part), e.PartEnd(0))
    assert frames[1]["content_block"] == {**block, "input": {}}
    assert json.loads(frames[2]["delta"]["partial_json"]) == {"q": "x"}


def test_heartbeats_fit_their_place():
    encoder = CODEC.encoder(EncodeOptions())
    assert encoder.heartbeat().startswith(b":")
    assert encoder.feed(e.Ping()).startswith(b":")
    encoder.feed(START)
    assert encoder.heartbeat() == encoder.feed(e.Ping()) == b'event: ping\ndata: {"type":"ping"}\n\n'
    assert encoder.feed(e.FrameError("x")) == b""
    for event in DONE:
        encoder.feed(event)
    assert encoder.heartbeat() == b""


def test_after_an_error_nothing_more_is_said():
    problem = Problem(status=503, message="gone", origin="openai_chat", kind="server_error")
    encoder = CODEC.encoder(EncodeOptions())
    encoder.feed(START)
    assert read(encoder.feed(e.StreamError(problem))) == [
        {"type": "error", "error": {"type": "overloaded_error", "message": "gone"}}
    ]
    assert b"".join(encoder.feed(event) for event in (*text(0, "x"), *DONE)) == b""
    assert encoder.heartbeat() == b""


def test_usage_that_comes_late_is_told_in_a_further_delta():
    frames, _ = encode(START, DONE[0], USAGE, DONE[1])
    assert [frame.get("usage", {}).get("output_tokens") for frame in frames[1:]] == [0, 9, None]


INTERLEAVED = [
    START, *text(0, "Hi ", "there"),
    call(1, kind="custom"), e.PartDelta(1, 'a"'), call(2), e.PartDelta(2, "{"),
    e.PartStart(index=3, part=Reasoning()), e.PartDelta(3, "Hm"), e.SignatureDelta(3, "flr1.s", sealed=True),
    e.PartEnd(3), e.PartDelta(1, "b"), e.PartDelta(2, "}"), e.PartEnd(2), call(4), e.PartEnd(1),
    e.PartDelta(4, "{}"), e.PartEnd(4), USAGE, e.Finish(reason="tool_calls"), e.MessageEnd(),
]  # fmt: skip


@pytest.mark.parametrize("cut", range(len(INTERLEAVED) + 1))
def test_another_encoder_says_exactly_what_the_first_would_have_said(cut):
    first = CODEC.encoder(EncodeOptions())
    expected = [first.feed(event) for event in INTERLEAVED]
    cursor = Cursor()
    for event in INTERLEAVED[:cut]:
        cursor.apply(event)
    second = CODEC.resume(EncodeOptions(), cursor)
    assert [second.feed(event) for event in INTERLEAVED[cut:]] == expected[cut:]


def test_the_second_start_of_a_target_that_took_over_is_swallowed():
    cursor = Cursor()
    for event in (START, *text(0, "Once")[:-1]):
        cursor.apply(event)
    encoder = CODEC.resume(EncodeOptions(), cursor)
    mine = e.MessageStart(origin="anthropic", id="msg_9", model="c")
    assert encoder.feed(mine) == b""
    assert read(encoder.feed(e.PartDelta(0, " upon"))) == [
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": " upon"}}
    ]


def test_reasoning_of_the_vendor_itself_keeps_its_signature():
    start = e.MessageStart(origin="anthropic", id="msg_1", model="c")
    part = Reasoning(provenance=Provenance(dialect="anthropic"))
    frames, encoder = encode(
        start, e.PartStart(index=0, part=part), e.SignatureDelta(0, "mine"), e.PartEnd(0)
    )
    assert frames[2]["delta"] == {"type": "signature_delta", "signature": "mine"}
    assert encoder.losses == []
