"""Whole answers: Google's own come back as they came, others become one a Gemini client reads whole."""

from __future__ import annotations

from base64 import b64decode
from typing import Any

import pytest
from google.genai import types as vendor

from flowrouter.canonical.parts import (
    Audio,
    Image,
    Media,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Source,
    Text,
    ToolCall,
)
from flowrouter.canonical.response import Choice, FinishReason, Response
from flowrouter.canonical.usage import Usage
from flowrouter.dialects.codec import EncodeOptions
from flowrouter.dialects.gemini.responses import parse_response, render_response
from flowrouter.wire.json import dumps, loads
from tests.unit.dialects.gemini.streams import FROM, call, chunk, text, thought


def parsed(body: Any) -> Response:
    return parse_response(dumps(body), FROM)


def returned(body: Any, **options: Any) -> Any:
    return loads(render_response(parsed(body), EncodeOptions(**options)).body)


def foreign(*parts: Part, finish: FinishReason = "stop", **members: Any) -> Response:
    choice = Choice(parts=parts, finish=finish, raw_finish="raw", **members)
    return Response(origin="anthropic", id="msg_1", model="claude", choices=(choice,))


def wire(response: Response, **options: Any) -> Any:
    return loads(render_response(response, EncodeOptions(**options)).body)


def lost(response: Response, **options: Any) -> list[str]:
    return [loss.path for loss in render_response(response, EncodeOptions(**options)).losses]


@pytest.mark.parametrize(
    "candidate",
    [
        {"content": {"role": "model", "parts": [text("a")]}, "finishReason": "STOP", "index": 0},
        {"content": {"role": "model", "parts": [text("a")]}, "finishReason": "STOP"},
        {"content": {"parts": [text("a")]}, "finishReason": "STOP", "index": 3},
        {"content": {"role": "model"}, "finishReason": "MAX_TOKENS", "index": 0},
        {"content": {"role": "model", "parts": []}, "index": 0},
        {"content": {}, "finishReason": "OTHER"},
        {"finishReason": "SAFETY", "index": 0},
        {"content": None, "finishReason": None, "index": None},
        {"content": {"role": "tool", "parts": None, "more": 0}, "finishReason": "", "tokenCount": 0},
        {},
    ],
    ids=["usual", "no-index", "no-role", "no-parts", "empty-parts", "empty-content", "no-content", "nulls", "odd", "none"],
)  # fmt: skip
def test_what_google_left_out_stays_out(candidate: dict[str, Any]) -> None:
    body = {"candidates": [candidate], "usageMetadata": {}, "modelVersion": "m", "responseId": "r"}
    assert returned(body) == body
    assert returned({"candidates": [candidate]}) == {"candidates": [candidate]}


@pytest.mark.parametrize(
    "parts",
    [
        [text("a"), text("", thoughtSignature="S"), text("b")],
        [text("a", thoughtSignature="S"), text("b")],
        [{"thoughtSignature": "S"}],
        [thought("", thoughtSignature="S"), thought("t")],
        [call("f", {}, "S1"), call("f", {}, "S2", id="x"), text("b", thoughtSignature="S3")],
        [{"functionCall": {"name": "f"}}, {"functionCall": {"name": "f", "args": None}}],
        [{"functionCall": {"name": "f", "args": {"a": 1}, "later": 1}, "partMetadata": {"x": 1}}],
        [text("a", partMetadata={}), text("", partMetadata=None)],
        [{"inlineData": {"mimeType": "image/png", "data": "AA==", "displayName": "x"}, "thoughtSignature": "S"}],
        [{"inlineData": {"mimeType": "audio/wav", "data": "AA=="}}, {"fileData": {"fileUri": "https://a/b"}}],
        [{"executableCode": {"code": "1"}, "thoughtSignature": "S"}, {"brandNew": {}}, {}],
    ],
    ids=["signed-empty-text", "signed-text", "bare-signature", "signed-thought", "signed-calls", "no-args",
         "unknown-members", "oddities", "signed-image", "media", "opaque"],
)  # fmt: skip
def test_parts_return_as_they_came(parts: list[Any]) -> None:
    body = chunk(*parts, finish="STOP")
    assert returned(body) == body


def test_members_nobody_knows_return_too() -> None:
    body = {
        **chunk(text("a"), finish="NEW", later={"b": [None]}),
        "zero": 0,
        "createTime": "2026-11-20T09:15:27.5Z",
    }
    assert returned(body) == body
    assert parsed(body).created == 1795166127


