"""What happens when a target fails: who is asked next, and what the caller hears in the end."""

from __future__ import annotations

import msgspec
import pytest

from flowrouter.config import Timeouts
from flowrouter.errors import UpstreamError
from tests.playbooks.stage import SSE, Performance, Script, account, play, reset
from tests.playbooks.test_passthrough import ANSWER, ASK, ASK_STREAM, DONE, FINISH, HEL, LO, ROLE

FIRST = account("first", "openai_chat", priority=1)
SECOND = account("second", "openai_chat", priority=2)
GOOD = Script(steps=[ANSWER])
GOOD_STREAM = Script(headers=SSE, steps=[ROLE, HEL, LO, FINISH, DONE])


def error(status: int, *, kind: str = "server_error", code: str | None = None, **headers: str) -> Script:
    body = msgspec.json.encode(
        {"error": {"message": f"said {status}", "type": kind, "code": code, "param": None}}
    )
    return Script(status=status, headers={"content-type": "application/json", **headers}, steps=[body])


def asked(result: Performance) -> list[str]:
    return [request.url.split("/")[2].removesuffix(".test") for request in result.requests]


@pytest.mark.parametrize("status", [401, 402, 403, 404, 429, 503, 529])
def test_a_target_at_fault_gives_way_to_the_next(status: int) -> None:
    result = play("openai_chat", ASK, accounts=[FIRST, SECOND], scripts=[error(status), GOOD])
    assert asked(result) == ["first", "second"]
    assert result.status == 200
    assert result.headers["x-flowrouter-attempts"] == "2"
    assert result.headers["x-flowrouter-target"] == "second/m"


@pytest.mark.parametrize("status", [500, 502])
def test_a_server_error_is_tried_once_more_at_the_same_target(status: int) -> None:
    result = play("openai_chat", ASK, accounts=[FIRST, SECOND], scripts=[error(status), error(status), GOOD])
    assert asked(result) == ["first", "first", "second"]


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_request_at_fault_is_asked_once_and_comes_back_as_said(status: int) -> None:
    script = error(status, kind="invalid_request_error")
    result = play("openai_chat", ASK, accounts=[FIRST, SECOND], scripts=[script])
    assert asked(result) == ["first"]
    assert result.status == status
    assert result.body == b"".join(script.steps)
    assert result.headers["x-should-retry"] == "false"


def test_a_context_overflow_may_fit_elsewhere() -> None:
    script = error(400, code="context_length_exceeded")
    result = play("openai_chat", ASK, accounts=[FIRST, SECOND], scripts=[script, GOOD])
    assert asked(result) == ["first", "second"]


def test_a_policy_refusal_is_not_shopped_around() -> None:
    script = error(400, code="content_policy_violation")
    result = play("openai_chat", ASK, accounts=[FIRST, SECOND], scripts=[script])
    assert (asked(result), result.status) == (["first"], 400)


def test_all_busy_tells_the_soonest_time() -> None:
    scripts = [error(429, **{"retry-after": "30"}), error(429, **{"retry-after": "7"})]
    result = play("openai_chat", ASK, accounts=[FIRST, SECOND], scripts=scripts)
    assert result.status == 429
    assert result.headers["retry-after"] == "7"


def test_our_refused_account_is_our_fault_and_named_to_its_owner() -> None:
    result = play("openai_chat", ASK, accounts=[FIRST], scripts=[error(401)])
    assert result.status == 502
    told = msgspec.json.decode(result.body)["error"]
    assert told["code"] == "upstream_auth"
    assert "'first'" in told["message"]
    assert result.headers["x-should-retry"] == "false"
    assert b"secret-of-first" not in result.body


def test_an_account_that_is_not_set_up_says_so_to_its_owner_and_gives_way() -> None:
    keyless = msgspec.structs.replace(
        account("keyless", "openai_chat"), preset="openai", base_url=None, api_key=None
    )
    alone = play("openai_chat", ASK, accounts=[keyless], scripts=[])
    told = msgspec.json.decode(alone.body)["error"]
    assert (alone.status, told["code"]) == (502, "upstream_auth")
    assert "'keyless'" in told["message"]
    assert "API key" in told["message"]
    both = play("openai_chat", ASK, accounts=[keyless, SECOND], scripts=[GOOD])
    assert (asked(both), both.status) == (["second"], 200)


