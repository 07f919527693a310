"""Chat streams of many hosts as events: what each leaves out, repeats or breaks."""

from __future__ import annotations

from typing import Any

import pytest

from flowrouter.canonical import events as e
from flowrouter.canonical.parts import Reasoning, Refusal, Text
from flowrouter.dialects.codec import DecodeOptions
from flowrouter.dialects.openai_chat import CODEC
from flowrouter.wire.sse import Frame
from tests.unit.dialects.openai_chat.streams import DONE, FROM, chunk, decode, told

STOP = chunk(finish="stop")
USAGE = {"id": "c-1", "choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 2}}


def test_the_order_of_events() -> None:
    events = decode(chunk({"role": "assistant", "content": ""}), chunk({"content": "Hi"}), STOP, USAGE, DONE)
    assert [type(event) for event in events] == [
        e.MessageStart, e.PartStart, e.PartDelta, e.UsageUpdate, e.PartEnd, e.Finish, e.MessageEnd
    ]  # fmt: skip
    start = events[0]
    assert isinstance(start, e.MessageStart)
    assert (start.origin, start.id, start.model, start.created) == ("openai_chat", "c-1", "m", 7)


def test_text_leaves_at_once_and_the_finish_waits_for_the_usage() -> None:
    decoder = CODEC.decoder(DecodeOptions(provenance=FROM))

    def feed(data: bytes) -> list[type]:
        return [type(event) for event in decoder.feed(Frame(None, data, b""))]

    assert feed(b'{"id":"a","choices":[{"delta":{"content":"x"}}]}') == [
        e.MessageStart,
        e.PartStart,
        e.PartDelta,
    ]
    assert feed(b'{"id":"a","choices":[{"delta":{},"finish_reason":"stop"}]}') == []
    assert feed(b'{"id":"a","choices":[],"usage":{"prompt_tokens":1}}') == [e.UsageUpdate]
    assert feed(DONE) == [e.PartEnd, e.Finish, e.MessageEnd]
    assert feed(b'{"id":"a","choices":[{"delta":{"content":"late"}}]}') == []
    assert decoder.close() == []


@pytest.mark.parametrize(
    ("deltas", "field"),
    [
        ([{"reasoning_content": "a"}, {"reasoning_content": "b"}], "reasoning_content"),
        ([{"reasoning": "a"}, {"reasoning": "b"}], "reasoning"),
        ([{"reasoning": "ab", "reasoning_details": [{"type": "reasoning.text", "text": "ab"}]}], "reasoning"),
        (
            [{"reasoning_details": [{"text": "a"}]}, {"reasoning_details": [{"summary": "b"}]}],
            "reasoning_details",
        ),
        ([{"reasoning_content": "ab", "reasoning": "ab"}], "reasoning_content"),
    ],
)
def test_reasoning_under_every_name(deltas: list[dict[str, Any]], field: str) -> None:
    choice = told(*(chunk(delta) for delta in deltas), chunk({"content": "x"}), STOP, DONE)
    assert choice.parts == (Reasoning(text="ab", field=field, provenance=FROM), Text(text="x"))


def test_envelopes_of_another_gateway_end_their_part() -> None:
    choice = told(
        chunk({"reasoning_content": "a"}),
        chunk({"reasoning_signatures": ["flr1.a"]}),
        chunk({"reasoning_content": "b"}),
        chunk({"reasoning_signatures": ["flr1.b"]}),
        STOP,
        DONE,
    )
    assert [(p.text, p.sealed) for p in choice.parts if isinstance(p, Reasoning)] == [
        ("a", "flr1.a"),
        ("b", "flr1.b"),
    ]


def test_inline_reasoning_is_split_off_where_the_host_writes_it_so() -> None:
    pieces = [chunk({"content": piece}) for piece in ("<th", "ink>hm", "</thi", "nk>\n\nok")]
    assert told(*pieces, STOP, DONE, think_tags=True).parts == (
        Reasoning(text="hm", provenance=FROM),
        Text(text="ok"),
    )
    assert told(*pieces, STOP, DONE).parts == (Text(text="<think>hm</think>\n\nok"),)


def test_refusal() -> None:
    choice = told(chunk({"refusal": "I "}), chunk({"refusal": "won't."}), STOP, DONE)
    assert (choice.parts, choice.finish) == ((Refusal(text="I won't."),), "refusal")


def test_choices_interleave() -> None:
    def of(index: int, text: str, finish: str | None = None) -> dict[str, Any]:
        return {"id": "c", "choices": [{"index": index, "delta": {"content": text}, "finish_reason": finish}]}

    events = decode(of(0, "a"), of(1, "x"), of(0, "b", "stop"), of(1, "y", "length"), DONE)
    finishes = [(event.choice, event.reason) for event in events if isinstance(event, e.Finish)]
    assert finishes == [(0, "stop"), (1, "length")]


@pytest.mark.parametrize("finish", ["", None])
def test_an_empty_finish_is_none_until_the_end(finish: str | None) -> None:
    assert told(chunk({"content": "a"}, finish), chunk({"content": "b"}, finish), DONE).finish == "stop"
    events = decode(chunk({"content": "a"}, finish))
    assert isinstance(events[-1], e.StreamError)
    assert events[-1].problem.code == "stream_truncated"
    assert events[-1].problem.status == 502


def test_a_host_that_never_says_finish() -> None:
    assert told(chunk({"content": "a"}), lax_finish=True).finish == "stop"
    events = decode(chunk({"role": "assistant", "content": ""}), lax_finish=True)
    assert isinstance(events[-1], e.StreamError)


def test_done_may_be_missing_once_the_finish_is_there() -> None:
    assert told(chunk({"content": "a"}), STOP, USAGE).finish == "stop"


def test_one_of_two_choices_cut_is_a_cut() -> None:
    second = {"id": "c", "choices": [{"index": 1, "delta": {"content": "b"}, "finish_reason": None}]}
    assert isinstance(decode(chunk({"content": "a"}, "stop"), second)[-1], e.StreamError)


@pytest.mark.parametrize("pieces", [[], [DONE], [b""], [{"id": "c", "choices": []}, DONE], [USAGE, DONE]])
def test_a_stream_of_nothing_is_an_error(pieces: list[Any]) -> None:
    last = decode(*pieces)[-1]
    assert isinstance(last, e.StreamError)
    assert last.problem.code == "empty_stream"


@pytest.mark.parametrize(
    ("piece", "status", "message"),
    [
        ({"error": {"message": "boom", "type": "server_error", "code": None}}, 500, "boom"),
        ({"error": {"message": "slow down", "code": 429}, "choices": []}, 429, "slow down"),
        ({"error": "plain"}, 502, "plain"),
        ({"object": "error", "message": "flat", "code": 400}, 400, "flat"),
        ({"detail": "no"}, 502, "no"),
    ],
)
@pytest.mark.parametrize("begun", [True, False])
def test_errors_inside_the_stream(piece: dict[str, Any], status: int, message: str, begun: bool) -> None:
    events = decode(*([chunk({"content": "a"})] if begun else []), piece, STOP, DONE)
    last = events[-1]
    assert isinstance(last, e.StreamError)
    assert (last.problem.status, last.problem.message) == (status, message)


def test_an_error_told_by_the_event_s_name() -> None:
    decoder = CODEC.decoder(DecodeOptions(provenance=FROM))
    (event,) = decoder.feed(Frame("error", b'{"message":"down","code":503}', b""))
    assert isinstance(event, e.StreamError)
    assert event.problem.status == 503


@pytest.mark.parametrize(
    "data",
    [b"{", b"5", b"[]", b'"x"', b"null", b"\xff", b"{}", b'{"choices":[5],"id":"c"}', b"<html>", b"[" * 5000],
)
def test_a_frame_that_cannot_be_read_is_told_and_the_stream_goes_on(data: bytes) -> None:
    events = decode(chunk({"content": "a"}), data, chunk({"content": "b"}), STOP, DONE)
    assert isinstance(events[-1], e.MessageEnd)
    texts = [event.text for event in events if isinstance(event, e.PartDelta)]
    assert texts == ["a", "b"]
    if data != b"{}":
        assert any(isinstance(event, e.FrameError) for event in events)


@pytest.mark.parametrize(
    "members",
    [
        {"choices": [{"index": "0", "delta": {"content": "b"}}]},
        {"choices": [{"delta": {"content": 5, "role": 7, "tool_calls": {"a": 1}}}]},
        {"choices": [{"delta": "x", "finish_reason": 5, "logprobs": []}]},
        {"choices": [{"delta": {"tool_calls": [5, None, {"index": -1}, {"function": "f"}]}}]},
        {"choices": [{"delta": {"function_call": {"name": 5}}}]},
        {"choices": [{"delta": {"annotations": [5], "images": [5, {}], "reasoning_details": [5, None]}}]},
        {
            "choices": [
                {"delta": {"reasoning_signatures": [5], "content": [5, {"type": "thinking", "thinking": 7}]}}
            ]
        },
        {"choices": [{"index": 10**12, "delta": {}}], "usage": {"prompt_tokens": "x"}},
        {"choices": "x", "usage": [], "created": "now", "id": 5, "model": None},
        {"choices": None},
    ],
)
def test_odd_shapes_never_raise(members: dict[str, Any]) -> None:
    events = decode(chunk({"content": "a"}), {"id": "c-1", **members}, STOP, DONE)
    assert isinstance(events[-1], e.MessageEnd)
    decode({"id": "c-1", **members})


def test_comments_are_signs_of_life() -> None:
    decoder = CODEC.decoder(DecodeOptions(provenance=FROM))
    assert decoder.feed(Frame(None, None, b": OPENROUTER PROCESSING\n\n")) == [e.Ping()]


@pytest.mark.parametrize(
    "pieces",
    [
        [chunk({"content": "a"}), STOP, USAGE],
        [chunk({"content": "a"}), {**STOP, "usage": USAGE["usage"]}],
        [{**chunk({"content": "a"}), "usage": {"prompt_tokens": 5, "completion_tokens": 1}}, {**STOP, "usage": USAGE["usage"]}],
        [chunk({"content": "a"}), {**STOP, "x_groq": {"usage": USAGE["usage"]}}],
        [chunk({"content": "a"}), {"id": "c-1", "choices": [{"delta": {}, "finish_reason": "stop", "usage": USAGE["usage"]}]}],
    ],
)  # fmt: skip
def test_usage_wherever_a_host_puts_it(pieces: list[Any]) -> None:
    updates = [event.usage for event in decode(*pieces, DONE) if isinstance(event, e.UsageUpdate)]
    assert (updates[-1].input, updates[-1].output) == (5, 2)


def test_usage_repeated_is_told_once() -> None:
    same = chunk({"content": "a"}, usage=USAGE["usage"])
    events = decode(same, same, STOP, DONE)
    assert sum(isinstance(event, e.UsageUpdate) for event in events) == 1


def test_the_last_of_many_reports_wins_without_losing_what_only_an_earlier_one_said() -> None:
    first = {"prompt_tokens": 9, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 4}}
    pieces = [chunk({"content": "a"}, usage=first), {**STOP, "usage": {"completion_tokens": 6}}, DONE]
    updates = [event.usage for event in decode(*pieces) if isinstance(event, e.UsageUpdate)]
    assert (updates[-1].input, updates[-1].output) == (None, 6)
    assert updates[0].cache_read == 4


