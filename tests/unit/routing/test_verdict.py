"""What failures mean: whose fault, and whether another target may be asked."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowrouter.canonical.problem import Problem
from flowrouter.routing import judge
from flowrouter.routing.verdict import CONSEQUENCES, FailureClass, network


def problem(status: int, message: str = "", **fields: Any) -> Problem:
    return Problem(status=status, message=message, **fields)


def classify(refusal: Problem) -> FailureClass:
    """Return the class that the shipped rows give."""
    return judge(refusal).failure


# The seed rules of an older gateway: text rules that cooled whatever they matched, then statuses.
SEED_TEXTS = (
    "no credentials",
    "request not allowed",
    "improperly formed request",
    "rate limit",
    "too many requests",
    "quota exceeded",
    "capacity",
    "overloaded",
)
SEED_STATUSES: dict[int, FailureClass] = {
    401: "auth",
    402: "billing",
    403: "auth",
    404: "model_missing",
    429: "rate_limit",
    500: "server",
    502: "server",
    503: "overloaded",
    504: "timeout",
}


SPOKEN: dict[str, FailureClass] = {
    "rate limit": "rate_limit",
    "too many requests": "rate_limit",
    "quota exceeded": "rate_limit",
    "capacity": "overloaded",
    "overloaded": "overloaded",
}
"""What a status that says only that something broke may say in words."""


@pytest.mark.parametrize("status", [400, 413, 422, 409, 415, 418, 451])
@pytest.mark.parametrize("text", SEED_TEXTS)
def test_text_never_makes_a_request_fault_the_providers(status: int, text: str) -> None:
    verdict = judge(problem(status, f"Bad request: the tool said '{text}', code 429"))
    assert (verdict.failure, verdict.failover, verdict.same_target) == ("request_fault", False, False)


@pytest.mark.parametrize("status, expected", SEED_STATUSES.items())
@pytest.mark.parametrize("text", ["", *SEED_TEXTS])
def test_status_rules_hold_whatever_the_text(status: int, expected: FailureClass, text: str) -> None:
    spoken = SPOKEN.get(text) if status in {500, 502} else None
    if text == "no credentials" and status >= 500:
        spoken = "auth"
    assert classify(problem(status, text)) == (spoken or expected)
    assert judge(problem(status, text)).failover


@pytest.mark.parametrize(
    "status, expected",
    [
        (408, "timeout"),
        (499, "request_fault"),
        (501, "server"),
        (520, "server"),
        (524, "server"),
        (529, "overloaded"),
        (599, "server"),
    ],
)
def test_other_statuses(status: int, expected: FailureClass) -> None:
    assert classify(problem(status)) == expected


@pytest.mark.parametrize("status", [400, 413, 422])
@pytest.mark.parametrize(
    "message",
    [
        "This model's maximum context length is 128000 tokens. However, your messages resulted in 130000 tokens.",
        "prompt is too long: 210000 tokens > 200000 maximum",
        "Your input exceeds the context window of this model. Please adjust your input and try again.",
        "input length and `max_tokens` exceed context limit: the maximum context is 8192",
    ],
)
def test_context_overflow_hides_in_request_faults(status: int, message: str) -> None:
    verdict = judge(problem(status, message))
    assert (verdict.failure, verdict.failover) == ("context_overflow", True)


@pytest.mark.parametrize(
    "message",
    [
        "The model `gpt-9` does not exist or you do not have access to it.",
        "Model Not Exist",
        "foo/bar is not a valid model ID",
        "Invalid model: mistral-huge-9",
        'model "llama3" not found, try pulling it first',
        "model: claude-9 was not found",
        "The requested model is not supported.",
        "Unknown model x",
    ],
)
def test_a_missing_model_hides_in_request_faults(message: str) -> None:
    verdict = judge(problem(400, message))
    assert (verdict.failure, verdict.failover) == ("model_missing", True)


@pytest.mark.parametrize(
    "message",
    [
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
        "Unsupported value: 'temperature' does not support 0.2 with this model. Only the default is supported.",
        "For model o3, temperature is not supported",
        "The model does not support tools",
        "tools.0.name: 'model_x' does not exist in tool_choice",
        "invalid model_kwargs",
        "messages.3: the credit balance in the tool result is too low",
        "Tool call said: your credit balance is too low",
    ],
)
def test_faults_of_the_request_that_only_sound_like_more(message: str) -> None:
    assert classify(problem(400, message)) == "request_fault"


def test_an_account_without_credit_hides_in_a_request_fault() -> None:
    message = "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing."
    assert classify(problem(400, message)) == "billing"


@pytest.mark.parametrize(
    "status, fields, expected",
    [
        (429, {"code": "insufficient_quota"}, "billing"),
        (429, {"kind": "insufficient_quota"}, "billing"),
        (429, {"code": "rate_limit_exceeded"}, "rate_limit"),
        (413, {"code": "rate_limit_exceeded"}, "rate_limit"),
        (400, {"code": "billing_hard_limit_reached"}, "billing"),
        (400, {"code": "context_length_exceeded"}, "context_overflow"),
        (400, {"code": "content_policy_violation"}, "content_filter"),
        (400, {"code": "content_filter"}, "content_filter"),
        (400, {"code": "model_not_found"}, "model_missing"),
        (400, {"code": "model_decommissioned"}, "model_missing"),
        (400, {"code": "model_not_supported"}, "model_missing"),
        (400, {"code": "invalid_api_key"}, "auth"),
        (403, {"code": "model_not_found"}, "model_missing"),
        (400, {"code": "invalid_prompt"}, "request_fault"),
        (400, {"code": "unsupported_parameter"}, "param_unsupported"),
        (400, {"code": None, "kind": "invalid_request_error"}, "request_fault"),
        (429, {"code": "whatever"}, "rate_limit"),
    ],
)
def test_codes_speak_before_statuses(status: int, fields: dict[str, Any], expected: FailureClass) -> None:
    assert classify(problem(status, **fields)) == expected


@pytest.mark.parametrize("failure", ["request_fault", "param_unsupported", "content_filter", "cancelled"])
def test_blame_on_the_request_ends_the_search(failure: FailureClass) -> None:
    follows = CONSEQUENCES[failure]
    assert (follows.failover, follows.same_target, follows.scope) == (False, False, None)


def test_every_class_has_a_row() -> None:
    assert set(CONSEQUENCES) == set(get_args(FailureClass))
    ended = {name for name, follows in CONSEQUENCES.items() if not follows.failover}
    assert ended == {"request_fault", "param_unsupported", "content_filter", "cancelled"}


@pytest.mark.parametrize(
    "kind, failure, again",
    [
        ("connect", "network", True),
        ("reset", "network", True),
        ("timeout", "timeout", False),
        ("protocol", "bad_reply", True),
        ("empty", "bad_reply", True),
        ("anything else", "network", True),
    ],
)
def test_failures_without_an_answer(kind: str, failure: FailureClass, again: bool) -> None:
    verdict = network(kind)
    assert (verdict.failure, verdict.failover, verdict.same_target) == (failure, True, again)
    assert verdict.scope == ("host" if kind == "connect" else "model")


@given(st.integers(100, 999), st.text(max_size=60), st.none() | st.text(max_size=20))
def test_any_problem_has_a_verdict(status: int, message: str, code: str | None) -> None:
    assert judge(problem(status, message, code=code)).failure in get_args(FailureClass)


@given(st.text(max_size=40), st.sampled_from(SEED_TEXTS))
def test_a_busy_provider_is_never_the_requests_fault(message: str, text: str) -> None:
    for status in (429, 500, 502, 503, 504, 529):
        assert judge(problem(status, f"{message} {text}")).failover