def test_an_error_that_quotes_the_key_is_not_passed_on() -> None:
    body = b'{"error":{"message":"bad request for secret-of-first","type":"invalid_request_error"}}'
    result = play("openai_chat", ASK, accounts=[FIRST], scripts=[Script(status=400, steps=[body])])
    assert result.status == 400
    assert b"secret-of-first" not in result.body
    assert "secret-of-first" not in (result.row.error_text or "")


def test_html_is_never_forwarded() -> None:
    page = Script(
        status=502, headers={"content-type": "text/html"}, steps=[b"<html><h1>Bad gateway</h1></html>"]
    )
    result = play("openai_chat", ASK, accounts=[FIRST], scripts=[page, page])
    assert result.status == 502
    assert b"<html" not in result.body
    assert b'"error"' in result.body


def test_html_with_status_200_is_a_bad_reply() -> None:
    page = Script(headers={"content-type": "text/html"}, steps=[b"<html>login</html>"])
    result = play("openai_chat", ASK, accounts=[FIRST, SECOND], scripts=[page, page, GOOD])
    assert asked(result) == ["first", "first", "second"]


def test_json_error_with_status_200_fails_over() -> None:
    hidden = Script(steps=[b'{"error":{"message":"overloaded","type":"overloaded_error","code":null}}'])
    result = play("openai_chat", ASK, accounts=[FIRST, SECOND], scripts=[hidden, GOOD])
    assert result.status == 200
    assert asked(result) == ["first", "second"]


def test_error_in_the_first_event_fails_over_before_the_head() -> None:
    bad = Script(
        headers=SSE, steps=[b'data: {"error":{"message":"busy","type":"server_error","code":503}}\n\n']
    )
    result = play("openai_chat", ASK_STREAM, accounts=[FIRST, SECOND], scripts=[bad, GOOD_STREAM])
    assert result.status == 200
    assert b"busy" not in result.body
    assert result.body.endswith(DONE)


def test_empty_stream_is_an_error_not_an_empty_success() -> None:
    empty = Script(headers=SSE, steps=[])
    result = play("openai_chat", ASK_STREAM, accounts=[FIRST], scripts=[empty, empty])
    assert result.status == 502
    assert result.row.outcome == "error"


def test_reset_before_the_head_is_tried_once_more() -> None:
    result = play("openai_chat", ASK, accounts=[FIRST], scripts=[Script(error=reset()), GOOD])
    assert (asked(result), result.status) == (["first", "first"], 200)


def test_unreachable_target_gives_way() -> None:
    down = Script(error=UpstreamError("the provider could not be reached", kind="connect"))
    result = play("openai_chat", ASK, accounts=[FIRST, SECOND], scripts=[down, down, GOOD])
    assert asked(result) == ["first", "first", "second"]


def test_silence_before_the_head_is_a_timeout() -> None:
    result = play(
        "openai_chat",
        ASK,
        accounts=[FIRST],
        scripts=[Script(before=1000.0, steps=[ANSWER])],
        timeouts=Timeouts(first_byte_plain=30),
    )
    assert result.status == 504
    assert result.head_at == 30.0


def test_an_answer_that_does_not_end_is_a_timeout() -> None:
    result = play(
        "openai_chat",
        ASK,
        accounts=[FIRST],
        scripts=[Script(steps=[ANSWER[:40], 400.0, ANSWER[40:]])],
        timeouts=Timeouts(total=60),
    )
    assert result.status == 504
    assert result.head_at == 60.0


def test_unknown_model_is_404_with_a_hint() -> None:
    listed = account("listed", "openai_chat", models=("gpt-large",))
    result = play("openai_chat", ASK.replace(b'"m"', b'"gpt-larg"'), accounts=[listed], scripts=[])
    assert result.status == 404
    told = msgspec.json.decode(result.body)["error"]
    assert told["code"] == "model_not_found"
    assert "gpt-large" in told["message"]


def test_bad_json_is_the_callers_fault_in_its_dialect() -> None:
    result = play("anthropic", b'{"model": ', accounts=[FIRST], scripts=[])
    assert result.status == 400
    assert msgspec.json.decode(result.body)["type"] == "error"


def test_a_failed_attempts_state_does_not_reach_the_next() -> None:
    result = play("openai_chat", ASK, accounts=[FIRST, SECOND], scripts=[error(503), GOOD])
    assert result.requests[1].header("authorization") == "Bearer secret-of-second"
    assert "secret-of-first" not in str(result.requests[1].headers)
    assert result.row.account_id == "second"
    assert [attempt.outcome for attempt in result.row.attempts] == ["overloaded", "answered"]
