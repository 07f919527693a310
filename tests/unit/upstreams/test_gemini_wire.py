"""The exact chunks of the Gemini API, as events and as an array, and every fault in its clothes."""

import http.client
import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.unit.upstreams.plain import GEMINI_TOOL, generate, send, sse
from tests.upstreams import Answer, Call, Pace, ScriptedUpstream, Thought, Usage
from tests.upstreams.faults import REFUSALS, WIRE

SHOW = {"generationConfig": {"thinkingConfig": {"includeThoughts": True}}}
CALLS = (Call(id="a1", name="get_weather", arguments='{"city":"Paris"}'), Call(id="a2", name="get_weather"))
ANSWER = Answer(
    text="one two",
    thoughts=(Thought(text="hm"),),
    calls=CALLS,
    usage=Usage(input=7, cache_read=3, output=5, reasoning=1),
)
BLOCKED = {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}


@pytest.fixture
def up() -> Iterator[ScriptedUpstream]:
    with ScriptedUpstream(pace=Pace(first_token=0.05, stall=0.05, headers=0.05)) as upstream:
        yield upstream


def chunks(up: ScriptedUpstream, model: str = "any-model", **fields: Any) -> list[Any]:
    return [data for _, data in sse(generate(up, model=model, stream=True, **fields).body)]


def words(found: list[Any]) -> str:
    candidates = [c for chunk in found for c in chunk.get("candidates", ())]
    return "".join(part.get("text", "") for c in candidates for part in c["content"].get("parts", ()))


def folded(found: list[Any]) -> dict[str, Any]:
    """Join the chunks as a client does: pieces of one kind together, a signature onto the text before it."""
    parts: list[Any] = []
    for part in [p for chunk in found for p in chunk["candidates"][0]["content"].get("parts", ())]:
        kinds = [set(each) - {"thoughtSignature"} for each in (parts[-1:] or [{}])]
        if "text" in part and parts and kinds == [set(part) - {"thoughtSignature"}]:
            parts[-1] = {**parts[-1], **part, "text": parts[-1]["text"] + part["text"]}
        elif part != {"text": ""}:
            parts.append(part)
    last = found[-1]["candidates"][0]
    content = {**({"parts": parts} if parts else {}), "role": "model"}
    return {**found[-1], "candidates": [{**last, "content": content}]}


def test_the_whole_answer(up: ScriptedUpstream) -> None:
    up.script([ANSWER])
    response = generate(up, model="gemini-3.5-flash", tools=[GEMINI_TOOL], **SHOW)
    assert response.headers["content-type"] == "application/json"
    (candidate,) = response.json["candidates"]
    thought, text, first, second = candidate["content"]["parts"]
    assert (thought, text) == ({"text": "hm", "thought": True}, {"text": "one two"})
    assert first["functionCall"] == {"id": "a1", "name": "get_weather", "args": {"city": "Paris"}}
    assert second == {"functionCall": {"id": "a2", "name": "get_weather", "args": {}}}
    assert (candidate["finishReason"], candidate["index"]) == ("STOP", 0)
    usage = response.json["usageMetadata"]
    assert (usage["promptTokenCount"], usage["cachedContentTokenCount"]) == (10, 3)
    assert (usage["candidatesTokenCount"], usage["thoughtsTokenCount"], usage["totalTokenCount"]) == (
        4,
        1,
        15,
    )
    assert response.json["modelVersion"] == "gemini-3.5-flash"
    assert response.json["responseId"]


def test_the_chunks(up: ScriptedUpstream) -> None:
    up.script([ANSWER, ANSWER])
    response = generate(up, model="gemini-3.5-flash", stream=True, tools=[GEMINI_TOOL], **SHOW)
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert response.body.endswith(b"\r\n\r\n")
    found = [data for _, data in sse(response.body)]
    contents = [chunk["candidates"][0]["content"] for chunk in found]
    assert [content["parts"] for content in contents[:3]] == [
        [{"text": "hm", "thought": True}],
        [{"text": "one "}],
        [{"text": "two"}],
    ]
    assert [part["functionCall"]["id"] for part in contents[3]["parts"]] == ["a1", "a2"]
    assert contents[4]["parts"] == [{"text": ""}]
    assert [chunk["candidates"][0].get("finishReason") for chunk in found] == [None] * 4 + ["STOP"]
    totals = [chunk["usageMetadata"]["totalTokenCount"] for chunk in found]
    assert totals == sorted(totals)
    assert len({(chunk["responseId"], chunk["modelVersion"]) for chunk in found}) == 1
    whole = generate(up, model="gemini-3.5-flash", tools=[GEMINI_TOOL], **SHOW).json
    assert folded(found) == whole


