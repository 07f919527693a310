"""The decoder on streams that vectors do not show: odd hosts, broken frames, cut ends."""

import json

import pytest

from flowrouter.canonical import events as e
from flowrouter.canonical.fold import fold
from flowrouter.canonical.grammar import Grammar
from flowrouter.canonical.parts import Opaque, Provenance, Reasoning, Text, ToolCall
from flowrouter.dialects.anthropic import CODEC
from flowrouter.dialects.codec import DecodeOptions
from flowrouter.wire.sse import Frame

MINE = Provenance(dialect="anthropic")
START = {"type": "message_start", "message": {"id": "msg_1", "model": "c", "usage": {"input_tokens": 3}}}
STOP = {"type": "message_stop"}


def begin(index, **block):
    return {"type": "content_block_start", "index": index, "content_block": block}


def delta(index, **members):
    return {"type": "content_block_delta", "index": index, "delta": members}


def end(index):
    return {"type": "content_block_stop", "index": index}


def finish(reason="end_turn", **members):
    return {"type": "message_delta", "delta": {"stop_reason": reason}, **members}


TEXT = [begin(0, type="text", text=""), delta(0, type="text_delta", text="Hi"), end(0)]


def decode(*values, lax=False, name=None):
    decoder, grammar = CODEC.decoder(DecodeOptions(provenance=MINE, lax_finish=lax)), Grammar()
    events = []
    for value in values:
        data = value if isinstance(value, bytes) else json.dumps(value).encode()
        events += decoder.feed(Frame(name, data, data))
    events += decoder.close()
    for event in events:
        grammar.check(event)
    grammar.end()
    return events


def kinds(events):
    return [type(event).__name__ for event in events]


def test_usage_stands_at_the_start_and_is_told_again_before_the_finish():
    events = decode(START, *TEXT, finish(usage={"output_tokens": 9, "input_tokens": None}), STOP)
    assert isinstance(events[0], e.MessageStart)
    assert events[0].usage is not None
    assert events[0].usage.input == 3
    assert kinds(events) == [
        "MessageStart", "UsageUpdate", "PartStart", "PartDelta", "PartEnd", "UsageUpdate", "Finish", "MessageEnd",
    ]  # fmt: skip
    usage = fold(events).usage
    assert usage is not None
    assert (usage.input, usage.output, usage.raw) == (3, 9, {"input_tokens": 3, "output_tokens": 9})


def test_a_stream_without_its_last_event_ends_well_once_the_stop_reason_came():
    assert kinds(decode(START, *TEXT, finish()))[-2:] == ["Finish", "MessageEnd"]


@pytest.mark.parametrize(("frames", "code"), [([], "empty_stream"), ([START, *TEXT], "stream_truncated")])
def test_a_stream_that_breaks_off_is_an_error(frames, code):
    last = decode(*frames)[-1]
    assert isinstance(last, e.StreamError)
    assert (last.problem.status, last.problem.code) == (502, code)


def test_a_lax_host_may_just_stop_after_some_text():
    assert kinds(decode(START, *TEXT[:2], lax=True))[-3:] == ["PartEnd", "Finish", "MessageEnd"]
    assert kinds(decode(START, lax=True))[-1] == "StreamError"


def test_a_message_stop_without_stop_reason_says_other():
    events = decode(START, *TEXT, STOP)
    assert events[-2:] == [e.Finish(reason="other"), e.MessageEnd()]


def test_errors_keep_the_vendors_kind_and_its_status():
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    for frames in ([error], [START, *TEXT, error, finish(), STOP], [{"error": error["error"]}]):
        last = decode(*frames)[-1]
        assert isinstance(last, e.StreamError)
        assert (last.problem.status, last.problem.kind, last.problem.message) == (
            529, "overloaded_error", "Overloaded",
        )  # fmt: skip


def test_the_event_line_names_what_the_payload_does_not():
    events = decode(START["message"] | {"message": START["message"]}, name="message_start")
    assert kinds(events)[0] == "MessageStart"


def test_content_before_a_start_makes_one():
    assert kinds(decode(*TEXT, finish(), STOP))[0] == "MessageStart"


