"""Events as the chunks a Gemini client reads, from any dialect."""

from __future__ import annotations

from base64 import b64decode
from typing import Any

import pytest

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
from flowrouter.dialects.codec import EncodeOptions
from flowrouter.dialects.gemini.stream_encoder import Encoder, resume
from tests.unit.dialects.gemini.answers import (
    END,
    RICH,
    START,
    USAGE,
    parts,
    said,
    sealed,
    written,
)
from tests.unit.dialects.gemini.streams import call, chunk, chunks, decode, text, thought


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
    assert told[8]["text"] == ""
    assert len(told) == 9


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
    assert b"EqQB" not in out
    assert b"thoughtSignature" not in out
    assert [loss.path for loss in encoder.losses] == ["candidates[0].thoughtSignature"]


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


def test_calls_leave_in_the_order_in_which_they_began() -> None:
    events: list[Event] = [
        START,
        *sealed(0, "flr1.A"),
        e.PartStart(index=1, part=ToolCall(id="a", name="f", arguments="")),
        e.PartStart(index=2, part=ToolCall(id="b", name="g", arguments="")),
        e.PartDelta(2, "{}"),
        e.PartEnd(2),
        e.PartDelta(1, '{"x":1}'),
        e.PartEnd(1),
    ]
    assert parts(*events, *END) == [call("f", {"x": 1}, "ZmxyMS5B", id="a"), call("g", {}, id="b")]
    encoder, cursor = Encoder(EncodeOptions()), Cursor()
    for event in events[:-2]:
        assert b"functionCall" not in encoder.feed(event)
        cursor.apply(event)
    heir = resume(EncodeOptions(), cursor)
    assert [heir.feed(event) for event in events[-2:]] == [encoder.feed(event) for event in events[-2:]]


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
