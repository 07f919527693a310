"""Responses streams as events: the vendor's, and those of hosts that leave things out."""

from __future__ import annotations

from typing import Any

import pytest

from flowrouter.canonical import events as e
from flowrouter.canonical.parts import Image, Opaque, Reasoning, Refusal, Text, ToolCall
from flowrouter.dialects.codec import DecodeOptions
from flowrouter.dialects.openai_responses.stream_decoder import Decoder
from flowrouter.wire.sse import Frame
from tests.unit.dialects.openai_responses.streams import (
    CREATED,
    FROM,
    added,
    completed,
    decode,
    done,
    event,
    message,
    told,
)

HEAD = {"type": "message", "id": "msg_1", "status": "in_progress", "role": "assistant", "content": []}


def text(delta: str, index: int = 0, **members: Any) -> dict[str, Any]:
    return event(
        "output_text.delta", index, item_id="msg_1", content_index=0, delta=delta, logprobs=[], **members
    )


def test_the_order_of_events() -> None:
    usage = {"input_tokens": 5, "output_tokens": 2}
    events = decode(
        CREATED, added(HEAD), text("H"), text("i"), done(message("Hi")), completed(message("Hi"), usage=usage)
    )
    assert [type(happened) for happened in events] == [
        e.MessageStart, e.PartStart, e.PartDelta, e.PartDelta, e.PartEnd, e.UsageUpdate, e.Finish, e.MessageEnd
    ]  # fmt: skip
    start = events[0]
    assert isinstance(start, e.MessageStart)
    assert (start.origin, start.id, start.model, start.created) == ("openai_responses", "resp_1", "m", 7)


def test_what_says_nothing_is_no_part() -> None:
    reasoning = {"type": "reasoning", "id": "rs_1", "summary": []}
    pieces = (CREATED, added(reasoning), done(reasoning), added(HEAD, 1), done(message(""), 1))
    choice = told(*pieces, completed(reasoning, message("")))
    assert (choice.parts, choice.finish) == ((), "stop")


def test_parts_of_a_summary_are_one_text_with_blank_lines() -> None:
    def piece(place: int, delta: str) -> dict[str, Any]:
        return event("reasoning_summary_text.delta", summary_index=place, delta=delta)

    item = {"type": "reasoning", "id": "rs_1", "summary": []}
    whole = {
        **item,
        "summary": [{"type": "summary_text", "text": t} for t in ("ab", "c")],
        "encrypted_content": "E",
    }
    choice = told(
        CREATED, added(item), piece(0, "a"), piece(0, "b"), piece(1, "c"), done(whole), completed(whole)
    )
    assert choice.parts == (
        Reasoning(text="ab\n\nc", signature="E", provenance=FROM, extra={"item": {"id": "rs_1"}}),
    )


def test_state_without_words_is_a_part_and_an_envelope_of_ours_is_known() -> None:
    for state, member in (("E", "signature"), ("flr1.x", "sealed")):
        item = {"type": "reasoning", "id": "rs_1", "summary": []}
        [part] = told(CREATED, added(item), done({**item, "encrypted_content": state}), completed()).parts
        assert isinstance(part, Reasoning)
        assert getattr(part, member) == state


def test_raw_reasoning_is_told_from_a_summary() -> None:
    item = {"type": "reasoning", "id": "rs_1", "summary": []}
    delta = event("reasoning_text.delta", content_index=0, delta="hm")
    [part] = told(CREATED, added(item), delta, completed(item)).parts
    assert part == Reasoning(text="hm", field="content", provenance=FROM, extra={"item": {"id": "rs_1"}})


@pytest.mark.parametrize("kind", ["function", "custom"])
def test_calls_side_by_side(kind: str) -> None:
    wire, member, said = {
        "function": ("function_call", "arguments", "function_call_arguments"),
        "custom": ("custom_tool_call", "input", "custom_tool_call_input"),
    }[kind]
    items = [{"type": wire, "id": f"x{n}", "call_id": f"c{n}", "name": f"f{n}", member: ""} for n in (0, 1)]
    pieces = [added(items[0]), added(items[1], 1)]
    pieces += [event(f"{said}.delta", n, delta=d) for n, d in ((0, "a"), (1, "x"), (0, "b"), (1, "y"))]
    pieces += [event(f"{said}.done", n, **{member: t}) for n, t in ((0, "ab"), (1, "xyz"))]
    choice = told(CREATED, *pieces, completed(status="completed"))
    calls = [
        (part.id, part.name, part.arguments, part.kind) for part in choice.parts if isinstance(part, ToolCall)
    ]
    assert calls == [("c0", "f0", "ab", kind), ("c1", "f1", "xyz", kind)]
    assert choice.finish == "tool_calls"


