"""Events as the chunks a Gemini client reads, from any dialect, in either framing, after any take-over."""

from __future__ import annotations

from base64 import b64decode
from typing import Any

import pytest
from google.genai import types as vendor

from flowrouter.canonical import events as e
from flowrouter.canonical.cursor import Cursor
from flowrouter.canonical.events import Event
from flowrouter.canonical.parts import (
    Audio,
    Document,
    Image,
    Opaque,
    Reasoning,
    Refusal,
    Source,
    Text,
    ToolCall,
)
from flowrouter.canonical.problem import Problem
from flowrouter.canonical.usage import Usage
from flowrouter.dialects.codec import EncodeOptions
from flowrouter.dialects.gemini.stream_encoder import Encoder, resume
from flowrouter.wire.json import dumps, loads
from tests.unit.dialects.gemini.streams import call, chunk, chunks, decode, text, thought

START = e.MessageStart(origin="anthropic", id="msg_01AB", model="claude")
OWN = e.MessageStart(origin="gemini", id="r", model="m")
END = [e.Finish(reason="stop", raw="end_turn"), e.MessageEnd()]
USAGE = e.UsageUpdate(Usage(input=3, output=2))
BUSY = e.StreamError(Problem(status=529, message="busy", kind="overloaded_error", origin="anthropic"))


def said(index: int, part: Any, *texts: str, choice: int = 0) -> list[Event]:
    return [
        e.PartStart(index=index, part=part, choice=choice),
        *(e.PartDelta(index, words) for words in texts),
        e.PartEnd(index),
    ]


def sealed(index: int, envelope: str, words: str = "") -> list[Event]:
    start, *rest = said(index, Reasoning(), words)
    return [start, *rest[:-1], e.SignatureDelta(index, envelope, sealed=True), rest[-1]]


def raw(events: list[Event], **options: Any) -> bytes:
    encoder = Encoder(EncodeOptions(**options))
    return b"".join(encoder.feed(event) for event in events)


def written(*events: Event, **options: Any) -> list[Any]:
    return chunks(raw(list(events), **options))


def parts(*events: Event, **options: Any) -> list[Any]:
    """Return all parts of the first candidate that say something."""
    found = [
        part for each in written(*events, **options) for part in each["candidates"][0]["content"]["parts"]
    ]
    return [part for part in found if part != {"text": ""}]


def test_the_whole_of_a_plain_answer() -> None:
    shared = {"modelVersion": "claude", "responseId": "msg_01AB"}

    def one(words: str, **members: Any) -> dict[str, Any]:
        return {"content": {"parts": [{"text": words}], "role": "model"}, **members, "index": 0}

    counts = {"promptTokenCount": 3, "candidatesTokenCount": 2, "totalTokenCount": 5}
    assert written(START, *said(0, Text(text=""), "Hi", " é\n"), USAGE, *END) == [
        {"candidates": [one("Hi")], **shared},
        {"candidates": [one(" é\n")], **shared},
        {"candidates": [one("", finishReason="STOP")], "usageMetadata": counts, **shared},
    ]


def test_nothing_but_data_lines_leaves() -> None:
    out = raw([START, *said(0, Text(text=""), "a\nb\u2028"), e.Ping(), e.FrameError("x"), USAGE, *END])
    for line in out.decode().split("\n"):
        assert not line or line.startswith("data: {")


RICH: list[Event] = [
    START,
    *sealed(0, "flr1.AAA", "Thinking."),
    *said(1, Reasoning(), "More."),
    *said(2, Text(text=""), "Sé ", "it."),
    e.PartStart(index=3, part=Text(text="")),
    e.PartDelta(3, "Cited."),
    e.CitationDelta(3, {"type": "web_search_result_location", "url": "https://a", "title": "A"}),
    e.PartEnd(3),
    e.PartStart(index=4, part=ToolCall(id="toolu_1", name="f", arguments="")),
    e.PartStart(index=5, part=ToolCall(id="toolu_2", name="g", arguments="")),
    e.PartDelta(4, '{"x":'),
    e.PartDelta(5, ""),
    e.PartDelta(4, "1}"),
    e.PartEnd(4),
    e.PartEnd(5),
    *said(6, Text(text=""), "Then."),
    *sealed(7, "flr1.BBB"),
    USAGE,
    e.Finish(reason="tool_calls", raw="tool_use"),
    e.MessageEnd(),
]


