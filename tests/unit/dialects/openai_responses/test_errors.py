"""Error envelopes: read whatever a host writes, written in the three forms of this dialect."""

from __future__ import annotations

from typing import Any

import pytest

from flowrouter.canonical.problem import Problem
from flowrouter.dialects.openai_responses.errors import (
    TEXT_MAX,
    failure,
    is_error_frame,
    problem_of,
    problem_status,
    render_problem,
)
from flowrouter.wire.json import dumps, loads
from flowrouter.wire.sse import Frame

LIMIT = {"message": "slow down", "type": "requests", "param": None, "code": "rate_limit_exceeded"}


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (429, dumps({"error": LIMIT}), (429, "slow down", "requests", "rate_limit_exceeded")),
        (200, dumps({"error": LIMIT}), (429, "slow down", "requests", "rate_limit_exceeded")),
        (200, dumps({"id": "resp_1", "status": "failed", "error": {"code": "server_error", "message": "x"}, "output": []}), (500, "x", None, "server_error")),
        (200, dumps({"id": "resp_1", "status": "failed", "error": None, "output": []}), (502, "The upstream reported an error without a message (200).", None, None)),
        (200, dumps({"type": "error", "code": "overloaded", "message": "busy", "sequence_number": 1}), (503, "busy", None, "overloaded")),
        (200, dumps({"type": "error", "code": "invalid_prompt", "message": "bad", "sequence_number": 1}), (400, "bad", None, "invalid_prompt")),
        (500, dumps({"error": "plain"}), (500, "plain", None, None)),
        (422, dumps({"detail": [{"loc": ["x"]}]}), (422, '[{"loc":["x"]}]', None, None)),
        (503, dumps([{"error": {"message": "listed"}}]), (503, "listed", None, None)),
        (200, dumps({"error": {"code": 503, "message": "x"}}), (503, "x", None, None)),
        (502, b"<!DOCTYPE html><html>secret</html>", (502, "The upstream answered 502 with an HTML page.", None, None)),
        (404, b"", (404, "The upstream answered 404 without a message.", None, None)),
        (400, b"{broken", (400, "{broken", None, None)),
    ],
    ids=["limit", "in-200", "failed", "failed-silent", "overloaded", "event", "string", "detail", "list", "number", "html", "empty", "text"],
)  # fmt: skip
def test_what_upstreams_write(status: int, body: bytes, expected: tuple[Any, ...]) -> None:
    problem = problem_of(status, body)
    assert (problem.status, problem.message, problem.kind, problem.code) == expected
    assert "output" not in (problem.details or {})
    assert problem.origin == "openai_responses"


def test_secrets_and_length() -> None:
    problem = problem_of(401, dumps({"error": {"message": "Incorrect API key provided: sk-abcdefghijkl"}}))
    assert "abcdefgh" not in problem.message
    assert len(problem_of(500, b"x" * 5000).message) == TEXT_MAX


def test_the_vendors_own_words_return() -> None:
    error = {**LIMIT, "param": "input", "extra": {"a": 1}}
    problem = problem_of(429, dumps({"error": error}))
    assert loads(render_problem(problem, "req_1")) == {"error": error}


@pytest.mark.parametrize(
    ("problem", "status", "kind", "code"),
    [
        (Problem(status=400, message="x", origin="anthropic", kind="invalid_request_error"), 400, "invalid_request_error", None),
        (Problem(status=529, message="x", origin="anthropic", kind="overloaded_error"), 503, "server_error", "service_unavailable"),
        (Problem(status=401, message="x"), 401, "invalid_request_error", "invalid_api_key"),
        (Problem(status=502, message="x", code="upstream_auth"), 502, "server_error", "upstream_auth"),
        (Problem(status=418, message="x"), 418, "server_error", None),
        (Problem(status=0, message="x"), 502, "server_error", "bad_gateway"),
    ],
    ids=["400", "529", "401", "502", "418", "0"],
)  # fmt: skip
def test_foreign_failures_have_this_dialects_words(
    problem: Problem, status: int, kind: str, code: str | None
) -> None:
    error = loads(render_problem(problem, ""))["error"]
    assert (problem_status(problem), error["type"], error["code"]) == (status, kind, code)
    assert error.keys() == {"message", "type", "param", "code"}


@pytest.mark.parametrize(
    ("problem", "code"),
    [
        (Problem(status=429, message="x"), "rate_limit_exceeded"),
        (Problem(status=400, message="x"), "invalid_prompt"),
        (Problem(status=400, message="x", code="context_length_exceeded"), "context_length_exceeded"),
        (Problem(status=400, message="x", code="image_too_large"), "image_too_large"),
        (Problem(status=401, message="x", code="invalid_api_key"), "server_error"),
        (Problem(status=503, message="x", code="stream_truncated"), "server_error"),
    ],
    ids=["429", "400", "context", "image", "401", "503"],
)  # fmt: skip
def test_a_failed_response_has_a_code_of_the_closed_set(problem: Problem, code: str) -> None:
    assert failure(problem) == {"code": code, "message": "x"}


@pytest.mark.parametrize(
    ("value", "fails"),
    [
        ({"type": "error", "message": "x"}, True),
        ({"error": {"message": "x"}}, True),
        ({"type": "response.failed", "response": {}}, True),
        ({"type": "response.completed", "response": {"error": None}}, False),
        ({"type": "response.output_text.delta", "delta": "error"}, False),
        ([], False),
    ],
    ids=["event", "envelope", "failed", "completed", "delta", "list"],
)
def test_frames_that_clients_take_for_a_failure(value: Any, fails: bool) -> None:
    assert is_error_frame(Frame(None, dumps(value), b"")) is fails
    assert not is_error_frame(Frame(None, dumps(value), b"", True))
    assert not is_error_frame(Frame(None, None, b""))