CASES: dict[str, dict[str, Any]] = {
    "text": {},
    "unicode": {"model": "any+unicode"},
    "long": {"model": "gemini-2.5-flash+long-300"},
    "sixty words": {"model": "sixty-words"},
    "signed text": {"model": "gemini-3-pro-preview"},
    "thoughts": {"model": "gemini-3-pro-preview", **SHOW},
    "hidden thoughts": {"model": "gemini-2.5-pro"},
    "one call": {"model": "gemini-2.5-pro", "tools": [GEMINI_TOOL], "contents": {"parts": {"text": "use the tool, explain"}}},
    "two calls": {"model": "gemini-3.5-flash", "tools": [GEMINI_TOOL], "contents": {"parts": {"text": "weather in two cities"}}},
    "cut by length": {"generationConfig": {"maxOutputTokens": 2}},
    "no room but for thoughts": {"model": "gemini-3.5-flash", "generationConfig": {"maxOutputTokens": 1}},
    "stop": {"generationConfig": {"stopSequences": ["said"]}},
    "filtered": {"model": "any+content-filter"},
    "empty": {"model": "any+empty"},
    "recitation": {"model": "any+finish-recitation"},
    "malformed call": {"model": "any+finish-malformed-function-call"},
    "citations": {"model": "any+citations"},
    "JSON": {"generationConfig": {"responseMimeType": "application/json"}},
    "schema": {"generationConfig": {"responseMimeType": "application/json", "responseSchema": {"type": "OBJECT", "properties": {"n": {"type": "INTEGER"}}}}},
    "one of an enum": {"generationConfig": {"responseMimeType": "text/x.enum", "responseSchema": {"type": "STRING", "enum": ["red"]}}},
    "log probabilities": {"generationConfig": {"responseLogprobs": True, "logprobs": 2}},
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_stream_array_and_whole_agree(up: ScriptedUpstream, case: str) -> None:
    whole = generate(up, **CASES[case])
    assert whole.status == 200, whole.body
    streamed = [data for _, data in sse(generate(up, stream=True, **CASES[case]).body)]
    assert folded(streamed) == whole.json
    array = generate(up, stream=True, query="", **CASES[case])
    assert array.headers["content-type"] == "application/json"
    assert array.json == streamed


def test_what_the_answers_say(up: ScriptedUpstream) -> None:
    def candidate(case: str) -> Any:
        return generate(up, **CASES[case]).json["candidates"][0]

    def text(case: str) -> str:
        return candidate(case)["content"]["parts"][0]["text"]

    assert candidate("cut by length")["finishReason"] == "MAX_TOKENS"
    assert candidate("filtered")["finishReason"] == "SAFETY"
    assert candidate("filtered")["content"] == {"role": "model"}
    assert candidate("malformed call")["finishReason"] == "MALFORMED_FUNCTION_CALL"
    assert candidate("citations")["groundingMetadata"]["groundingChunks"][0]["web"]["uri"]
    assert (text("stop"), text("one of an enum"), text("schema")) == ("You ", "red", '{"n":7}')
    assert len(candidate("log probabilities")["logprobsResult"]["chosenCandidates"]) == 3
    parts = candidate("one call")["content"]["parts"]
    assert parts[0] == {"text": "I will look that up."}
    assert parts[1]["functionCall"] == {"name": "get_weather", "args": {"city": "Paris"}}


def test_a_blocked_prompt_has_no_candidates(up: ScriptedUpstream) -> None:
    whole = generate(up, model="any+refusal").json
    assert BLOCKED.items() <= whole.items()
    assert "candidates" not in whole
    assert chunks(up, "any+refusal") == [whole]


def test_what_arrived_is_told(up: ScriptedUpstream) -> None:
    png = {"inline_data": {"mime_type": "image/png", "data": "iVBORw0KGgo="}}
    file = {"fileData": {"fileUri": "gs://bucket/a.pdf", "mimeType": "application/pdf"}}
    asked = {
        "contents": {"parts": [{"text": "look"}, png, file]},
        "systemInstruction": {"parts": [{"text": "be terse"}]},
    }
    text = words([generate(up, **asked).json])
    assert "You said: look" in text
    assert "System: be terse" in text
    assert "Seen: image/png of 8 bytes sha256:" in text
    assert "Seen: application/pdf at gs://bucket/a.pdf" in text


def test_candidates_come_side_by_side(up: ScriptedUpstream) -> None:
    fields: dict[str, Any] = {"generationConfig": {"candidateCount": 2}}
    whole = generate(up, **fields).json
    assert [c["index"] for c in whole["candidates"]] == [0, 1]
    assert whole["candidates"][1]["content"]["parts"][0]["text"].endswith("(choice 1)")
    found = chunks(up, **fields)
    assert [c["index"] for c in found[0]["candidates"]] == [0, 1]
    texts = ["", ""]
    for candidate in [c for chunk in found for c in chunk["candidates"]]:
        texts[candidate["index"]] += "".join(part["text"] for part in candidate["content"]["parts"])
    assert texts == [c["content"]["parts"][0]["text"] for c in whole["candidates"]]


def test_habits(up: ScriptedUpstream) -> None:
    asked: dict[str, Any] = {"tools": [GEMINI_TOOL], "contents": {"parts": {"text": "weather in two cities"}}}
    apart = chunks(up, "gemini-3.5-flash+quirk-split-calls", **asked)
    assert [len(chunk["candidates"][0]["content"]["parts"]) for chunk in apart] == [1, 1, 1]
    named = chunks(up, "gemini-2.5-flash+quirk-call-ids", **asked)[0]["candidates"][0]["content"]["parts"]
    assert len({part["functionCall"]["id"] for part in named}) == 2
    early = chunks(up, "sixty-words+quirk-finish-early")
    finishes = [chunk["candidates"][0].get("finishReason") for chunk in early]
    assert finishes.index("STOP") < len(finishes) - 1
    assert len(words(early).split()) == 60
    odd = chunks(up, "any+quirk-unknown-event")
    assert sum("hostProgress" in chunk for chunk in odd) == 1


def test_implicit_caching(up: ScriptedUpstream) -> None:
    long = {"role": "user", "parts": [{"text": "x" * 8000}]}
    first = generate(up, contents=[long]).json["usageMetadata"]
    assert "cachedContentTokenCount" not in first
    second = generate(up, contents=[long, {"role": "model", "parts": [{"text": "y"}]}, long]).json[
        "usageMetadata"
    ]
    assert 0 < second["cachedContentTokenCount"] <= second["promptTokenCount"]


# faults


@pytest.mark.parametrize("name", REFUSALS)
def test_refusals(up: ScriptedUpstream, name: str) -> None:
    expected = 503 if name == "overloaded" else REFUSALS[name][0]
    for stream in (False, True):
        response = generate(up, model=f"any+fault-{name}", stream=stream)
        assert response.status == expected
        error = response.json["error"]
        assert error["code"] == expected
        assert error["status"].isupper()
        assert (response.headers.get("retry-after") == "2") is name.endswith("retry-after")
    assert generate(up, model=f"any+fault-{name}", stream=True, query="").json == [response.json]
    assert up.refused == []


def test_a_429_says_when_to_come_again(up: ScriptedUpstream) -> None:
    def details(name: str) -> dict[str, Any]:
        error = generate(up, model=f"any+fault-{name}").json["error"]
        assert error["status"] == "RESOURCE_EXHAUSTED"
        return {each["@type"].rpartition(".")[2]: each for each in error["details"]}

    assert details("429")["RetryInfo"]["retryDelay"] == "2s"
    assert details("429-retry-after@7")["RetryInfo"]["retryDelay"] == "7s"
    assert "PerMinute" in details("429")["QuotaFailure"]["violations"][0]["quotaId"]
    assert "PerDay" in details("429-quota")["QuotaFailure"]["violations"][0]["quotaId"]


HEALTHY = {"slow-headers", "slow-first-token", "gzip"}
BREAKS = (http.client.HTTPException, ConnectionError, TimeoutError)


@pytest.mark.parametrize("query", ["?alt=sse", ""], ids=["events", "array"])
@pytest.mark.parametrize("name", sorted(WIRE.keys() - HEALTHY - {"only-streams", "mislabelled"}))
def test_no_wire_fault_looks_like_a_good_reply(up: ScriptedUpstream, name: str, query: str) -> None:
    fields: dict[str, Any] = {"stream": True, "query": query, "model": "sixty-words"}
    good = generate(up, **fields)
    silent = name in ("hang-headers", "hang-first-token", "hang-midstream")
    try:
        path = f"/v1beta/models/sixty-words+fault-{name}:streamGenerateContent{query}"
        asked = {"contents": {"parts": {"text": "hi"}}}
        timeout = 0.3 if silent else 10
        got = send(up, path, asked, headers={"x-goog-api-key": "k"}, timeout=timeout)
    except BREAKS:
        return
    assert not silent
    assert (got.status, got.body) != (good.status, good.body)


def test_cut_after_forty_of_sixty_tokens(up: ScriptedUpstream) -> None:
    for query in ("?alt=sse", ""):
        with pytest.raises(http.client.IncompleteRead) as caught:
            generate(up, model="sixty-words+fault-cut@40", stream=True, query=query)
        text = caught.value.partial.decode()
        found = json.loads(f"{text}]") if not query else [data for _, data in sse(text.encode())]
        assert len(words(found).split()) == 40
        assert not any("finishReason" in chunk["candidates"][0] for chunk in found)


def test_an_end_without_its_reason(up: ScriptedUpstream) -> None:
    for name in ("no-terminator", "no-finish"):
        found = chunks(up, f"sixty-words+fault-{name}")
        assert len(words(found).split()) == 60
        assert not any("finishReason" in chunk["candidates"][0] for chunk in found)
    (last,) = chunks(up, "sixty-words+fault-only-terminator")
    assert last["candidates"][0]["finishReason"] == "STOP"


def test_errors_inside_a_200(up: ScriptedUpstream) -> None:
    error = {
        "error": {
            "code": 503,
            "message": "The model is overloaded. Please try again later.",
            "status": "UNAVAILABLE",
        }
    }
    for stream in (False, True):
        whole = generate(up, model="any+fault-200-error-json", stream=stream)
        assert (whole.status, whole.json) == (200, error)
    first = generate(up, model="any+fault-200-error-first-event", stream=True)
    assert (first.status, json.loads(first.body)) == (200, error)
    assert generate(up, model="any+fault-200-error-first-event", stream=True, query="").json == [error]
    body = generate(up, model="sixty-words+fault-midstream-error", stream=True).body
    *good, bare = body.decode().replace("\r\n", "\n").rstrip("\n").split("\n\n")
    assert json.loads(bare) == error
    assert not bare.startswith("data:")
    assert "\n" in bare
    assert len(words([json.loads(block.removeprefix("data: ")) for block in good]).split()) == 40
    array = generate(up, model="sixty-words+fault-midstream-error", stream=True, query="").json
    assert array[-1] == error
    assert len(words(array[:-1]).split()) == 40


def test_a_broken_chunk_among_good_ones(up: ScriptedUpstream) -> None:
    body = generate(up, model="sixty-words+fault-badjson-frame", stream=True).body
    blocks = body.decode().split("\r\n\r\n")
    with pytest.raises(ValueError):
        json.loads(blocks[9].removeprefix("data: "))
    del blocks[9]
    assert words([data for _, data in sse("\r\n\r\n".join(blocks).encode())]) == words(
        chunks(up, "sixty-words")
    )


def test_faults_strike_embeddings_too(up: ScriptedUpstream) -> None:
    asked: dict[str, Any] = {"verb": "embedContent", "contents": ..., "content": {"parts": [{"text": "x"}]}}
    assert generate(up, model="any+fault-503-once", **asked).status == 503
    assert generate(up, model="any+fault-503-once", **asked).json["embedding"]["values"]