def test_a_call_whose_name_comes_only_with_its_end() -> None:
    whole = {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "f", "arguments": '{"a":1}'}
    delta = event("function_call_arguments.delta", delta='{"a"', item_id="fc_1")
    for pieces in (
        (delta, done(whole)),
        (added({"type": "function_call", "id": "fc_1"}), delta, done(whole)),
    ):
        [part] = told(CREATED, *pieces, completed(whole)).parts
        assert (part.name, part.arguments) == ("f", '{"a":1}')  # type: ignore[union-attr]


def test_a_call_in_a_namespace_has_one_name() -> None:
    item = {
        "type": "function_call",
        "id": "f",
        "call_id": "c",
        "name": "go",
        "namespace": "ns",
        "arguments": "{}",
    }
    [part] = told(CREATED, added({**item, "arguments": ""}), done(item), completed(item)).parts
    assert part == ToolCall(
        id="c", name="ns__go", arguments="{}", extra={"item": {"id": "f", "namespace": "ns"}}
    )


def test_deltas_that_lack_index_and_announcement() -> None:
    pieces = [{"type": "response.output_text.delta", "delta": piece} for piece in ("a", "b")]
    assert [part.text for part in told(CREATED, *pieces, completed()).parts] == ["ab"]  # type: ignore[union-attr]


def test_an_answer_that_only_the_last_event_holds() -> None:
    call = {"type": "function_call", "id": "f", "call_id": "c", "name": "go", "arguments": "{}"}
    choice = told(CREATED, completed(message("a"), call))
    assert [type(part) for part in choice.parts] == [Text, ToolCall]


def test_what_was_streamed_is_not_told_again_under_another_id() -> None:
    choice = told(CREATED, added(HEAD), text("Hi"), completed(message("Hi", id="msg_other")))
    assert [part.text for part in choice.parts] == ["Hi"]  # type: ignore[union-attr]


def test_a_last_event_without_output_keeps_what_was_streamed() -> None:
    choice = told(CREATED, added(HEAD), text("Hi"), done(message("Hi")), completed())
    assert [part.text for part in choice.parts] == ["Hi"]  # type: ignore[union-attr]


def test_refusal_and_citations() -> None:
    cited = {"type": "url_citation", "url": "https://x.org", "title": "X", "start_index": 0, "end_index": 2}
    whole = message("Hi")
    whole["content"][0]["annotations"] = [cited]
    whole["content"].append({"type": "refusal", "refusal": "no"})
    annotation = event("output_text.annotation.added", content_index=0, annotation_index=0, annotation=cited)
    refusal = event("refusal.delta", content_index=1, delta="no")
    choice = told(CREATED, added(HEAD), text("Hi"), annotation, refusal, done(whole), completed(whole))
    assert choice.parts == (
        Text(text="Hi", citations=(cited,), extra={"item": {"id": "msg_1"}}),
        Refusal(text="no", extra={"item": {"id": "msg_1"}}),
    )
    assert choice.finish == "refusal"


def test_logprobs_of_deltas_and_those_that_come_at_the_end() -> None:
    first, second = {"token": "H", "logprob": -1}, {"token": "i", "logprob": -2}
    whole = message("Hi")
    whole["content"][0]["logprobs"] = [first, second]
    delta = {**text("H"), "logprobs": [first]}
    for pieces in ((added(HEAD), delta, done(whole)), ()):
        assert told(CREATED, *pieces, completed(whole)).logprobs == {
            "content": [first, second],
            "refusal": None,
        }


def test_an_item_the_vendor_runs_begins_at_once_and_ends_in_its_last_state() -> None:
    item = {"type": "web_search_call", "id": "ws", "status": "in_progress"}
    last = {**item, "status": "completed", "action": {"type": "search", "query": "q"}}
    searching = event("web_search_call.searching", item_id="ws")
    events = decode(CREATED, added(item), searching, done(last), completed(last))
    assert events[1:3] == [
        e.PartStart(index=0, part=Opaque(payload=item, origin="openai_responses")),
        e.OpaqueEvent(origin="openai_responses", payload=searching),
    ]
    assert told(CREATED, added(item), done(last), completed(last)).parts == (
        Opaque(payload=last, origin="openai_responses"),
    )


def test_a_picture_is_media_and_one_that_failed_is_not() -> None:
    item = {
        "type": "image_generation_call",
        "id": "ig",
        "status": "completed",
        "result": "QUJD",
        "output_format": "webp",
    }
    [part] = told(CREATED, added({"type": item["type"], "id": "ig"}), done(item), completed(item)).parts
    assert isinstance(part, Image)
    assert (part.source.data, part.source.media_type) == ("QUJD", "image/webp")
    failed = {**item, "status": "failed", "result": None}
    assert told(CREATED, done(failed), completed(failed)).parts == (
        Opaque(payload=failed, origin="openai_responses"),
    )


