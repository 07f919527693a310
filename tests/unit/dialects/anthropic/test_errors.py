"""Error envelopes, read and written."""

import json

import pytest

from flowrouter.canonical.problem import Problem
from flowrouter.dialects.anthropic import CODEC


def read(status: int, body) -> Problem:
    return CODEC.problem_of(status, body if isinstance(body, bytes) else json.dumps(body).encode())


def test_the_vendors_own_envelope_comes_back_as_it_was():
    error = {"type": "overloaded_error", "message": "Overloaded", "details": {"error_code": "x"}}
    problem = read(529, {"type": "error", "error": error, "request_id": "req_1"})
    assert (problem.status, problem.kind, problem.details) == (529, "overloaded_error", {"error_code": "x"})
    assert CODEC.problem_status(problem) == 529
    assert json.loads(CODEC.render_problem(problem, "req_2")) == {
        "type": "error",
        "error": error,
        "request_id": "req_2",
    }


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"error": {"message": "bad", "type": "server_error", "code": "oops", "param": "n"}}, "bad"),
        ({"error": "plain"}, "plain"),
        ({"message": "bare"}, "bare"),
        ({"detail": "fastapi"}, "fastapi"),
        (b"upstream connect error", "upstream connect error"),
        ({"detail": [{"loc": ["body"]}]}, "the upstream answered HTTP 500 without saying why"),
        (b"", "the upstream answered HTTP 500 without saying why"),
        (b"[]", "the upstream answered HTTP 500 without saying why"),
        (b"null", "the upstream answered HTTP 500 without saying why"),
    ],
)
def test_other_forms_are_understood(body, message):
    assert (read(500, body).status, read(500, body).message) == (500, message)


def test_an_openai_envelope_keeps_code_and_param():
    problem = read(400, {"error": {"message": "m", "type": "t", "code": 1310, "param": "p"}})
    assert (problem.kind, problem.code, problem.param) == ("t", "1310", "p")


@pytest.mark.parametrize(
    "page", [b"<!DOCTYPE html><html>secret</html>", b"  <html>", b"<?xml version='1.0'?>"]
)
def test_pages_are_classified_by_status_and_never_passed_on(page):
    problem = read(502, page)
    assert problem.status == 502
    assert "<" not in problem.message
    assert "secret" not in problem.message


def test_long_texts_are_cut():
    assert len(read(500, b"x" * 10_000).message) <= 501


@pytest.mark.parametrize(
    ("error", "status"),
    [
        ({"type": "error", "error": {"type": "rate_limit_error", "message": "m"}}, 429),
        ({"type": "error", "error": {"type": "something_new", "message": "m"}}, 502),
        ({"base_resp": {"status_code": 1008, "status_msg": "insufficient balance"}}, 502),
    ],
)
def test_an_error_in_a_good_reply_takes_the_status_of_its_kind(error, status):
    assert read(200, error).status == status


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "invalid_request_error"), (401, "authentication_error"), (402, "billing_error"),
        (403, "permission_error"), (404, "not_found_error"), (408, "timeout_error"), (409, "conflict_error"),
        (413, "request_too_large"), (418, "invalid_request_error"), (422, "invalid_request_error"),
        (429, "rate_limit_error"), (500, "api_error"), (502, "api_error"), (503, "overloaded_error"),
        (504, "timeout_error"), (529, "overloaded_error"),
    ],
)  # fmt: skip
def test_kinds_follow_the_status(status, kind):
    foreign = Problem(status=status, message="m", kind="server_error", origin="openai_chat")
    assert json.loads(CODEC.render_problem(foreign, "r"))["error"]["type"] == kind
    assert CODEC.problem_status(foreign) == status


def test_a_status_that_is_no_failure_never_leaves():
    assert CODEC.problem_status(Problem(status=200, message="m")) == 500


def test_our_own_errors_name_the_field_in_the_message():
    said = json.loads(CODEC.render_problem(Problem(status=400, message="too many", param="n"), "r"))
    assert said["error"]["message"] == "n: too many"
    said = json.loads(CODEC.render_problem(Problem(status=400, message="n: too many", param="n"), "r"))
    assert said["error"]["message"] == "n: too many"
