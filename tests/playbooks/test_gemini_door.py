"""Gemini's clients through the one pipeline: model and stream from the address, events or one array."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from flowrouter.config import Timeouts
from tests.playbooks.stage import JSON, SSE, Performance, Script, account, play, reset
from tests.playbooks.test_passthrough import ANSWER, CHAT, WHOLE_STREAM

GOOGLE = account("google", "gemini")
SECOND = account("second", "gemini", priority=5)
ASK = b'{ "contents": [{"role":"user","parts":[{"text":"hi"}]}], "xNew": 1.0 }'
SLOW = Timeouts(head_grace=5.0, heartbeat=10.0)


def chunk(text: str, finish: str | None = None) -> bytes:
    candidate: dict[str, Any] = {"content": {"parts": [{"text": text}], "role": "model"}, "index": 0}
    if finish is not None:
        candidate["finishReason"] = finish
    usage = {"promptTokenCount": 4, "candidatesTokenCount": 2, "totalTokenCount": 6}
    return msgspec.json.encode(
        {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "gemini-x", "responseId": "r1"}
    )


HEL, LO = chunk("Hel"), chunk("lo", "STOP")
FAILURE = b'{\n  "error": {\n    "code": 503,\n    "message": "busy",\n    "status": "UNAVAILABLE"\n  }\n}'
STREAM = [b"data: " + HEL + b"\n\n", b"data: " + LO + b"\n\n"]


def ask(
    *scripts: Script,
    stream: bool = True,
    framing: str = "sse",
    accounts: tuple[Any, ...] = (GOOGLE,),
    model: str = "gemini-x",
    body: bytes = ASK,
    **more: Any,
) -> Performance:
    address = {"model": model, "stream": stream, "framing": framing}
    return play("gemini", body, accounts=accounts, scripts=scripts, address=address, **more)


def told(result: Performance) -> str:
    """Return the text of the answer, whatever its form."""
    body = result.body
    if result.headers["content-type"].startswith("text/event-stream"):
        lines = [line for line in body.splitlines() if line.startswith(b"data: ")]
        chunks = [msgspec.json.decode(line[6:]) for line in lines]
    else:
        whole = msgspec.json.decode(body)
        chunks = whole if isinstance(whole, list) else [whole]
    parts = [
        part
        for one in chunks
        for candidate in one.get("candidates", ())
        for part in candidate["content"]["parts"]
    ]
    return "".join(part.get("text", "") for part in parts)


def test_model_and_stream_come_from_the_address() -> None:
    whole = ask(Script(steps=[chunk("Hello", "STOP")]), stream=False, model="google/acme/m:x")
    assert whole.requests[0].url == "http://google.test/v1beta/models/acme%2Fm%3Ax:generateContent"
    assert whole.requests[0].body == ASK
    assert (whole.row.requested_model, whole.row.stream, whole.row.lane) == (
        "google/acme/m:x",
        False,
        "passthrough",
    )
    assert whole.body == chunk("Hello", "STOP")
    streamed = ask(Script(headers=SSE, steps=STREAM))
    assert streamed.requests[0].url.endswith("/models/gemini-x:streamGenerateContent?alt=sse")
    assert streamed.body == b"".join(STREAM)
    assert (streamed.row.stream, streamed.row.input_tokens, streamed.row.output_tokens) == (True, 4, 2)


def test_an_array_is_no_answer_to_who_asked_for_none() -> None:
    """Google's SDK reads an array as an empty answer, so that the host's stream is folded into one object."""
    result = ask(Script(steps=[b"[" + HEL + b",\r\n" + LO + b"]"]), stream=False)
    assert (result.status, told(result), result.row.lane) == (200, "Hello", "passthrough")
    assert isinstance(msgspec.json.decode(result.body), dict)
    assert (result.row.input_tokens, result.row.output_tokens) == (4, 2)


def test_without_alt_the_frames_become_one_array() -> None:
    result = ask(Script(headers=SSE, steps=[b": hi\n\n", *STREAM]), framing="array")
    assert result.requests[0].url.endswith("?alt=sse")
    assert result.headers["content-type"] == "application/json"
    assert result.body == b"[" + HEL + b",\r\n" + LO + b"]"
    assert result.row.lane == "passthrough"


@pytest.mark.parametrize("framing", ["sse", "array"])
def test_a_chat_provider_answers_in_either_form(framing: str) -> None:
    result = ask(Script(headers=SSE, steps=WHOLE_STREAM), framing=framing, accounts=(CHAT,))
    assert told(result) == "Hello"
    assert result.row.lane == "translate"
    sent = msgspec.json.decode(result.requests[0].body)
    assert (sent["model"], sent["stream"]) == ("gemini-x", True)
    assert "xNew" in result.headers["x-flowrouter-losses"]


@pytest.mark.parametrize("framing", ["sse", "array"])
def test_a_whole_answer_of_a_chat_provider(framing: str) -> None:
    assert told(ask(Script(steps=[ANSWER]), framing=framing, accounts=(CHAT,))) == "Hello"


@pytest.mark.parametrize("framing", ["sse", "array"])
@pytest.mark.parametrize("form", [b"[%b\n,\r\n%b]", b"[%b,%b]\n"], ids=["as Google writes it", "dense"])
def test_a_host_that_overlooks_alt_is_understood(framing: str, form: bytes) -> None:
    body = form % (msgspec.json.format(HEL, indent=2), LO)
    result = ask(Script(headers=JSON, steps=[body[:40], body[40:]]), framing=framing)
    assert told(result) == "Hello"
    assert (result.row.outcome, result.row.output_tokens) == ("ok", 2)


@pytest.mark.parametrize("end", [b"", b"\n\n"], ids=["cut short", "closed"])
@pytest.mark.parametrize("framing", ["sse", "array"])
def test_googles_bare_error_ends_a_stream_as_an_error(framing: str, end: bytes) -> None:
    result = ask(Script(headers=SSE, steps=[STREAM[0], FAILURE + end]), framing=framing)
    assert (result.row.outcome, result.row.error_text) == ("partial", "busy")
    if framing == "sse":
        first, last = result.body.rstrip().split(b"\n\n", 1)
        assert first == STREAM[0].rstrip()
        assert msgspec.json.decode(last) == msgspec.json.decode(FAILURE)
    else:
        assert msgspec.json.decode(result.body) == [msgspec.json.decode(HEL), msgspec.json.decode(FAILURE)]


@pytest.mark.parametrize(
    "body", [FAILURE, b"[" + FAILURE + b"]", FAILURE + b"\n\n"], ids=["object", "array", "event"]
)
def test_an_error_before_anything_else_lets_another_answer(body: bytes) -> None:
    good = Script(headers=SSE, steps=STREAM)
    bad = Script(headers=SSE, steps=[body])
    result = ask(bad, good, accounts=(GOOGLE, SECOND))
    assert result.body == b"".join(STREAM)
    assert result.row.outcome == "ok"
    assert len(result.requests) > 1


@pytest.mark.parametrize("framing", ["sse", "array"])
def test_a_cut_stream_never_ends_cleanly(framing: str) -> None:
    result = ask(Script(headers=SSE, steps=[STREAM[0], reset()]), framing=framing)
    assert result.row.outcome == "partial"
    assert b'"error"' in result.body
    if framing == "array":
        assert "error" in msgspec.json.decode(result.body)[-1]


@pytest.mark.parametrize("accounts", [(GOOGLE,), (CHAT,)], ids=["passthrough", "translate"])
@pytest.mark.parametrize("framing", ["sse", "array"])
def test_signs_of_life_fit_the_form(framing: str, accounts: tuple[Any, ...]) -> None:
    steps = STREAM if accounts == (GOOGLE,) else WHOLE_STREAM
    script = Script(headers=SSE, steps=[30.0, *steps[:-1], 25.0, steps[-1]])
    result = ask(script, framing=framing, accounts=accounts, timeouts=SLOW)
    assert len(result.sent) > 3
    blank = [piece for _, piece in result.sent if not piece.strip()]
    assert blank, "heartbeats leave as white space"
    assert told(result) == "Hello"


def test_refused_after_the_head_left_is_told_in_the_form() -> None:
    late = Script(status=503, before=30.0, steps=[FAILURE])
    result = ask(late, late, late, framing="array", timeouts=SLOW)
    assert result.status == 200
    (only,) = msgspec.json.decode(result.body)
    assert only["error"]["code"] >= 500


def test_other_clients_reach_a_gemini_provider() -> None:
    body = b'{"model":"gemini-x","messages":[{"role":"user","content":"hi"}],"stream":true}'
    result = play("openai_chat", body, accounts=[GOOGLE], scripts=[Script(headers=SSE, steps=STREAM)])
    assert b'"content":"Hel"' in result.body
    assert result.body.endswith(b"data: [DONE]\n\n")
    failed = play(
        "openai_chat", body, accounts=[GOOGLE], scripts=[Script(headers=SSE, steps=[STREAM[0], FAILURE])]
    )
    assert b"busy" in failed.body
    assert b"[DONE]" not in failed.body


@pytest.mark.parametrize("empty", [b"data: {}\n\n", b"data:  \n\n", b"data: [DONE]\n\n"])
def test_an_empty_chunk_leaves_one_well_formed_array(empty: bytes) -> None:
    result = ask(Script(headers=SSE, steps=[empty, STREAM[0], empty, STREAM[1]]), framing="array")
    told_chunks = [one for one in msgspec.json.decode(result.body) if one]
    assert told_chunks == [msgspec.json.decode(HEL), msgspec.json.decode(LO)]


def test_a_payload_with_white_space_around_it_is_an_element() -> None:
    spaced = b"data:   " + HEL + b"  \n\n"
    result = ask(Script(headers=SSE, steps=[spaced, STREAM[1]]), framing="array")
    assert msgspec.json.decode(result.body) == [msgspec.json.decode(HEL), msgspec.json.decode(LO)]


def test_several_chunks_in_one_event_are_several_elements() -> None:
    both = b"data: [" + HEL + b"," + LO + b"]\n\n"
    result = ask(Script(headers=SSE, steps=[both]), framing="array")
    assert msgspec.json.decode(result.body) == [msgspec.json.decode(HEL), msgspec.json.decode(LO)]


@pytest.mark.parametrize("line", [b"\r\n", b"\n", b"\r"], ids=["crlf", "lf", "cr"])
def test_each_frame_leaves_in_the_bytes_it_came_in(line: bytes) -> None:
    wire = b"".join(b"data: " + piece + line * 2 for piece in (HEL, LO))
    for step in (1, 7, len(wire)):
        pieces = [wire[place : place + step] for place in range(0, len(wire), step)]
        assert ask(Script(headers=SSE, steps=pieces)).body == wire


@pytest.mark.parametrize("framing", ["sse", "array"])
def test_a_withheld_beginning_leaves_no_hole(framing: str) -> None:
    broken = b'data: {"candidates":[7],"modelVersion":"gemini-x","responseId":"r1"}\n\n'
    result = ask(Script(headers=SSE, steps=[broken, *STREAM]), framing=framing)
    assert told(result) == "Hello"
    broke = Script(headers=SSE, steps=[broken, reset()])
    cut = ask(broke, broke, framing=framing)
    assert cut.status >= 400