def test_content_of_an_unknown_kind_is_kept_for_its_own_dialect() -> None:
    piece = {"type": "output_hologram", "data": "z"}
    whole = {**HEAD, "status": "completed", "content": [piece]}
    [part] = told(
        CREATED,
        added(HEAD),
        event("content_part.done", content_index=0, part=piece),
        done(whole),
        completed(whole),
    ).parts
    assert isinstance(part, Opaque)
    assert part.payload["content"] == [piece]


@pytest.mark.parametrize(
    ("members", "finish", "raw"),
    [
        ({}, "stop", "completed"),
        (
            {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}},
            "length",
            "max_output_tokens",
        ),
        (
            {"status": "incomplete", "incomplete_details": {"reason": "content_filter"}},
            "content_filter",
            "content_filter",
        ),
        ({"status": "incomplete", "incomplete_details": {"reason": "steered"}}, "other", "steered"),
        ({"status": "incomplete", "incomplete_details": None}, "other", "incomplete"),
        ({"status": "cancelled"}, "other", "cancelled"),
    ],
    ids=["completed", "length", "filter", "future", "unsaid", "cancelled"],
)
def test_finishes(members: dict[str, Any], finish: str, raw: str) -> None:
    choice = told(CREATED, completed(message("Hi"), **members))
    assert (choice.finish, choice.raw_finish) == (finish, raw)


def test_the_answers_own_form_is_kept_apart_from_what_only_its_vendor_knows() -> None:
    choice = told(CREATED, completed(tools=[], temperature=0, metadata={}, brand_new=1))
    assert choice.extra == {"brand_new": 1}
    assert choice.form == {"status": "completed", "tools": [], "temperature": 0, "metadata": {}, "output": []}


@pytest.mark.parametrize(
    ("piece", "status", "code", "message_text"),
    [
        ({"type": "error", "code": "rate_limit_exceeded", "message": "slow", "sequence_number": 3}, 429, "rate_limit_exceeded", "slow"),
        ({"type": "error", "error": {"type": "server_error", "code": None, "message": "bad"}}, 500, None, "bad"),
        ({"error": {"code": "context_length_exceeded", "message": "long"}}, 400, "context_length_exceeded", "long"),
        ({"type": "response.failed", "response": {"id": "resp_1", "status": "failed", "error": {"code": "server_error", "message": "oh"}, "output": []}}, 500, "server_error", "oh"),
        ({"type": "response.failed", "response": {"id": "resp_1", "status": "failed", "error": None, "output": []}}, 502, None, "The upstream reported an error without a message (200)."),
    ],
    ids=["event", "nested", "untyped", "failed", "failed-in-silence"],
)  # fmt: skip
def test_failures(piece: dict[str, Any], status: int, code: str | None, message_text: str) -> None:
    for before in ((), (CREATED, added(HEAD), text("Hi"))):
        failed = decode(*before, piece, text("late"))[-1]
        assert isinstance(failed, e.StreamError)
        assert (failed.problem.status, failed.problem.code, failed.problem.message) == (
            status,
            code,
            message_text,
        )
        assert failed.problem.details is None


def test_a_stream_that_ends_too_soon() -> None:
    for pieces, code in (
        ((), "empty_stream"),
        ((CREATED,), "stream_truncated"),
        ((CREATED, text("a"), b"[DONE]"), "stream_truncated"),
    ):
        failed = decode(*pieces)[-1]
        assert isinstance(failed, e.StreamError)
        assert (failed.problem.code, failed.problem.status) == (code, 502)
    assert told(CREATED, text("a"), lax_finish=True).finish == "other"


def test_nothing_follows_the_end() -> None:
    decoder = Decoder(DecodeOptions(provenance=FROM))
    frames = [
        b'{"type":"response.completed","response":{"id":"r","output":[]}}',
        b'{"type":"response.output_text.delta","delta":"x"}',
    ]
    events = [happened for data in frames for happened in decoder.feed(Frame(None, data, b""))]
    assert isinstance(events[-1], e.MessageEnd)
    assert decoder.close() == []


@pytest.mark.parametrize(
    "data", [b"{", b"[]", b"null", b"\xff", b'"x"', b"{}", b'{"type":"response.output_item.done"}']
)
def test_frames_that_mean_nothing_are_told(data: bytes) -> None:
    decoder = Decoder(DecodeOptions(provenance=FROM))
    decoder.feed(Frame(None, b'{"type":"response.created","response":{"id":"r"}}', b""))
    assert [type(happened) for happened in decoder.feed(Frame(None, data, b""))] == [e.FrameError]


def test_gaps_in_the_numbers_and_unknown_events_are_harmless() -> None:
    events = decode(
        {**CREATED, "sequence_number": 0},
        {"type": "codex.news", "x": 1},
        {**text("a"), "sequence_number": 99},
        completed(),
    )
    assert e.OpaqueEvent(origin="openai_responses", payload={"type": "codex.news", "x": 1}) in events
    assert not [happened for happened in events if isinstance(happened, e.FrameError)]
    assert isinstance(decode({"type": "keepalive"}, CREATED, completed())[0], e.Ping)