@pytest.mark.parametrize("candidates", [{}, {"candidates": []}], ids=["absent", "empty"])
def test_a_blocked_prompt(candidates: dict[str, Any]) -> None:
    body = {
        **candidates,
        "promptFeedback": {"blockReason": "OTHER"},
        "usageMetadata": {"promptTokenCount": 4},
    }
    response = parsed(body)
    assert [choice.finish for choice in response.choices] == ["content_filter"]
    assert returned(body) == body


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"3",
        b'"x"',
        b"{}",
        b"[]",
        b'{"error":{"code":503}}',
        b'[{"error":{"code":503}}]',
        b'{"candidates":[]}',
        b'{"candidates":[],"promptFeedback":{}}',
        b'{"candidates":[3]}',
        b'{"candidates":[{"content":{"parts":[3]}}]}',
        b'{"candidates":[{"content":{"parts":[{"functionCall":{}}]}}]}',
        b'{"usageMetadata":{"promptTokenCount":4},"modelVersion":"m"}',
        b'{"choices":[{"message":{"content":"x"}}]}',
        b'{"type":"message","content":[]}',
    ],
)
def test_what_is_no_answer_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError):  # any reason will do, none may pass
        parse_response(body, FROM)


def test_the_parts_of_the_hub() -> None:
    picture = {"inlineData": {"mimeType": "image/png", "data": "AA=="}}
    pcm = {"inlineData": {"mimeType": "audio/L16;rate=24000", "data": "AA=="}}
    (choice,) = parsed(
        chunk(thought("t"), text("a"), picture, pcm, {**picture, "thought": True}, finish="STOP")
    ).choices
    assert choice.parts == (
        Reasoning(text="t", provenance=FROM),
        Text(text="a"),
        Image(source=Source(kind="base64", media_type="image/png", data="AA==")),
        Media(source=Source(kind="base64", media_type="audio/L16;rate=24000", data="AA==")),
        Opaque(payload={**picture, "thought": True}, origin="gemini"),
    )


def test_a_draft_in_a_thought_is_no_answer_but_a_call_in_one_is() -> None:
    (choice,) = parsed(chunk({**call("f", {}), "thought": True}, finish="STOP")).choices
    assert choice.finish == "tool_calls"
    assert [type(part) for part in choice.parts] == [ToolCall]


def test_the_whole_of_a_foreign_answer() -> None:
    response = foreign(
        Reasoning(text="One."),
        Reasoning(text="Two."),
        Text(text="Hi "),
        Text(text="there."),
        ToolCall(id="toolu_1", name="f", arguments='{"x":1}'),
        finish="tool_calls",
    )
    assert wire(response) == {
        "candidates": [
            {
                "content": {
                    "role": "model",
                    "parts": [thought("One.\n\nTwo."), text("Hi there."), call("f", {"x": 1}, id="toolu_1")],
                },
                "finishReason": "STOP",
                "index": 0,
            }
        ],
        "modelVersion": "claude",
        "responseId": "msg_1",
    }
    vendor.GenerateContentResponse.model_validate(wire(response))
    assert lost(response) == []


def test_usage_and_alias() -> None:
    body = chunk(text("a"), finish="STOP")
    assert returned(body, model="mine")["modelVersion"] == "mine"
    counted = Response(
        origin="openai_chat",
        id="",
        model="",
        choices=(Choice(),),
        usage=Usage(input=1, output=2, reasoning=3),
    )
    assert wire(counted) == {
        "candidates": [{"content": {"role": "model", "parts": []}, "finishReason": "STOP", "index": 0}],
        "usageMetadata": {
            "promptTokenCount": 1,
            "candidatesTokenCount": 2,
            "thoughtsTokenCount": 3,
            "totalTokenCount": 6,
        },
    }


@pytest.mark.parametrize(
    ("parts", "bearer"),
    [
        ((Text(text="a"), ToolCall(id="c", name="f", arguments="{}")), 1),
        ((ToolCall(id="c", name="f", arguments="{}"), ToolCall(id="d", name="f", arguments="{}")), 0),
        ((Text(text="a"),), 0),
        ((), 0),
    ],
    ids=["call-behind-text", "first-call", "text", "nothing"],
)
def test_envelopes(parts: tuple[Part, ...], bearer: int) -> None:
    written = wire(foreign(Reasoning(sealed="flr1.A"), Reasoning(sealed="flr1.B"), *parts))
    told = written["candidates"][0]["content"]["parts"]
    assert [place for place, part in enumerate(told) if "thoughtSignature" in part] == [bearer]
    assert b64decode(told[bearer]["thoughtSignature"]) == b"flr1.A flr1.B"


