"""Error envelopes: whatever a host answers is read, and said again in OpenAI's form."""

from __future__ import annotations

from typing import Any

import pytest

from flowrouter.canonical.problem import Problem
from flowrouter.dialects.openai_chat import CODEC
from flowrouter.wire.json import dumps, loads


def test_the_vendor_s_own_envelope_returns_as_it_came() -> None:
    error = {
        "message": "Too long.",
        "type": "invalid_request_error",
        "param": "messages",
        "code": "context_length_exceeded",
    }
    problem = CODEC.problem_of(400, dumps({"error": error}))
    assert (problem.status, problem.kind, problem.param) == (400, "invalid_request_error", "messages")
    assert problem.code == "context_length_exceeded"
    assert loads(CODEC.render_problem(problem, "req_1")) == {"error": error}


@pytest.mark.parametrize(
    ("status", "body", "message"),
    [
        (500, b'{"error":"plain words"}', "plain words"),
        (422, b'{"detail":"bad field"}', "bad field"),
        (422, b'{"detail":[{"loc":["body"],"msg":"missing"}]}', '[{"loc":["body"],"msg":"missing"}]'),
        (404, b'{"object":"error","message":"no model","type":"NotFoundError","code":404}', "no model"),
        (400, b'[{"error":{"code":400,"message":"in a list"}}]', "in a list"),
        (503, b"upstream connect error", "upstream connect error"),
        (500, b"", "The upstream answered 500 without a message."),
        (500, b"{}", "The upstream reported an error without a message (500)."),
        (500, b'{"error":{}}', "The upstream reported an error without a message (500)."),
        (500, b"{broken", "{broken"),
        (400, b'{"error":{"message":"caf\xff"}}', "caf\ufffd"),
    ],
)
def test_other_hosts_envelopes(status: int, body: bytes, message: str) -> None:
    problem = CODEC.problem_of(status, body)
    assert (problem.status, problem.message) == (status, message)


@pytest.mark.parametrize("page", [b"<!DOCTYPE html><html><body>Ray ID 7</body></html>", b"\n<html><head>"])
def test_pages_are_never_forwarded(page: bytes) -> None:
    problem = CODEC.problem_of(502, page)
    assert problem.message == "The upstream answered 502 with an HTML page."


def test_long_messages_are_cut() -> None:
    assert len(CODEC.problem_of(400, dumps({"error": {"message": "x" * 9000}})).message) == 2000
    assert len(CODEC.problem_of(400, b"y" * 9000).message) == 500


@pytest.mark.parametrize(
    "secret",
    ["sk-proj-abcdefghijklmnop", "sk-ant-api03-abcdefghijk", "gsk_abcdefghijklmnop", "Bearer abcdefghijkl"],
)
def test_credentials_do_not_travel_in_messages(secret: str) -> None:
    problem = CODEC.problem_of(401, dumps({"error": {"message": f"Incorrect API key provided: {secret}."}}))
    assert secret not in problem.message
    assert "Incorrect API key provided" in problem.message


@pytest.mark.parametrize(
    ("error", "status"),
    [
        ({"code": 429, "message": "x"}, 429),
        ({"code": "503", "message": "x"}, 503),
        ({"status": 404, "message": "x"}, 404),
        ({"type": "rate_limit_error", "message": "x"}, 429),
        ({"code": "rate_limit_exceeded", "message": "x"}, 429),
        ({"type": "invalid_request_error", "message": "x"}, 400),
        ({"type": "server_error", "message": "x"}, 500),
        ({"type": "overloaded_error", "message": "x"}, 503),
        ({"type": "server_error", "code": "overloaded", "message": "x"}, 503),
        ({"message": "x"}, 502),
    ],
)
def test_an_error_inside_a_200_has_a_status_of_its_own(error: dict[str, Any], status: int) -> None:
    assert CODEC.problem_of(200, dumps({"error": error})).status == status


@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [
        (400, "invalid_request_error", None),
        (401, "invalid_request_error", "invalid_api_key"),
        (402, "insufficient_quota", "billing_hard_limit_reached"),
        (403, "permission_error", "model_not_allowed"),
        (404, "invalid_request_error", "model_not_found"),
        (413, "invalid_request_error", "request_too_large"),
        (429, "rate_limit_error", "rate_limit_exceeded"),
        (500, "server_error", "internal_error"),
        (502, "server_error", "bad_gateway"),
        (503, "server_error", "service_unavailable"),
        (504, "server_error", "gateway_timeout"),
        (529, "server_error", "service_unavailable"),
        (418, "server_error", None),
    ],
)
def test_a_foreign_problem_is_told_by_its_status(status: int, kind: str, code: str | None) -> None:
    problem = Problem(status=status, message="m", kind="overloaded_error", origin="anthropic")
    assert loads(CODEC.render_problem(problem, "r"))["error"] == {
        "message": "m",
        "type": kind,
        "param": None,
        "code": code,
    }


def test_status_on_the_wire() -> None:
    assert CODEC.problem_status(Problem(status=529, message="")) == 503
    assert CODEC.problem_status(Problem(status=200, message="")) == 502
    assert CODEC.problem_status(Problem(status=429, message="")) == 429


def test_more_members_of_an_error_survive_for_chat_clients() -> None:
    error = {"code": 402, "message": "Credits", "metadata": {"provider_name": "x"}}
    problem = CODEC.problem_of(402, dumps({"error": error}))
    assert problem.details == {"metadata": {"provider_name": "x"}}
    assert loads(CODEC.render_problem(problem, "r"))["error"]["metadata"] == {"provider_name": "x"}