def test_every_chunk_can_stand_in_a_history() -> None:
    """The vendor's SDK drops a turn of which one chunk has no candidate, no parts or a part without anything."""
    for each in written(*RICH):
        model = vendor.GenerateContentResponse.model_validate(each)
        assert model.candidates and model.candidates[0].content and model.candidates[0].content.parts
        assert all(part != vendor.Part() for part in model.candidates[0].content.parts)


def test_envelopes_go_on_the_next_call_and_else_on_the_end() -> None:
    told = parts(*RICH)
    assert told[:6] == [
        thought("Thinking."),
        thought("\n\nMore."),
        text("Sé "),
        text("it."),
        text("Cited."),
        call("f", {"x": 1}, "ZmxyMS5BQUE=", id="toolu_1"),
    ]
    assert told[6:8] == [call("g", {}, id="toolu_2"), text("Then.")]
    assert b64decode(told[8]["thoughtSignature"]) == b"flr1.BBB"
    assert told[8]["text"] == "" and len(told) == 9


def test_several_envelopes_before_one_call_are_joined() -> None:
    events = [
        START,
        *sealed(0, "flr1.A"),
        *sealed(1, "flr1.B"),
        *said(2, ToolCall(id="c", name="f", arguments=""), "{}"),
    ]
    (part,) = parts(*events, *END)
    assert b64decode(part["thoughtSignature"]) == b"flr1.A flr1.B"


def test_foreign_state_without_an_envelope_stays_away() -> None:
    encoder = Encoder(EncodeOptions())
    events: list[Event] = [
        START,
        e.PartStart(index=0, part=Reasoning()),
        e.PartDelta(0, "hm"),
        e.SignatureDelta(0, "EqQB"),
        e.PartEnd(0),
        *said(1, Reasoning(redacted="x")),
        *END,
    ]
    out = b"".join(encoder.feed(event) for event in events)
    assert b"EqQB" not in out and b"thoughtSignature" not in out
    assert [loss.path for loss in encoder.losses] == ["candidates[0].thoughtSignature"]


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


def test_sources_in_the_vendor_s_form() -> None:
    last = written(*RICH)[-1]["candidates"][0]
    assert last["groundingMetadata"] == {
        "groundingChunks": [{"web": {"uri": "https://a", "title": "A"}}],
        "groundingSupports": [
            {
                "segment": {"partIndex": 1, "startIndex": 7, "endIndex": 13, "text": "Cited."},
                "groundingChunkIndices": [0],
            }
        ],
    }


def test_a_citation_without_a_url_is_a_loss() -> None:
    encoder = Encoder(EncodeOptions())
    events: list[Event] = [
        START,
        e.PartStart(index=0, part=Text(text="")),
        e.PartDelta(0, "x"),
        e.CitationDelta(0, {"type": "char_location", "cited_text": "x"}),
        e.PartEnd(0),
        *END,
    ]
    out = b"".join(encoder.feed(event) for event in events)
    assert b"grounding" not in out
    assert [loss.path for loss in encoder.losses] == ["candidates[0].citations"]


@pytest.mark.parametrize(
    ("arguments", "args", "lost"),
    [
        ("", {}, False),
        ('{"b":1,"a":[2]}', {"b": 1, "a": [2]}, False),
        ("{'x': True,}", {"x": True}, True),
        ("[1]", {"value": [1]}, True),
        ('{"cut', {"_raw": '{"cut'}, True),
    ],
    ids=["empty", "object", "repaired", "list", "cut"],
)
def test_arguments_are_an_object(arguments: str, args: Any, lost: bool) -> None:
    encoder = Encoder(EncodeOptions())
    events = [START, *said(0, ToolCall(id="c", name="f", arguments=""), arguments), *END]
    out = chunks(encoder.feed(event) for event in events)
    assert out[0]["candidates"][0]["content"]["parts"] == [call("f", args, id="c")]
    assert [loss.kind for loss in encoder.losses] == (["changed"] if lost else [])


