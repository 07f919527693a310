"""Error envelopes: Google's own, what hosts answer instead, and ours in Google's form."""

from __future__ import annotations

from typing import Any

import pytest
from google.genai import errors as vendor

from flowrouter.canonical.problem import Problem
from flowrouter.dialects.gemini.errors import (
    is_error_frame,
    problem_of,
    problem_status,
    render_problem,
)
from flowrouter.routing import judge
from flowrouter.wire.json import dumps, loads
from flowrouter.wire.sse import SseParser

RPC = "type.googleapis.com/google.rpc."


def said(**members: Any) -> bytes:
    return dumps({"error": members})


def test_the_vendor_s_own_envelope_returns_as_it_came() -> None:
    error = {
        "code": 429,
        "message": "You exceeded your current quota.",
        "status": "RESOURCE_EXHAUSTED",
        "details": [
            {"@type": f"{RPC}QuotaFailure", "violations": [{"quotaId": "PerMinute"}]},
            {"@type": f"{RPC}RetryInfo", "retryDelay": "34.5s"},
        ],
    }
    problem = problem_of(429, dumps({"error": error}))
    assert (problem.status, problem.kind, problem.retry_after) == (429, "RESOURCE_EXHAUSTED", 34.5)
    assert loads(render_problem(problem, "req_1")) == {"error": error}


@pytest.mark.parametrize(
    ("status", "body", "message"),
    [
        (400, dumps([{"error": {"code": 400, "message": "in a list"}}]), "in a list"),
        (500, b'{"error":"plain words"}', "plain words"),
        (422, b'{"detail":"bad field"}', "bad field"),
        (503, b"upstream connect error", "upstream connect error"),
        (500, b"", "The upstream answered 500 without a message."),
        (500, b"{}", "The upstream reported an error without a message (500)."),
        (500, b"[]", "[]"),
        (500, b"{broken", "{broken"),
        (502, b"<!DOCTYPE html><title>Error 502</title>", "The upstream answered 502 with an HTML page."),
        (400, b'{"error":{"message":"caf\xff"}}', "caf\ufffd"),
    ],
    ids=[
        "array",
        "string",
        "detail",
        "text",
        "empty",
        "no-members",
        "empty-array",
        "broken",
        "html",
        "bytes",
    ],
)
def test_other_forms_are_read(status: int, body: bytes, message: str) -> None:
    problem = problem_of(status, body)
    assert (problem.status, problem.message, problem.origin) == (status, message, "gemini")


@pytest.mark.parametrize(
    ("error", "status"),
    [
        ({"code": 503, "status": "UNAVAILABLE"}, 503),
        ({"code": "429"}, 429),
        ({"status": "RESOURCE_EXHAUSTED"}, 429),
        ({"code": 14, "status": "INTERNAL"}, 500),
        ({"message": "?"}, 502),
    ],
    ids=["code", "text-code", "word", "grpc-code", "nothing"],
)
def test_an_error_inside_a_good_reply_has_its_own_status(error: dict[str, Any], status: int) -> None:
    assert problem_of(200, said(**error)).status == status


def test_a_bad_key_is_told_apart_from_a_bad_request() -> None:
    details = [{"@type": f"{RPC}ErrorInfo", "reason": "API_KEY_INVALID", "domain": "googleapis.com"}]
    body = said(code=400, message="API key not valid.", status="INVALID_ARGUMENT", details=details)
    problem = problem_of(400, body)
    assert (problem.status, problem.code) == (400, "invalid_api_key")
    assert judge(problem).failure == "auth"
    assert loads(render_problem(problem, "")) == loads(body)


def test_a_prompt_that_is_too_long_is_told_apart_too() -> None:
    words = "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576)."
    problem = problem_of(400, said(code=400, message=words, status="INVALID_ARGUMENT"))
    assert judge(problem).failure == "context_overflow"


def test_the_field_at_fault_is_named() -> None:
    details = [{"@type": f"{RPC}BadRequest", "fieldViolations": [{"field": "contents[0].parts"}]}]
    assert problem_of(400, said(code=400, message="bad", details=details)).param == "contents[0].parts"