def test_new_top_level_members_are_passed_on_once() -> None:
    events = decode(
        chunk({"content": "a"}),
        chunk({"content": "b"}, citations=["u"]),
        chunk({"content": "c"}, citations=["u"]),
        STOP,
        DONE,
    )
    opaque = [event for event in events if isinstance(event, e.OpaqueEvent)]
    assert opaque == [e.OpaqueEvent(origin="openai_chat", payload={"citations": ["u"]})]


def test_filter_reports_and_padding_are_no_members_of_the_answer() -> None:
    before = {"id": "", "model": "", "choices": [], "prompt_filter_results": [1]}
    events = decode(before, chunk({"content": "a"}, obfuscation="xx", content_filter_results={}), STOP, DONE)
    start = events[0]
    assert isinstance(start, e.MessageStart)
    assert (start.id, start.extra) == ("c-1", {})
    assert not any(isinstance(event, e.OpaqueEvent) for event in events)


def test_unknown_members_of_a_delta_are_gathered_for_the_finish() -> None:
    choice = told(
        chunk({"content": "a", "mood": "ca", "tags": [1], "deep": {"x": "p"}}),
        chunk({"mood": "lm", "tags": [2], "deep": {"x": "q", "y": 1}, "gone": None}),
        STOP,
        DONE,
    )
    assert choice.message_extra == {"mood": "calm", "tags": [1, 2], "deep": {"x": "pq", "y": 1}, "gone": None}