def test_a_refusal_is_text() -> None:
    events = [START, *said(0, Refusal(text=""), "I won't."), e.Finish(reason="refusal"), e.MessageEnd()]
    assert parts(*events) == [text("I won't.")]
    assert written(*events)[-1]["candidates"][0]["finishReason"] == "SAFETY"


def test_media() -> None:
    image = Image(source=Source(kind="base64", media_type="image/png", data="AAAA"))
    linked = Document(source=Source(kind="url", media_type="application/pdf", url="https://a/b.pdf"))
    events = [START, *said(0, image), *said(1, linked), *said(2, Audio(data="BBBB", format="wav")), *END]
    assert parts(*events) == [
        {"inlineData": {"mimeType": "image/png", "data": "AAAA"}},
        {"fileData": {"mimeType": "application/pdf", "fileUri": "https://a/b.pdf"}},
        {"inlineData": {"mimeType": "audio/wav", "data": "BBBB"}},
    ]


def test_what_has_no_place_is_a_loss() -> None:
    encoder = Encoder(EncodeOptions())
    start = e.MessageStart(
        origin="openai_chat", id="", model="", extra={"service_tier": "flex", "none": None}
    )
    file = Image(source=Source(kind="file", file_id="file-1"))
    events = [
        start,
        *said(0, Opaque(payload={"type": "x"}, origin="openai_chat")),
        *said(1, file),
        e.OpaqueEvent(origin="openai_chat", payload={"type": "y"}),
        e.Finish(reason="stop", extra={"content_filter_results": {"a": 1}}),
        e.MessageEnd(),
    ]
    out = b"".join(encoder.feed(event) for event in events)
    assert [loss.path for loss in encoder.losses] == [
        "service_tier",
        "candidates[0].opaque",
        "candidates[0].image",
        "candidates[0].stream",
        "content_filter_results",
    ]
    assert chunks(out) == [
        {
            "candidates": [
                {"content": {"parts": [text("")], "role": "model"}, "finishReason": "STOP", "index": 0}
            ]
        }
    ]


def test_choices_are_candidates() -> None:
    events = [
        START,
        e.PartStart(index=0, part=Text(text="")),
        *said(1, Text(text=""), "b", choice=1),
        e.PartDelta(0, "a"),
        e.PartEnd(0),
        e.Finish(reason="stop"),
        e.Finish(reason="length", choice=1),
        e.MessageEnd(),
    ]
    told = [(each["index"], each["content"]["parts"][0]["text"], each.get("finishReason")) for each in
            (out["candidates"][0] for out in written(*events))]  # fmt: skip
    assert told == [(1, "b", None), (0, "a", None), (0, "", "STOP"), (1, "", "MAX_TOKENS")]


def test_probabilities() -> None:
    entry = {
        "token": "Hi",
        "logprob": -0.5,
        "bytes": [72, 105],
        "top_logprobs": [{"token": "Hi", "logprob": -0.5}],
    }
    events = [START, *said(0, Text(text=""), "Hi"), e.LogprobsDelta(logprobs={"content": [entry]}), *END]
    result = written(*events)[1]["candidates"][0]["logprobsResult"]
    assert result == {
        "chosenCandidates": [{"token": "Hi", "logProbability": -0.5}],
        "topCandidates": [{"candidates": [{"token": "Hi", "logProbability": -0.5}]}],
    }


def test_usage_behind_the_finish_still_leaves() -> None:
    out = written(START, *said(0, Text(text=""), "Hi"), e.Finish(reason="stop"), USAGE, e.MessageEnd())
    assert "usageMetadata" not in out[-2]
    assert out[-1]["usageMetadata"]["totalTokenCount"] == 5
    assert out[-1]["candidates"][0]["content"]["parts"] == [text("")]


def test_usage_nobody_knows_is_not_made_up() -> None:
    assert all("usageMetadata" not in each for each in written(START, *said(0, Text(text=""), "Hi"), *END))


