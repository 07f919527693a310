"""Events as a Responses stream: held against the SDK's types and its accumulating helper throughout."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from flowrouter.canonical import events as e
from flowrouter.canonical.cursor import Cursor
from flowrouter.canonical.events import Event
from flowrouter.canonical.parts import Audio, Image, Opaque, Part, Reasoning, Refusal, Source, Text, ToolCall
from flowrouter.canonical.problem import Problem
from flowrouter.canonical.usage import Usage
from flowrouter.dialects.codec import EncodeOptions
from flowrouter.dialects.openai_responses.stream_encoder import Encoder
from flowrouter.wire.json import dumps
from tests.unit.dialects.openai_responses.streams import DONE, START, encode, kinds, read, understood

USAGE = e.UsageUpdate(Usage(input=15, cache_read=5, output=6, reasoning=3))
CALLS = e.Finish(reason="tool_calls")


def part(index: int, header: Part, *pieces: str) -> list[Event]:
    start: list[Event] = [e.PartStart(index=index, part=header)]
    return [*start, *(e.PartDelta(index, piece) for piece in pieces), e.PartEnd(index)]


def words(index: int, *pieces: str) -> list[Event]:
    return part(index, Text(text=""), *pieces)


def call(index: int, *pieces: str, name: str = "f", kind: Any = "function") -> list[Event]:
    return part(index, ToolCall(id=f"c{index}", name=name, arguments="", kind=kind), *pieces)


def test_text() -> None:
    frames, encoder = encode(START, *words(0, "H", "i"), USAGE, *DONE)
    assert kinds(frames) == [
        "created", "in_progress", "output_item.added", "content_part.added", "output_text.delta", "output_text.delta",
        "output_text.done", "content_part.done", "output_item.done", "completed",
    ]  # fmt: skip
    assert frames[6]["text"] == "Hi"
    response = frames[-1]["response"]
    assert response["output"] == [frames[-2]["item"]]
    assert response["output"][0] == {
        "id": "msg_abc_0", "type": "message", "status": "completed", "role": "assistant",
        "content": [{"type": "output_text", "text": "Hi", "annotations": [], "logprobs": []}],
    }  # fmt: skip
    assert (response["id"], response["created_at"], response["model"]) == ("resp_abc", 7, "m")
    assert response["usage"] == {
        "input_tokens": 20, "input_tokens_details": {"cached_tokens": 5, "cache_write_tokens": 0},
        "output_tokens": 9, "output_tokens_details": {"reasoning_tokens": 3}, "total_tokens": 29,
    }  # fmt: skip
    assert {frame["response"]["id"] for frame in frames if "response" in frame} == {"resp_abc"}
    assert frames[0]["response"]["status"] == "in_progress"
    assert encoder.losses == []


def test_the_last_event_waits_for_the_usage() -> None:
    encoder = Encoder(EncodeOptions())
    out = [encoder.feed(happened) for happened in (START, *words(0, "x"), DONE[0], USAGE, DONE[1])]
    assert out[-2] == b""
    assert read(out[-1])[0]["response"]["usage"]["total_tokens"] == 29


def test_the_whole_trace_of_reasoning_text_and_parallel_calls() -> None:
    events = [
        START, *part(0, Reasoning(), "a"), *words(1, "Hi"),
        e.PartStart(index=2, part=ToolCall(id="c1", name="f", arguments="")), e.PartDelta(2, '{"a"'),
        e.PartStart(index=3, part=ToolCall(id="c2", name="g", arguments="")), e.PartDelta(3, "{}"),
        e.PartDelta(2, ":1}"), e.PartEnd(2), e.PartEnd(3), CALLS, USAGE, e.MessageEnd(),
    ]  # fmt: skip
    frames, _ = encode(*events)
    assert [item["type"] for item in frames[-1]["response"]["output"]] == [
        "reasoning", "message", "function_call", "function_call",
    ]  # fmt: skip
    assert [item["id"] for item in frames[-1]["response"]["output"]] == [
        "rs_abc_0", "msg_abc_1", "fc_abc_2", "fc_abc_3",
    ]  # fmt: skip
    arguments = [frame["arguments"] for frame in frames if frame["type"].endswith("arguments.done")]
    assert arguments == ['{"a":1}', "{}"]
    reasoning = [kind for kind in kinds(frames) if kind.startswith("reasoning")]
    assert reasoning == [
        "reasoning_summary_part.added", "reasoning_summary_text.delta", "reasoning_summary_text.done",
        "reasoning_summary_part.done",
    ]  # fmt: skip


def test_a_message_is_closed_before_the_call_behind_it_opens() -> None:
    frames, _ = encode(START, *words(0, "x"), *words(1, "y"), *call(2, "{}"), CALLS, e.MessageEnd())
    order = [(kind, frame.get("output_index")) for kind, frame in zip(kinds(frames), frames, strict=True)]
    assert order.index(("output_item.done", 0)) < order.index(("output_item.added", 1))
    [message, _] = frames[-1]["response"]["output"]
    assert [piece["text"] for piece in message["content"]] == ["x", "y"]


def test_custom_calls_and_refusals() -> None:
    frames, _ = encode(
        START, *part(0, Refusal(text=""), "no"), *call(1, "a\n", "b", kind="custom"), CALLS, e.MessageEnd()
    )
    refusal, custom = frames[-1]["response"]["output"]
    assert refusal["content"] == [{"type": "refusal", "refusal": "no"}]
    assert (custom["id"], custom["type"], custom["input"]) == ("ctc_abc_1", "custom_tool_call", "a\nb")
    assert [frame["input"] for frame in frames if frame["type"].endswith("input.done")] == ["a\nb"]


def test_arguments_a_foreign_vendor_left_empty_are_an_object() -> None:
    frames, _ = encode(START, *call(0), CALLS, e.MessageEnd())
    assert frames[-1]["response"]["output"][0]["arguments"] == "{}"


def test_calls_of_tools_in_namespaces_have_their_bare_name() -> None:
    tools = [
        {"type": "namespace", "name": "ns", "description": "d", "tools": [{"type": "function", "name": "go"}]}
    ]
    asked = dumps({"model": "m", "input": "x", "tools": tools})
    events = (START, *call(0, "{}", name="ns__go"), *call(1, "{}", name="no__go"), CALLS, e.MessageEnd())
    frames, _ = encode(*events, asked=asked)
    named = [(item["name"], item.get("namespace")) for item in frames[-1]["response"]["output"]]
    assert named == [("go", "ns"), ("no__go", None)]
    added = [frame["item"] for frame in frames if frame["type"].endswith("item.added")]
    assert [(item["name"], item.get("namespace")) for item in added] == named


def test_an_envelope_of_ours_is_the_encrypted_content_and_foreign_state_stays_away() -> None:
    events = [
        START, e.PartStart(index=0, part=Reasoning()), e.PartDelta(0, "Hm"), e.SignatureDelta(0, "theirs"),
        e.SignatureDelta(0, "flr1.x", sealed=True), e.PartEnd(0),
        e.PartStart(index=1, part=Reasoning(call_id="c2")), e.SignatureDelta(1, "flr1.y", sealed=True), e.PartEnd(1),
        e.PartStart(index=2, part=Reasoning(redacted="r")), e.PartEnd(2), *words(3, "x"), *DONE,
    ]  # fmt: skip
    frames, encoder = encode(*events)
    output = frames[-1]["response"]["output"]
    assert [(item["type"], item.get("encrypted_content")) for item in output] == [
        ("reasoning", "flr1.x"), ("reasoning", "flr1.y"), ("message", None)
    ]  # fmt: skip
    assert [frame["item"] for frame in frames if frame["type"].endswith("item.done")] == output
    assert [loss.path for loss in encoder.losses] == ["content.reasoning"]


def test_citations_that_lead_to_a_page() -> None:
    chat = {
        "type": "url_citation",
        "url_citation": {"url": "https://a.org", "title": "A", "start_index": 1, "end_index": 2},
    }
    claude = {"type": "web_search_result_location", "url": "https://b.org", "title": None, "cited_text": "b"}
    place = {"type": "page_location", "document_index": 0}
    events = [
        START,
        *words(0, "Hi")[:-1],
        *(e.CitationDelta(0, cited) for cited in (chat, claude, place)),
        e.PartEnd(0),
        *DONE,
    ]
    frames, encoder = encode(*events)
    assert frames[-1]["response"]["output"][0]["content"][0]["annotations"] == [
        {"type": "url_citation", "start_index": 1, "end_index": 2, "url": "https://a.org", "title": "A"},
        {
            "type": "url_citation",
            "start_index": 0,
            "end_index": 2,
            "url": "https://b.org",
            "title": "https://b.org",
        },
    ]
    assert [frame["annotation_index"] for frame in frames if "annotation_index" in frame] == [0, 1]
    assert [loss.path for loss in encoder.losses] == ["content.citations"]


def test_token_probabilities_stand_in_deltas_and_in_the_item() -> None:
    entry = {"token": "é", "logprob": -0.5, "bytes": None}
    events = [
        START,
        *words(0, "é")[:-1],
        e.LogprobsDelta(logprobs={"content": [entry], "refusal": None}),
        e.PartEnd(0),
        *DONE,
    ]
    full = [{**entry, "bytes": [195, 169], "top_logprobs": []}]
    frames, _ = encode(*events)
    assert [frame["logprobs"] for frame in frames if frame["type"].endswith("text.delta")] == [[], full]
    assert frames[-1]["response"]["output"][0]["content"][0]["logprobs"] == full
    late, _ = encode(START, *words(0, "é"), events[3], *DONE)
    assert late[-1]["response"]["output"][0]["content"][0]["logprobs"] == full


def test_pictures_here_and_elsewhere() -> None:
    here = Image(source=Source(kind="base64", media_type="image/png", data="QUJD"))
    frames, encoder = encode(
        START, *part(0, here), *part(1, Image(source=Source(kind="url", url="u"))), *DONE
    )
    [item] = frames[-1]["response"]["output"]
    assert (item["type"], item["result"], item["status"]) == ("image_generation_call", "QUJD", "completed")
    assert [loss.path for loss in encoder.losses] == ["content.image"]


@pytest.mark.parametrize(
    ("finish", "status", "reason", "item"),
    [
        ("stop", "completed", None, "completed"),
        ("stop_sequence", "completed", None, "completed"),
        ("tool_calls", "completed", None, "completed"),
        ("paused", "completed", None, "completed"),
        ("other", "completed", None, "completed"),
        ("length", "incomplete", "max_output_tokens", "incomplete"),
        ("context_full", "incomplete", "max_output_tokens", "incomplete"),
        ("content_filter", "incomplete", "content_filter", "incomplete"),
        ("refusal", "incomplete", "content_filter", "incomplete"),
        ("malformed_call", "failed", None, "completed"),
    ],
)  # fmt: skip
def test_finishes(finish: Any, status: str, reason: str | None, item: str) -> None:
    frames, _ = encode(START, *words(0, "x"), e.Finish(reason=finish), e.MessageEnd())
    response = frames[-1]["response"]
    assert frames[-1]["type"] == f"response.{status}"
    assert response["status"] == status
    assert response["incomplete_details"] == (None if reason is None else {"reason": reason})
    assert frames[-2]["item"]["status"] == item
    assert (response["error"] is None) == (status != "failed")


def test_only_one_choice_and_no_foreign_parts() -> None:
    frames, encoder = encode(
        START, e.PartStart(index=0, part=Text(text=""), choice=1), e.PartDelta(0, "two"), e.PartEnd(0),
        *part(1, Opaque(payload={"type": "x"}, origin="anthropic")), *part(2, Audio(data="x", format="wav")),
        *words(3, "one"), e.OpaqueEvent(origin="anthropic", payload={"type": "x"}),
        e.LogprobsDelta(logprobs={"content": []}, choice=1), e.Finish(reason="length", choice=1), *DONE,
    )  # fmt: skip
    assert frames[-1]["response"]["status"] == "completed"
    assert [item["id"] for item in frames[-1]["response"]["output"]] == ["msg_abc_0"]
    assert {loss.path for loss in encoder.losses} == {
        "choices[1]",
        "content.opaque",
        "content.audio",
        "event",
    }


def test_an_error_ends_the_stream_and_says_what_there_was() -> None:
    problem = Problem(status=503, message="gone", origin="anthropic")
    encoder = Encoder(EncodeOptions())
    out = b"".join(
        encoder.feed(happened) for happened in (START, *words(0, "x")[:-1], e.StreamError(problem))
    )
    frames = read(out)
    understood(frames)
    assert frames[-1]["type"] == "response.failed"
    response = frames[-1]["response"]
    assert (response["status"], response["error"]) == ("failed", {"code": "server_error", "message": "gone"})
    assert response["output"][0]["status"] == "incomplete"
    assert b"".join(encoder.feed(happened) for happened in (*words(1, "y"), *DONE)) == b""
    assert encoder.heartbeat() == b""


def test_an_error_before_anything_else_begins_the_answer_first() -> None:
    frames, _ = encode(e.StreamError(Problem(status=429, message="later")), model="m", now=9.5)
    assert kinds(frames) == ["created", "in_progress", "failed"]
    assert frames[-1]["response"]["error"]["code"] == "rate_limit_exceeded"
    assert len({frame["response"]["id"] for frame in frames}) == 1
    assert frames[0]["response"]["created_at"] == 9


def test_heartbeats_are_comments() -> None:
    encoder = Encoder(EncodeOptions())
    assert encoder.heartbeat().startswith(b":")
    encoder.feed(START)
    assert encoder.feed(e.Ping()).startswith(b":")
    assert encoder.feed(e.FrameError("x")) == b""


def test_an_answer_of_the_vendor_keeps_its_ids() -> None:
    start = e.MessageStart(origin="openai_responses", id="resp_9", model="m", created=7)
    item = {"item": {"id": "msg_own", "phase": "commentary"}}
    frames, _ = encode(start, *part(0, Text(text="", extra=item), "a"), *DONE, model="alias")
    response = frames[-1]["response"]
    assert (response["id"], response["model"]) == ("resp_9", "alias")
    assert (response["output"][0]["id"], response["output"][0]["phase"]) == ("msg_own", "commentary")


def test_ids_of_items_stay_short() -> None:
    start = e.MessageStart(origin="gemini", id="x" * 300, model="m")
    frames, _ = encode(start, *words(0, "a"), *DONE)
    assert len(frames[-1]["response"]["output"][0]["id"]) <= 64


INTERLEAVED: list[Event] = [
    START, *part(0, Reasoning(), "Hm", ", so"), *words(1, "Hi ", "there"),
    *call(2, 'a"', kind="custom")[:-1], *call(3, "{")[:-1],
    e.PartStart(index=4, part=Reasoning()), e.PartDelta(4, "Well"), e.SignatureDelta(4, "flr1.s", sealed=True),
    e.PartEnd(4), e.PartDelta(2, "b"), e.PartDelta(3, "}"), e.PartEnd(3), *call(5, "{", "}")[:2], e.PartEnd(2),
    e.PartDelta(5, "}"), e.PartEnd(5), *words(6, "Bye")[:-1], e.CitationDelta(6, {"url": "https://x.org"}), e.PartEnd(6),
    USAGE, CALLS, e.MessageEnd(),
]  # fmt: skip


@pytest.mark.parametrize("cut", range(len(INTERLEAVED) + 1))
def test_another_encoder_says_exactly_what_the_first_would_have_said(cut: int) -> None:
    first = Encoder(EncodeOptions())
    expected = [first.feed(happened) for happened in INTERLEAVED]
    cursor = Cursor()
    for happened in INTERLEAVED[:cut]:
        cursor.apply(happened)
    second = Encoder.resume(EncodeOptions(), cursor)
    assert [second.feed(happened) for happened in INTERLEAVED[cut:]] == expected[cut:]


def test_the_interleaved_trace_is_understood() -> None:
    encode(*INTERLEAVED)


def test_the_second_start_of_a_target_that_took_over_is_swallowed() -> None:
    cursor = Cursor()
    for happened in (START, *words(0, "Once")[:-1]):
        cursor.apply(happened)
    encoder = Encoder.resume(EncodeOptions(), cursor)
    assert encoder.feed(e.MessageStart(origin="anthropic", id="msg_9", model="c")) == b""
    [frame] = read(encoder.feed(e.PartDelta(0, " upon")))
    assert (frame["item_id"], frame["delta"], frame["sequence_number"]) == ("msg_abc_0", " upon", 5)
    closing = list(itertools.chain([e.PartEnd(0)], DONE))
    last = read(b"".join(encoder.feed(happened) for happened in closing))[-1]["response"]
    assert (last["id"], last["output"][0]["content"][0]["text"]) == ("resp_abc", "Once upon")


def test_events_only_the_vendor_knows_get_our_numbers() -> None:
    start = e.MessageStart(origin="openai_responses", id="resp_1", model="m")
    item = {
        "type": "web_search_call",
        "id": "ws",
        "status": "in_progress",
        "action": {"type": "search", "query": ""},
    }
    last = {**item, "status": "completed"}
    payload = {
        "type": "response.web_search_call.searching",
        "sequence_number": 77,
        "item_id": "ws",
        "output_index": 5,
    }
    frames, _ = encode(
        start, e.PartStart(index=0, part=Opaque(payload=item, origin="openai_responses")),
        e.OpaqueEvent(origin="openai_responses", payload=payload), e.PartDelta(0, dumps(last).decode()), e.PartEnd(0), *DONE,
    )  # fmt: skip
    assert kinds(frames)[2:5] == ["output_item.added", "web_search_call.searching", "output_item.done"]
    assert frames[3]["output_index"] == 0
    assert frames[-1]["response"]["output"] == [last]