def test_an_envelope_behind_a_call_ends_the_answer() -> None:
    written = wire(foreign(ToolCall(id="c", name="f", arguments="{}"), Reasoning(sealed="flr1.A")))
    *_, last = written["candidates"][0]["content"]["parts"]
    assert last == {"text": "", "thoughtSignature": "ZmxyMS5B"}


def test_thoughts_only_for_those_who_asked() -> None:
    response = foreign(Reasoning(text="hm", sealed="flr1.A"), Text(text="a"))
    shown = wire(response, asked=b'{"generationConfig":{"thinkingConfig":{"includeThoughts":true}}}')
    assert shown["candidates"][0]["content"]["parts"][0] == thought("hm")
    hidden = wire(response, asked=b"{}")
    assert [part["text"] for part in hidden["candidates"][0]["content"]["parts"]] == ["a"]
    assert lost(response, asked=b"{}") == ["candidates[0].thought"]


def test_sources_of_others() -> None:
    nested = {"url_citation": {"url": "https://b", "title": "B", "start_index": 1, "end_index": 3}}
    first = Text(text="é! ", citations=({"url": "https://a", "title": "A"},))
    second = Text(text="Sure.", citations=(nested, {"type": "char_location"}))
    response = foreign(first, second)
    assert wire(response)["candidates"][0]["groundingMetadata"] == {
        "groundingChunks": [
            {"web": {"uri": "https://a", "title": "A"}},
            {"web": {"uri": "https://b", "title": "B"}},
        ],
        "groundingSupports": [
            {"segment": {"startIndex": 0, "endIndex": 4, "text": "é! "}, "groundingChunkIndices": [0]},
            {"segment": {"startIndex": 5, "endIndex": 7, "text": "ur"}, "groundingChunkIndices": [1]},
        ],
    }
    assert lost(response) == ["candidates[0].citations"]


def test_probabilities_of_others() -> None:
    entry = {"token": "a", "logprob": -1.0, "bytes": None, "top_logprobs": []}
    written = wire(foreign(Text(text="a"), logprobs={"content": [entry], "refusal": None}))
    assert written["candidates"][0]["logprobsResult"] == {
        "chosenCandidates": [{"token": "a", "logProbability": -1.0}]
    }


def test_probabilities_of_our_own() -> None:
    result = {
        "chosenCandidates": [{"token": "a", "tokenId": 3, "logProbability": -1.0}],
        "topCandidates": [{"candidates": [{"token": "b", "tokenId": 4, "logProbability": -2.0}]}],
        "logProbabilitySum": -1.0,
    }
    body = chunk(text("a"), finish="STOP", logprobsResult=result)
    assert returned(body) == body
    top = [{"token": "b", "logprob": -2.0, "bytes": None}]
    content = [{"token": "a", "logprob": -1.0, "bytes": None, "top_logprobs": top}]
    assert parsed(body).choices[0].logprobs == {"content": content, "refusal": None}


def test_what_has_no_place_is_a_loss() -> None:
    response = foreign(
        Reasoning(text="", signature="EqQB"),
        Reasoning(redacted="x"),
        Opaque(payload={"type": "server_tool_use"}, origin="anthropic"),
        Image(source=Source(kind="file", file_id="file_1")),
        Refusal(text="No."),
        Audio(data="AA==", format="mp3"),
        ToolCall(id="c", name="f", arguments="{'a':1}"),
        finish="refusal",
        extra={"stop_details": {"category": "x"}, "container": None},
    )
    assert lost(response) == [
        "candidates[0].thoughtSignature",
        "candidates[0].opaque",
        "candidates[0].image",
        "candidates[0].functionCall.args",
        "stop_details",
    ]
    candidate = wire(response)["candidates"][0]
    assert candidate["finishReason"] == "SAFETY"
    assert candidate["content"]["parts"] == [
        text("No."),
        {"inlineData": {"mimeType": "audio/mp3", "data": "AA=="}},
        call("f", {"a": 1}, id="c"),
    ]


def test_a_custom_call_is_its_text() -> None:
    written = wire(foreign(ToolCall(id="c", name="f", arguments="free text", kind="custom")))
    assert written["candidates"][0]["content"]["parts"] == [call("f", {"input": "free text"}, id="c")]