def test_open_blocks_are_ended_by_the_stop_reason():
    events = decode(
        START, *TEXT[:2], begin(1, type="tool_use", id="t", name="f", input={}), finish("tool_use"), STOP
    )
    answer = fold(events).choices[0]
    assert answer.parts == (Text(text="Hi"), ToolCall(id="t", name="f", arguments="{}"))


def test_initial_contents_of_blocks_are_told():
    events = decode(
        START,
        begin(0, type="thinking", thinking="Hm", signature="s"),
        end(0),
        begin(1, type="text", text="Hi", citations=[{"type": "char_location"}]),
        end(1),
        begin(2, type="tool_use", id="t", name="f", input={"a": 1}),
        delta(2, type="input_json_delta", partial_json=""),
        end(2),
        finish("tool_use"),
        STOP,
    )
    assert fold(events).choices[0].parts == (
        Reasoning(text="Hm", signature="s", provenance=MINE),
        Text(text="Hi", citations=({"type": "char_location"},)),
        ToolCall(id="t", name="f", arguments='{"a":1}'),
    )


def test_unknown_blocks_are_gathered_and_unknown_events_passed_on():
    events = decode(
        START,
        {"type": "weather_report", "sky": "blue"},
        begin(0, type="server_tool_use", id="s", name="web_search", input={}),
        delta(0, type="input_json_delta", partial_json='{"q":'),
        delta(0, type="input_json_delta", partial_json='"x"}'),
        end(0),
        begin(1, type="hologram", frames=1),
        delta(1, type="hologram_delta", frames=2, text="t"),
        end(1),
        finish(),
        STOP,
    )
    assert e.OpaqueEvent(origin="anthropic", payload={"type": "weather_report", "sky": "blue"}) in events
    first, second = fold(events).choices[0].parts
    assert isinstance(first, Opaque)
    assert isinstance(second, Opaque)
    assert first.payload["input"] == {"q": "x"}
    assert second.payload == {"type": "hologram", "frames": 2, "text": "t"}


@pytest.mark.parametrize(
    "frame",
    [
        b"{", b"[1]", b"null", b'"x"', b"\xff", {}, {"type": 5}, START, {"type": "message_start", "message": 1},
        begin("0", type="text", text=""), begin(0, type="text", text=""), begin(7, type="text", text=3),
        {"type": "content_block_start", "index": 3}, delta(9, type="text_delta", text="x"),
        delta(0, type="text_delta", text=5), delta(0, type="input_json_delta", partial_json="x"),
        delta(0, type="signature_delta", signature="s"), delta(0, type="citations_delta", citation=1),
        delta(0, type="novel_delta"), {"type": "content_block_delta", "index": [], "delta": {}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": []}}, end(8), end([]), end(None),
    ],
)  # fmt: skip
def test_a_frame_that_makes_no_sense_is_withheld_and_the_stream_goes_on(frame):
    events = decode(START, TEXT[0], frame, *TEXT[1:], finish(), STOP)
    assert kinds(events).count("FrameError") == 1
    assert fold(events).choices[0].parts == (Text(text="Hi"),)
    assert kinds(events)[-1] == "MessageEnd"


def test_nothing_follows_the_end():
    decoder = CODEC.decoder(DecodeOptions(provenance=MINE))
    for value in (START, finish(), STOP):
        decoder.feed(Frame(None, json.dumps(value).encode(), b""))
    assert decoder.feed(Frame(None, b"{", b"")) == []
    assert decoder.close() == []


def test_comments_and_other_peoples_terminators_say_nothing():
    decoder = CODEC.decoder(DecodeOptions(provenance=MINE))
    assert decoder.feed(Frame(None, None, b": hi\n\n")) == []
    assert decoder.feed(Frame(None, b"[DONE]", b"")) == []
    assert decoder.feed(Frame("ping", b'{"type":"ping"}', b"")) == [e.Ping()]


def test_the_future_stop_reason_is_other_with_its_own_word():
    events = decode(START, finish("model_bored"), STOP)
    assert e.Finish(reason="other", raw="model_bored") in events


def test_a_second_report_of_usage_after_the_stop_reason_counts():
    events = decode(
        START, finish(), {"type": "message_delta", "delta": {}, "usage": {"output_tokens": 4}}, STOP
    )
    usage = fold(events).usage
    assert usage is not None
    assert usage.output == 4
