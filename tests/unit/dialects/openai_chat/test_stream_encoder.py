"""Events as the chunks a Chat client reads, from any dialect and after any take-over."""

from __future__ import annotations

from typing import Any

import pytest

from flowrouter.canonical import events as e
from flowrouter.canonical.cursor import Cursor
from flowrouter.canonical.events import Event
from flowrouter.canonical.parts import Audio, Image, Opaque, Reasoning, Refusal, Source, Text, ToolCall
from flowrouter.canonical.problem import Problem
from flowrouter.canonical.usage import Usage
from flowrouter.dialects.codec import EncodeOptions
from flowrouter.dialects.openai_chat import CODEC
from tests.unit.dialects.openai_chat.streams import chunks

START = e.MessageStart(origin="anthropic", id="msg_01AB", model="claude")
OWN = e.MessageStart(origin="openai_chat", id="chatcmpl-1", model="gpt", created=7)
END = [e.Finish(reason="stop"), e.MessageEnd()]
USAGE = e.UsageUpdate(Usage(input=3, output=2))


def said(index: int, part: Any, *texts: str) -> list[Event]:
    return [
        e.PartStart(index=index, part=part),
        *(e.PartDelta(index, text) for text in texts),
        e.PartEnd(index),
    ]


def written(*events: Event, **options: Any) -> list[Any]:
    encoder = CODEC.encoder(EncodeOptions(**options))
    return chunks(encoder.feed(event) for event in events)


def deltas(*events: Event, **options: Any) -> list[Any]:
    return [
        each["choices"][0]["delta"]
        for each in written(*events, **options)
        if each != "[DONE]" and each["choices"]
    ]


def test_the_whole_of_a_plain_answer() -> None:
    shared = {"id": "chatcmpl-01AB", "object": "chat.completion.chunk", "created": 9, "model": "claude"}

    def one(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        return {**shared, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}], "usage": None}

    events = [START, *said(0, Text(text=""), "Hi", " é\n"), USAGE, *END]
    assert written(*events, include_usage=True, now=9.5) == [
        one({"role": "assistant", "content": ""}),
        one({"content": "Hi"}),
        one({"content": " é\n"}),
        one({}, "stop"),
        {**shared, "choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}},
        "[DONE]",
    ]


def test_no_usage_unless_asked() -> None:
    out = written(START, *said(0, Text(text=""), "Hi"), USAGE, *END)
    assert all("usage" not in each for each in out if each != "[DONE]")
    assert out[-1] == "[DONE]"


def test_usage_nobody_knows_is_not_made_up() -> None:
    out = written(START, *said(0, Text(text=""), "Hi"), *END, include_usage=True)
    assert [each for each in out if each != "[DONE]" and not each["choices"]] == []


def test_the_alias_is_echoed() -> None:
    assert {each["model"] for each in written(START, *END, model="mine") if each != "[DONE]"} == {"mine"}


def test_call_indexes_count_the_calls_and_heads_go_once() -> None:
    events: list[Event] = [
        START,
        *said(0, Reasoning(), "hm"),
        *said(1, Text(text=""), "x"),
        e.PartStart(index=2, part=ToolCall(id="a", name="f", arguments="", extra={"caller": 1})),
        e.PartStart(index=3, part=ToolCall(id="b", name="g", arguments="")),
        e.PartDelta(3, "{}"),
        e.PartDelta(2, '{"x":'),
        e.PartDelta(2, "1}"),
        e.PartEnd(2),
        e.PartEnd(3),
        e.Finish(reason="tool_calls", raw="tool_use"),
        e.MessageEnd(),
    ]
    made = [delta["tool_calls"][0] for delta in deltas(*events) if "tool_calls" in delta]
    assert made == [
        {"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": ""}},
        {"index": 1, "id": "b", "type": "function", "function": {"name": "g", "arguments": ""}},
        {"index": 1, "function": {"arguments": "{}"}},
        {"index": 0, "function": {"arguments": '{"x":'}},
        {"index": 0, "function": {"arguments": "1}"}},
    ]
    assert written(*events)[-2]["choices"][0]["finish_reason"] == "tool_calls"


