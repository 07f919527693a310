"""Gemini's chunks, the odd ones too, as events that keep the grammar."""

from __future__ import annotations

from typing import Any

import pytest

from flowrouter.canonical import events as e
from flowrouter.canonical.parts import Image, Media, Opaque, Reasoning, Source, Text, ToolCall
from flowrouter.canonical.usage import Usage
from flowrouter.dialects.codec import DecodeOptions
from flowrouter.dialects.gemini.ids import is_made
from flowrouter.dialects.gemini.responses import parse_response
from flowrouter.dialects.gemini.stream_decoder import Decoder
from flowrouter.wire.json import dumps
from flowrouter.wire.sse import Frame
from tests.unit.dialects.gemini.streams import (
    FROM,
    Piece,
    call,
    chunk,
    decode,
    folded,
    text,
    thought,
    told,
)

END = chunk(finish="STOP")


def kinds(events: list[e.Event]) -> list[str]:
    return [type(event).__name__ for event in events]


def test_a_plain_answer() -> None:
    events = decode(chunk(text("Hi")), chunk(text(" you"), finish="STOP"))
    assert events == [
        e.MessageStart(origin="gemini", id="r", model="m"),
        e.PartStart(index=0, part=Text(text="")),
        e.PartDelta(0, "Hi"),
        e.PartDelta(0, " you"),
        e.PartEnd(0),
        e.Finish(reason="stop", raw="STOP"),
        e.MessageEnd(),
    ]


def test_the_finish_waits_for_text_behind_it() -> None:
    choice = told(chunk(text("Almost "), finish="STOP"), chunk(text("done.")))
    assert choice.parts == (Text(text="Almost done."),)
    assert choice.raw_finish == "STOP"


def test_empty_pieces_begin_nothing() -> None:
    assert told(chunk(text("")), chunk(), chunk(thought("")), END).parts == ()


def test_thoughts_and_text_are_parts_of_their_own() -> None:
    choice = told(chunk(thought("a"), thought("b"), text("c")), chunk(text("d"), thought("e")), END)
    assert choice.parts == (
        Reasoning(text="ab", provenance=FROM),
        Text(text="cd"),
        Reasoning(text="e", provenance=FROM),
    )


def test_a_signature_goes_before_the_call_that_bore_it() -> None:
    choice = told(chunk(call("f", {"x": 1}, "S1"), call("g", {}), call("h", {}, "S3")), END)
    first, signed_call, second, third, other = choice.parts
    assert isinstance(signed_call, ToolCall)
    assert isinstance(other, ToolCall)
    assert first == Reasoning(signature="S1", provenance=FROM, call_id=signed_call.id)
    assert isinstance(second, ToolCall)
    assert (second.name, second.arguments) == ("g", "{}")
    assert third == Reasoning(signature="S3", provenance=FROM, call_id=other.id)
    assert choice.finish == "tool_calls"


def test_a_signature_on_text_follows_the_text_that_is_open() -> None:
    choice = told(chunk(text("a")), chunk(text("b", thoughtSignature="S")), chunk(text("c")), END)
    assert choice.parts == (
        Text(text="ab"),
        Reasoning(signature="S", provenance=FROM, field="empty"),
        Text(text="c"),
    )


def test_a_signature_on_the_first_text_goes_before_it() -> None:
    choice = told(chunk(text("a", thoughtSignature="S")), chunk(text("b")), END)
    assert choice.parts == (Reasoning(signature="S", provenance=FROM, field="text"), Text(text="ab"))


def test_a_thought_s_signature_is_its_own() -> None:
    choice = told(chunk(thought("a")), chunk(thought("b", thoughtSignature="S")), chunk(thought("c")), END)
    assert choice.parts == (
        Reasoning(text="ab", signature="S", provenance=FROM),
        Reasoning(text="c", provenance=FROM),
    )


def test_our_own_envelope_from_an_upstream_is_that_upstream_s_state() -> None:
    choice = told(chunk(call("f", {}, "ZmxyMS5BQUFB")), END)
    assert choice.parts[0].signature == "ZmxyMS5BQUFB"  # pyright: ignore[reportAttributeAccessIssue]
    assert choice.parts[0].sealed is None  # pyright: ignore[reportAttributeAccessIssue]


