"""Embeddings through the one pipeline: bytes as they are, failover before the first of them, one settlement."""

from __future__ import annotations

import msgspec
import pytest

from flowrouter.config import Timeouts
from tests.playbooks.stage import SSE, Performance, Script, account, play, reset
from tests.playbooks.test_failover import asked, error

ASK = b'{ "model":"m",  "input" : ["a", "b"], "x_unknown": 1.0 }'
ANSWER = (
    b'{"object":"list", "data":[{"object":"embedding","index":0,"embedding":[0.10,-0]}],'
    b' "model":"vendor-m","usage":{"prompt_tokens":7,"total_tokens":7}}'
)
GOOD = Script(steps=[ANSWER[:30], ANSWER[30:]])
FIRST = account("first", "openai_chat", priority=1)
SECOND = account("second", "openai_chat", priority=2)
CLAUDE = account("claude", "anthropic", priority=0)


def embed(
    *scripts: Script, accounts: tuple = (FIRST, SECOND), body: bytes = ASK, **more: object
) -> Performance:
    return play("openai_chat", body, accounts=accounts, scripts=scripts, operation="embeddings", **more)


def test_bytes_pass_both_ways_and_the_usage_is_booked() -> None:
    result = embed(GOOD)
    assert result.requests[0].url == "http://first.test/v1/embeddings"
    assert result.requests[0].body == ASK
    assert result.body == ANSWER
    row = result.row
    assert (row.status, row.outcome, row.lane, row.stream) == (200, "ok", "passthrough", False)
    assert (row.model, row.input_tokens, row.output_tokens) == ("vendor-m", 7, 0)
    assert result.receipt["usage"]["input"] == 7


def test_only_the_model_is_edited() -> None:
    result = embed(GOOD, body=ASK.replace(b'"m"', b'"first/m"'))
    assert result.requests[0].body == ASK
    assert result.body == ANSWER, "the reply's model stays the vendor's"


def test_a_setting_that_edits_replies_leaves_embeddings_alone() -> None:
    assert embed(GOOD, reply_model="asked").body == ANSWER


def test_a_target_without_embeddings_is_never_asked() -> None:
    result = embed(GOOD, accounts=(CLAUDE, FIRST))
    assert asked(result) == ["first"]
    assert result.headers["x-flowrouter-attempts"] == "1"


def test_nobody_who_can_is_the_callers_error() -> None:
    result = embed(accounts=(CLAUDE,))
    assert result.status == 400
    told = msgspec.json.decode(result.body)["error"]
    assert (told["code"], told["param"], told["type"]) == (
        "embeddings_not_supported",
        "model",
        "invalid_request_error",
    )
    assert result.row.outcome == "error"
    assert result.requests == []


@pytest.mark.parametrize("status", [401, 404, 429, 503])
def test_a_target_at_fault_gives_way_to_the_next(status: int) -> None:
    result = embed(error(status), GOOD)
    assert asked(result) == ["first", "second"]
    assert result.status == 200
    assert [attempt.outcome for attempt in result.row.attempts][-1] == "answered"


def test_a_request_at_fault_comes_back_in_the_vendors_words() -> None:
    script = error(400, kind="invalid_request_error")
    result = embed(script)
    assert (result.status, result.body) == (400, b"".join(script.steps))


CUT = Script(steps=[ANSWER[:30], reset()])
STREAM = Script(headers=SSE, steps=[b'data: {"object":"chat.completion.chunk"}\n\n'])
ERROR_IN_200 = Script(steps=[b'{"error":{"message":"busy","type":"overloaded_error"}}'])
TRUNCATED = Script(steps=[ANSWER[:-20]])
CHAT = Script(steps=[b'{"object":"chat.completion","choices":[]}'])


@pytest.mark.parametrize("script", [CUT, STREAM, ERROR_IN_200, TRUNCATED, CHAT, Script(steps=[b"<html>"])])
def test_a_reply_that_is_none_never_leaves(script: Script) -> None:
    result = embed(script, GOOD, GOOD)
    assert result.status == 200
    assert result.body == ANSWER
    assert len(result.row.attempts) == 2


def test_a_reply_that_never_ends_is_given_up_in_time() -> None:
    result = embed(Script(steps=[ANSWER[:30], 1000.0, ANSWER[30:]]), GOOD, timeouts=Timeouts(total=60))
    assert asked(result) == ["first", "second"]
    assert result.sent[0][0] == 60.0


def test_a_stream_that_is_asked_for_is_the_vendors_to_refuse() -> None:
    result = embed(GOOD, body=b'{"model":"m","input":"a","stream":true}')
    assert result.headers["content-type"].startswith("application/json")
    assert result.body == ANSWER


def test_usage_that_is_not_told_is_not_invented() -> None:
    answer = b'{"object":"list","data":[]}'
    result = embed(Script(steps=[answer]))
    assert result.body == answer
    assert (result.row.input_tokens, result.row.output_tokens) == (None, None)
    assert result.row.model == "m"


def test_a_client_that_goes_away_is_settled_once() -> None:
    result = embed(Script(before=30.0, steps=[ANSWER]), cancel_after=5.0)
    assert (result.row.outcome, result.row.status) == ("cancelled", 499)