def test_the_alias_is_echoed() -> None:
    assert {each["modelVersion"] for each in written(*RICH, model="mine")} == {"mine"}


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        (b"", True),
        (b"{broken", True),
        (b'{"generationConfig":{"thinkingConfig":{"includeThoughts":true}}}', True),
        (b'{"generation_config":{"thinking_config":{"include_thoughts":true}}}', True),
        (b'{"generationConfig":{"thinkingConfig":{"include_thoughts":true}}}', True),
        (b'{"generationConfig":{"thinkingConfig":{"includeThoughts":false}}}', False),
        (b'{"contents":[]}', False),
    ],
    ids=["unknown", "unreadable", "camel", "snake", "mixed", "off", "absent"],
)
def test_thoughts_are_shown_to_those_who_asked(asked: bytes, shown: bool) -> None:
    encoder = Encoder(EncodeOptions(asked=asked))
    events = [START, *sealed(0, "flr1.A", "hm"), *said(1, Text(text=""), "Hi"), *END]
    out = b"".join(encoder.feed(event) for event in events)
    assert (b'"hm"' in out) is shown
    assert b"thoughtSignature" in out
    assert [loss.path for loss in encoder.losses] == ([] if shown else ["candidates[0].thought"])


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
    assert out.startswith(b" [") and out.endswith(b"]")
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
    assert (
        encoder.feed(USAGE) == b"" and encoder.feed(BUSY) == b"" and encoder.feed(e.PartDelta(0, "x")) == b""
    )
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


def test_own_extras_leave_with_the_start_and_the_finish() -> None:
    own = [
        e.MessageStart(
            origin="gemini", id="r", model="m", created=1795166127, extra={"modelStatus": {"a": 1}}
        ),
        *said(0, Text(text="", extra={"partMetadata": {"k": 1}}), "Hi", "!"),
        e.OpaqueEvent(origin="gemini", payload={"late": 1}),
        e.Finish(reason="other", raw="PERFECTED", extra={"safetyRatings": [1]}, message_extra={"turn": 2}),
        e.MessageEnd(),
    ]
    start, first, second, late, last = written(*own)
    assert (start["createTime"], start["modelStatus"]) == ("2026-11-20T09:15:27Z", {"a": 1})
    assert first["candidates"][0]["content"]["parts"] == [{"text": "Hi", "partMetadata": {"k": 1}}]
    assert second["candidates"][0]["content"]["parts"] == [{"text": "!"}]
    assert late["late"] == 1
    candidate = last["candidates"][0]
    assert (candidate["finishReason"], candidate["safetyRatings"]) == ("PERFECTED", [1])
    assert candidate["content"]["turn"] == 2


def test_made_ids_are_not_shown_to_own_clients() -> None:
    events = decode(chunk(call("f", {}), call("g", {}, id="own"), finish="STOP"))
    assert parts(*events) == [call("f", {}), call("g", {}, id="own")]
    foreign = [START, *(event for event in events if not isinstance(event, e.MessageStart))]
    assert all("id" in part["functionCall"] for part in parts(*foreign))


def test_a_blocked_prompt_has_no_candidate() -> None:
    blocked = {"promptFeedback": {"blockReason": "SAFETY"}, "modelVersion": "m", "responseId": "r"}
    assert written(*decode(blocked)) == [blocked]
    counted = {**blocked, "usageMetadata": {"promptTokenCount": 4, "totalTokenCount": 4}}
    first, last = written(*decode(counted))
    assert first == blocked
    assert last == {name: counted[name] for name in ("usageMetadata", "modelVersion", "responseId")}


def test_the_size_of_one_delta() -> None:
    out = raw([OWN, e.PartStart(index=0, part=Text(text="")), e.PartDelta(0, "Hi")])
    body = {"candidates": [{"content": {"parts": [{"text": "Hi"}], "role": "model"}, "index": 0}], "modelVersion": "m",
            "responseId": "r"}  # fmt: skip
    assert out == b"data: " + dumps(body) + b"\n\n"