def test_ids_are_kept_or_made_alike_in_a_stream_and_in_one_piece() -> None:
    parts = [call("f", {"x": 1}), call("f", {"x": 1}), call("g", {}, id="own-1")]
    streamed = told(*(chunk(part) for part in parts), END)
    body = chunk(*parts, finish="STOP")
    whole = parse_response(dumps(body), FROM).choices[0]
    ids = [part.id for part in streamed.parts if isinstance(part, ToolCall)]
    assert ids == [part.id for part in whole.parts if isinstance(part, ToolCall)]
    assert len(set(ids)) == 3
    assert is_made(ids[0])
    assert is_made(ids[1])
    assert ids[2] == "own-1"


def test_ids_differ_from_answer_to_answer_and_between_candidates() -> None:
    def made(reply: str, index: int) -> str:
        body: Any = {**chunk(call("f", {}), index=index, finish="STOP"), "responseId": reply}
        (part,) = told(body).parts
        assert isinstance(part, ToolCall)
        return part.id

    assert len({made("r1", 0), made("r2", 0), made("r1", 1)}) == 3
    assert made("r1", 0) == made("r1", 0)


def test_arguments_keep_the_order_of_their_members() -> None:
    (part,) = told(chunk(call("f", {"z": 1, "a": {"y": 1.0, "b": None}})), END).parts
    assert isinstance(part, ToolCall)
    assert part.arguments == '{"z":1,"a":{"y":1.0,"b":null}}'


def piecemeal(**members: Any) -> dict[str, Any]:
    return chunk({"functionCall": members})


def test_arguments_that_come_piecemeal() -> None:
    events = decode(
        piecemeal(name="f", id="c1", willContinue=True),
        piecemeal(
            partialArgs=[{"jsonPath": "$.a", "stringValue": "x", "willContinue": True}], willContinue=True
        ),
        piecemeal(partialArgs=[{"jsonPath": "$.a", "stringValue": "y"}], willContinue=True),
        piecemeal(),
        END,
    )
    assert kinds(events)[1:5] == ["PartStart", "PartDelta", "PartEnd", "Finish"]
    assert events[2] == e.PartDelta(0, '{"a":"xy"}')


@pytest.mark.parametrize(
    "then",
    [
        [chunk(text("t"), finish="STOP")],
        [piecemeal(name="g", args={}), END],
        [piecemeal(name="g", willContinue=True), END],
        [END],
    ],
    ids=["text", "call", "piecemeal-call", "finish"],
)
def test_a_piecemeal_call_ends_with_whatever_follows(then: list[Piece]) -> None:
    choice = told(
        piecemeal(name="f", partialArgs=[{"jsonPath": "$.a", "boolValue": True}], willContinue=True), *then
    )
    first = choice.parts[0]
    assert isinstance(first, ToolCall)
    assert (first.name, first.arguments) == ("f", '{"a":true}')
    assert choice.finish == "tool_calls"


def test_a_piecemeal_call_ends_in_the_frame_that_says_so() -> None:
    """What only the end of the stream tells is written again where frames are relayed as they came."""
    decoder = Decoder(DecodeOptions(provenance=FROM))
    for piece in (piecemeal(name="f", willContinue=True), END):
        decoder.feed(Frame(None, dumps(piece), b""))
    assert kinds(decoder.close()) == ["Finish", "MessageEnd"]


def test_media_and_parts_nobody_else_knows() -> None:
    picture = {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}
    sound = {"inlineData": {"mimeType": "audio/L16;rate=24000", "data": "AAAA"}}
    code = {"executableCode": {"language": "PYTHON", "code": "1"}}
    draft = {**picture, "thought": True}
    choice = told(chunk(text("a"), picture, sound), chunk(code, draft), END)
    assert choice.parts == (
        Text(text="a"),
        Image(source=Source(kind="base64", media_type="image/png", data="AAAA")),
        Media(source=Source(kind="base64", media_type="audio/L16;rate=24000", data="AAAA")),
        Opaque(payload=code, origin="gemini"),
        Opaque(payload=draft, origin="gemini"),
    )


def test_candidates_become_choices() -> None:
    events = decode(
        {"candidates": [chunk(text("a"))["candidates"][0], chunk(text("b"), index=1)["candidates"][0]]},
        chunk(text("B"), index=1, finish="STOP"),
        chunk(text("A"), finish="MAX_TOKENS"),
    )
    choices = folded(events).response().choices
    assert [choice.parts for choice in choices] == [(Text(text="aA"),), (Text(text="bB"),)]
    assert [choice.finish for choice in choices] == ["length", "stop"]