@pytest.mark.parametrize(
    ("start", "finish", "called", "word"),
    [
        (START, e.Finish(reason="stop", raw="end_turn"), False, "stop"),
        (START, e.Finish(reason="tool_calls", raw="tool_use"), False, "stop"),
        (START, e.Finish(reason="stop"), True, "tool_calls"),
        (START, e.Finish(reason="length", raw="max_tokens"), True, "length"),
        (START, e.Finish(reason="refusal"), False, "content_filter"),
        (START, e.Finish(reason="stop_sequence", stop_sequence="END"), False, "stop"),
        (OWN, e.Finish(reason="tool_calls", raw="stop"), True, "stop"),
        (OWN, e.Finish(reason="other", raw="budget_spent"), False, "budget_spent"),
    ],
)
def test_finish_words(start: Event, finish: e.Finish, called: bool, word: str) -> None:
    call = said(0, ToolCall(id="a", name="f", arguments=""), "{}") if called else []
    assert written(start, *call, finish, e.MessageEnd())[-2]["choices"][0]["finish_reason"] == word


def test_the_deprecated_form() -> None:
    events = [
        START,
        *said(0, ToolCall(id="a", name="f", arguments=""), "{}"),
        *said(1, ToolCall(id="b", name="g", arguments=""), "{}"),
        e.Finish(reason="tool_calls"),
        e.MessageEnd(),
    ]
    encoder = CODEC.encoder(EncodeOptions(legacy_calls=True))
    out = chunks(encoder.feed(event) for event in events)
    assert [each["choices"][0]["delta"] for each in out[1:-2]] == [
        {"function_call": {"name": "f", "arguments": ""}},
        {"function_call": {"arguments": "{}"}},
    ]
    assert out[-2]["choices"][0]["finish_reason"] == "function_call"
    assert [loss.path for loss in encoder.losses] == ["choices[0].tool_calls"]


def test_reasoning_parts_are_set_apart_and_sealed_state_travels() -> None:
    events = [
        START,
        e.PartStart(index=0, part=Reasoning()),
        e.PartDelta(0, "a"),
        e.SignatureDelta(0, "flr1.x", sealed=True),
        e.PartEnd(0),
        *said(1, Reasoning(), "b", "c"),
    ]
    assert deltas(*events)[1:] == [
        {"reasoning_content": "a"},
        {"reasoning_signatures": ["flr1.x"]},
        {"reasoning_content": "\n\nb"},
        {"reasoning_content": "c"},
    ]


def test_a_vendor_s_signature_never_leaves() -> None:
    encoder = CODEC.encoder(EncodeOptions())
    events: list[Event] = [
        START,
        e.PartStart(index=0, part=Reasoning()),
        e.SignatureDelta(0, "SECRET"),
        e.SignatureDelta(0, "S2"),
    ]
    assert b"SECRET" not in b"".join(encoder.feed(event) for event in events)
    assert len(encoder.losses) == 1


def test_refusal_images_citations_and_logprobs() -> None:
    image = Image(source=Source(kind="base64", media_type="image/png", data="AAAA"))
    events: list[Event] = [
        START,
        *said(0, Text(text=""), "Well, "),
        e.PartStart(index=1, part=Text(text="")),
        e.PartDelta(1, "rain."),
        e.CitationDelta(1, {"type": "web", "url": "https://e.com", "title": "E"}),
        e.CitationDelta(1, {"type": "page"}),
        e.PartEnd(1),
        *said(2, image),
        *said(3, Refusal(text=""), "no"),
        e.LogprobsDelta(logprobs={"content": []}),
    ]
    encoder = CODEC.encoder(EncodeOptions())
    out = chunks(encoder.feed(event) for event in events)[3:]
    assert out[0]["choices"][0]["delta"]["annotations"][0]["url_citation"] == {
        "start_index": 6, "end_index": 11, "title": "E", "url": "https://e.com"
    }  # fmt: skip
    assert out[1]["choices"][0]["delta"]["images"][0]["image_url"]["url"] == "data:image/png;base64,AAAA"
    assert out[2]["choices"][0]["delta"] == {"refusal": "no"}
    assert out[3]["choices"][0]["logprobs"] == {"content": []}
    assert [loss.path for loss in encoder.losses] == ["choices[0].citations"]


def test_what_has_no_place_is_told_once() -> None:
    encoder = CODEC.encoder(EncodeOptions())
    for event in (
        START,
        *said(0, Audio(data="A", format="wav")),
        *said(1, Opaque(payload={}, origin="anthropic")),
        e.OpaqueEvent(origin="anthropic", payload={}),
        e.OpaqueEvent(origin="anthropic", payload={}),
    ):
        encoder.feed(event)
    assert [loss.path for loss in encoder.losses] == [
        "choices[0].audio",
        "choices[0].opaque",
        "choices[0].stream",
    ]