@pytest.mark.parametrize(
    "secret",
    ["AIzaSyD4-abcdefghijklmnopqrstuvwxyz0123", "Bearer abcdefgh1234", "https://x/y?key=topsecret123"],
    ids=["key", "bearer", "query"],
)
def test_secrets_are_not_repeated(secret: str) -> None:
    told = problem_of(400, said(code=400, message=f"rejected {secret} here")).message
    assert secret.rpartition("=")[2] not in told
    assert told.startswith("rejected")
    assert told.endswith(" here")


def test_long_messages_are_cut() -> None:
    assert len(problem_of(400, said(message="x" * 9000)).message) == 2000
    assert len(problem_of(400, b"y" * 9000).message) == 500


@pytest.mark.parametrize(
    ("status", "sent", "word"),
    [
        (400, 400, "INVALID_ARGUMENT"),
        (401, 401, "UNAUTHENTICATED"),
        (402, 402, "FAILED_PRECONDITION"),
        (403, 403, "PERMISSION_DENIED"),
        (404, 404, "NOT_FOUND"),
        (408, 408, "DEADLINE_EXCEEDED"),
        (409, 409, "ABORTED"),
        (413, 413, "INVALID_ARGUMENT"),
        (418, 418, "INVALID_ARGUMENT"),
        (422, 422, "INVALID_ARGUMENT"),
        (429, 429, "RESOURCE_EXHAUSTED"),
        (500, 500, "INTERNAL"),
        (502, 502, "UNAVAILABLE"),
        (503, 503, "UNAVAILABLE"),
        (504, 504, "DEADLINE_EXCEEDED"),
        (529, 503, "UNAVAILABLE"),
        (599, 599, "INTERNAL"),
        (200, 502, "UNAVAILABLE"),
    ],
)
def test_one_problem_in_google_s_words(status: int, sent: int, word: str) -> None:
    problem = Problem(status=status, message="no", kind="overloaded_error", origin="anthropic")
    assert problem_status(problem) == sent
    assert loads(render_problem(problem, "")) == {"error": {"code": sent, "message": "no", "status": word}}


def test_what_else_we_know_travels_in_typed_details() -> None:
    problem = Problem(status=400, message="no", param="tools", code="unsupported_value", retry_after=3.0)
    assert loads(render_problem(problem, ""))["error"]["details"] == [
        {"@type": f"{RPC}BadRequest", "fieldViolations": [{"field": "tools", "description": "no"}]},
        {"@type": f"{RPC}ErrorInfo", "reason": "unsupported_value", "domain": "flow-router"},
        {"@type": f"{RPC}RetryInfo", "retryDelay": "3s"},
    ]


def test_the_vendor_s_sdk_reads_our_envelope() -> None:
    body = loads(render_problem(Problem(status=429, message="slow down"), ""))
    error = vendor.ClientError(429, body)
    assert (error.code, error.status, error.message) == (429, "RESOURCE_EXHAUSTED", "slow down")


@pytest.mark.parametrize(
    ("sent", "taken"),
    [
        (b'{"error":{"code":503,"message":"x"}}\n\n', True),
        (b'{\r\n  "error": {\r\n    "code": 503\r\n  }\r\n}\r\n\r\n', True),
        (b'data: {"error":{"code":503}}\n\n', False),
        (b'{"x":1,"error":{"code":503}}\n\n', False),
        (b'{"error":{"code":"503"}}\n\n', False),
        (b'{"error":"text"}\n\n', False),
        (b'[{"error":{"code":503}}]\n\n', False),
        (b'{"error":}\n\n', False),
        (b"{}\n\n", False),
        (b'data: {"candidates":[]}\n\n', False),
    ],
    ids=[
        "bare",
        "bare-lines",
        "event",
        "not-first",
        "text-code",
        "text",
        "array",
        "broken",
        "empty",
        "answer",
    ],
)
def test_frames_that_all_sdks_take_for_a_failure(sent: bytes, taken: bool) -> None:
    (frame,) = SseParser().feed(sent)
    assert is_error_frame(frame) is taken
