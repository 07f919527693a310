"""Legacy completions from the front of the pipeline to its end: over chat providers of either kind."""

from __future__ import annotations

from typing import Any

import msgspec
import openai.types
import pytest

from tests.playbooks.stage import SSE, Performance, Script, play, reset
from tests.playbooks.test_passthrough import (
    ANSWER,
    ANTHROPIC_EVENTS,
    CHAT,
    CLAUDE,
    DONE,
    HEL,
    ROLE,
    WHOLE_STREAM,
)

ASK = b'{"model":"m","prompt":"Once upon","max_tokens":9,"temperature":0,"best_of":1,"suffix":null,"x":1}'


def ask(**members: Any) -> bytes:
    return msgspec.json.encode({"model": "m", "prompt": "Once upon", **members})


def complete(body: bytes, *scripts: Script, accounts: tuple[Any, ...] = (CHAT,)) -> Performance:
    return play("openai_completions", body, accounts=accounts, scripts=scripts)


def chunks(result: Performance) -> list[dict[str, Any]]:
    lines = [line for line in result.body.split(b"\n\n") if line.startswith(b"data: {")]
    return [msgspec.json.decode(line[6:]) for line in lines]


def test_a_prompt_is_a_user_turn_and_the_answer_a_text() -> None:
    result = complete(ASK, Script(steps=[ANSWER]))
    sent = msgspec.json.decode(result.requests[0].body)
    assert sent["messages"] == [{"role": "user", "content": "Once upon"}]
    assert (sent["temperature"], sent["max_tokens"]) == (0, 9)
    assert not {"prompt", "best_of", "suffix", "x"} & sent.keys()
    told = msgspec.json.decode(result.body)
    read = openai.types.Completion.model_validate(told, strict=True)
    assert (told["object"], told["id"][:5], read.choices[0].text) == ("text_completion", "cmpl-", "Hello")
    assert (read.choices[0].finish_reason, read.usage.total_tokens) == ("stop", 12)  # type: ignore[union-attr]
    assert result.headers["x-flowrouter-losses"] == "x"
    assert (result.row.client_dialect, result.row.lane) == ("openai_completions", "translate")


def test_a_stream_is_text_chunks_and_usage_comes_when_asked() -> None:
    script = Script(headers=SSE, steps=WHOLE_STREAM)
    plain = complete(ask(stream=True), script)
    assert plain.body.endswith(DONE)
    assert "".join(chunk["choices"][0]["text"] for chunk in chunks(plain)) == "Hello"
    assert chunks(plain)[-1]["choices"][0]["finish_reason"] == "stop"
    assert not any("usage" in chunk for chunk in chunks(plain))
    counted = complete(ask(stream=True, stream_options={"include_usage": True}), script)
    *before, last = chunks(counted)
    assert last["choices"] == []
    assert last["usage"]["total_tokens"] == 12
    assert all(chunk["usage"] is None for chunk in before)
    for chunk in chunks(counted):
        openai.types.Completion.model_construct(**chunk)


def test_an_anthropic_provider_completes_too() -> None:
    result = complete(ask(stream=True), Script(headers=SSE, steps=ANTHROPIC_EVENTS), accounts=(CLAUDE,))
    assert "".join(chunk["choices"][0]["text"] for chunk in chunks(result)) == "Hello"
    assert result.row.outcome == "ok"


def test_echo_puts_the_prompt_before_the_answer() -> None:
    whole = complete(ask(echo=True), Script(steps=[ANSWER]))
    assert msgspec.json.decode(whole.body)["choices"][0]["text"] == "Once uponHello"
    streamed = complete(ask(echo=True, stream=True), Script(headers=SSE, steps=WHOLE_STREAM))
    assert "".join(chunk["choices"][0]["text"] for chunk in chunks(streamed)) == "Once uponHello"


def test_probabilities_come_in_the_old_form() -> None:
    token = {"token": "Hello", "logprob": -0.5, "bytes": None}
    answer = msgspec.json.decode(ANSWER)
    answer["choices"][0]["logprobs"] = {
        "content": [{**token, "top_logprobs": [token]}, token],
        "refusal": None,
    }
    result = complete(ask(logprobs=1), Script(steps=[msgspec.json.encode(answer)]))
    sent = msgspec.json.decode(result.requests[0].body)
    assert (sent["logprobs"], sent["top_logprobs"]) == (True, 1)
    assert msgspec.json.decode(result.body)["choices"][0]["logprobs"] == {
        "tokens": ["Hello", "Hello"],
        "token_logprobs": [-0.5, -0.5],
        "top_logprobs": [{"Hello": -0.5}, None],
        "text_offset": [0, 5],
    }


def test_a_cut_stream_ends_in_an_error_never_in_done() -> None:
    result = complete(ask(stream=True), Script(headers=SSE, steps=[ROLE, HEL, reset()]))
    assert b'data: {"error":' in result.body
    assert DONE not in result.body


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"prompt": ["a", "b"]}, "prompt"),
        ({"prompt": [1, 2]}, "prompt"),
        ({"prompt": [[1], [2]]}, "prompt"),
        ({"prompt": []}, "prompt"),
        ({"prompt": ""}, "prompt"),
        ({"prompt": None}, "prompt"),
        ({"prompt": 3}, "prompt"),
        ({"model": ""}, "model"),
        ({"stream": "yes"}, "stream"),
        ({"suffix": "the end"}, "suffix"),
        ({"best_of": 3}, "best_of"),
        ({"temperature": "hot"}, "temperature"),
        ({"stop": [1]}, "stop"),
        ({"max_tokens": True}, "max_tokens"),
    ],
    ids=str,
)
def test_what_a_chat_model_cannot_do_is_refused_by_name(members: dict[str, Any], param: str) -> None:
    result = complete(ask(**members))
    error = msgspec.json.decode(result.body)["error"]
    assert (result.status, error["param"], error["type"]) == (400, param, "invalid_request_error")
    assert result.requests == []


@pytest.mark.parametrize("body", [b"{", b"[]", b'"\\ud800"', b""], ids=["cut", "list", "text", "empty"])
def test_a_body_that_is_no_request(body: bytes) -> None:
    assert complete(body).status == 400