def test_members_only_chat_knows_return_to_chat() -> None:
    start = e.MessageStart(
        origin="openai_chat", id="c", model="m", extra={"provider": "X", "citations": ["u"]}
    )
    finish = e.Finish(reason="stop", raw="stop", extra={"native": "x"}, message_extra={"mood": "calm"})
    opaque = e.OpaqueEvent(origin="openai_chat", payload={"late": 1})
    first, late, last, _ = written(start, opaque, finish, e.MessageEnd(), include_usage=True)
    assert (first["provider"], first["citations"]) == ("X", ["u"])
    assert (late["late"], late["choices"], late["usage"]) == (1, [], None)
    assert "citations" not in last
    assert last["provider"] == "X"
    assert last["choices"] == [
        {"index": 0, "delta": {"mood": "calm"}, "finish_reason": "stop", "native": "x"}
    ]


def test_more_choices_each_begin_with_their_role() -> None:
    events: list[Event] = [
        OWN,
        e.PartStart(index=0, part=Text(text=""), choice=1),
        e.PartDelta(0, "x"),
        e.PartEnd(0),
        e.Finish(reason="stop", choice=0),
        e.Finish(reason="stop", choice=1),
    ]
    out = [(each["choices"][0]["index"], each["choices"][0]["delta"]) for each in written(*events)]
    role = {"role": "assistant", "content": ""}
    assert out == [(0, role), (1, role), (1, {"content": "x"}), (0, {}), (1, {})]


def test_an_error_ends_the_stream_without_a_clean_terminator() -> None:
    problem = Problem(status=529, message="overloaded", kind="overloaded_error", origin="anthropic")
    out = written(
        START, e.PartStart(index=0, part=Text(text="")), e.StreamError(problem), e.PartDelta(0, "x"), *END
    )
    assert out[-1] == {
        "error": {
            "message": "overloaded",
            "type": "server_error",
            "param": None,
            "code": "service_unavailable",
        }
    }
    assert written(e.StreamError(problem)) == out[-1:]


def test_signs_of_life() -> None:
    encoder = CODEC.encoder(EncodeOptions())
    assert encoder.heartbeat() == b": keep-alive\n\n"
    assert encoder.feed(e.Ping()) == b""
    assert encoder.feed(e.FrameError("x")) == b""


def resumed(before: list[Event], after: list[Event], **options: Any) -> list[Any]:
    cursor = Cursor()
    for event in before:
        cursor.apply(event)
    encoder = CODEC.resume(EncodeOptions(**options), cursor)
    return chunks(encoder.feed(event) for event in after)


def test_a_take_over_repeats_nothing_and_keeps_the_first_identity() -> None:
    before: list[Event] = [START, e.PartStart(index=0, part=Text(text="")), e.PartDelta(0, "Hel")]
    other = e.MessageStart(origin="openai_chat", id="chatcmpl-9", model="gpt")
    out = resumed(before, [other, e.PartDelta(0, "lo"), e.PartEnd(0), USAGE, *END], include_usage=True)
    assert [each["choices"][0]["delta"] for each in out[:2]] == [{"content": "lo"}, {}]
    assert {(each["id"], each["model"]) for each in out[:-1]} == {("chatcmpl-01AB", "claude")}
    assert out[-2]["usage"]["total_tokens"] == 5


def test_a_take_over_goes_on_counting_calls() -> None:
    before: list[Event] = [
        START,
        e.PartStart(index=0, part=ToolCall(id="a", name="f", arguments="")),
        e.PartDelta(0, "{"),
    ]
    after: list[Event] = [
        e.PartDelta(0, "}"),
        e.PartEnd(0),
        e.PartStart(index=1, part=ToolCall(id="b", name="g", arguments="")),
        e.Finish(reason="stop"),
    ]
    out = resumed(before, after)
    assert [each["choices"][0]["delta"].get("tool_calls", [{}])[0].get("index") for each in out] == [
        0,
        1,
        None,
    ]
    assert out[-1]["choices"][0]["finish_reason"] == "tool_calls"


def test_after_the_end_or_an_error_nothing_more_is_said() -> None:
    problem = e.StreamError(Problem(status=500, message="x"))
    assert resumed([START, *END], [e.PartDelta(0, "x"), *END]) == []
    assert resumed([START, problem], [e.PartDelta(0, "x"), *END]) == []


def test_a_take_over_before_the_start_begins_like_any_other() -> None:
    assert resumed([], [START, *END]) == written(START, *END)