def test_candidates_without_an_index_are_counted() -> None:
    bare = {"content": {"parts": [{"text": "x"}]}, "finishReason": "STOP"}
    choices = folded(decode({"candidates": [bare, bare]})).response().choices
    assert [choice.index for choice in choices] == [0, 1]


@pytest.mark.parametrize("reason", ["SAFETY", "OTHER", "JAILBREAK"])
def test_a_blocked_prompt(reason: str) -> None:
    feedback = {"blockReason": reason}
    events = decode({"promptFeedback": feedback, "modelVersion": "m"})
    response = folded(events).response()
    assert response.extra == {"promptFeedback": feedback}
    assert response.choices[0].finish == "content_filter"
    assert response.choices[0].raw_finish == reason
    assert response.choices[0].parts == ()


def test_usage_is_told_as_it_grows_and_the_last_wins() -> None:
    first, last = ({"promptTokenCount": 5, "candidatesTokenCount": count} for count in (1, 4))
    events = decode(
        {**chunk(text("a")), "usageMetadata": first},
        {**chunk(text("b")), "usageMetadata": first},
        {**END, "usageMetadata": last},
    )
    updates = [event.usage for event in events if isinstance(event, e.UsageUpdate)]
    assert [(usage.input, usage.output) for usage in updates] == [(5, 1), (5, 4)]
    start = events[0]
    assert isinstance(start, e.MessageStart)
    assert start.usage == updates[0]
    assert folded(events).response().usage == Usage(input=5, output=4, origin="gemini", raw=last)


def test_usage_behind_the_finish_counts() -> None:
    events = decode(chunk(text("a"), finish="STOP"), {"usageMetadata": {"promptTokenCount": 5}})
    usage = folded(events).response().usage
    assert usage is not None
    assert usage.input == 5


def test_what_a_candidate_says_beside_its_answer_is_kept() -> None:
    choice = told(
        chunk(text("a"), safetyRatings=[1], groundingMetadata={"webSearchQueries": ["q"]}, gone=None),
        chunk(finish="STOP", safetyRatings=[2], groundingMetadata={"groundingChunks": []}),
    )
    assert choice.extra == {
        "safetyRatings": [2],
        "groundingMetadata": {"webSearchQueries": ["q"], "groundingChunks": []},
    }


def test_members_of_the_answer_that_come_late() -> None:
    late = {**END, "modelStatus": {"modelStage": "LEGACY"}}
    response = folded(decode({**chunk(text("a")), "createTime": "2026-11-20T09:15:27Z"}, late)).response()
    assert response.created == 1795166127
    assert response.extra == {"modelStatus": {"modelStage": "LEGACY"}}


def test_sources_become_citations_of_the_closing_text() -> None:
    grounding = {
        "groundingChunks": [{"web": {"uri": "https://a", "title": "A"}}],
        "groundingSupports": [{"segment": {"startIndex": 0, "endIndex": 3}, "groundingChunkIndices": [0]}],
    }
    cited = {"type": "url_citation", "url": "https://a", "title": "A", "start_index": 0, "end_index": 2}
    choice = told(chunk(text("é")), chunk(text("a."), finish="STOP", groundingMetadata=grounding))
    assert choice.parts == (Text(text="éa.", citations=(cited,)),)
    signed = told(
        chunk(text("éa.")),
        chunk(text("", thoughtSignature="S"), finish="STOP", groundingMetadata=grounding),
    )
    assert signed.parts[0] == Text(text="éa.", citations=(cited,))


def test_probabilities_in_the_form_of_the_hub() -> None:
    def result(token: str) -> dict[str, Any]:
        return {"chosenCandidates": [{"token": token, "logProbability": -1.5, "tokenId": 7}]}

    choice = told(
        chunk(text("a"), logprobsResult=result("a")), chunk(finish="STOP", logprobsResult=result("."))
    )
    assert choice.logprobs is not None
    assert [entry["token"] for entry in choice.logprobs["content"]] == ["a", "."]
    chosen = [*result("a")["chosenCandidates"], *result(".")["chosenCandidates"]]
    assert choice.form == {"logprobsResult": {"chosenCandidates": chosen}}


def test_inline_reasoning_of_a_host_that_writes_it_so() -> None:
    choice = told(chunk(text("<thi")), chunk(text("nk>a</think>b"), finish="STOP"), think_tags=True)
    assert choice.parts == (Reasoning(text="a", provenance=FROM), Text(text="b"))
