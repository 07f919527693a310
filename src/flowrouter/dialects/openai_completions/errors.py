"""OpenAI's error envelope, as the clients of this dialect read it."""

from __future__ import annotations

from typing import Any

from flowrouter.canonical.problem import Problem
from flowrouter.wire.json import dumps

_KINDS: dict[int, tuple[str, str | None]] = {
    400: ("invalid_request_error", None),
    401: ("invalid_request_error", "invalid_api_key"),
    402: ("insufficient_quota", "billing_hard_limit_reached"),
    403: ("permission_error", "model_not_allowed"),
    404: ("invalid_request_error", "model_not_found"),
    408: ("timeout", "request_timeout"),
    413: ("invalid_request_error", "request_too_large"),
    422: ("invalid_request_error", None),
    429: ("rate_limit_error", "rate_limit_exceeded"),
    500: ("server_error", "internal_error"),
    502: ("server_error", "bad_gateway"),
    503: ("server_error", "service_unavailable"),
    504: ("server_error", "gateway_timeout"),
}


def render_problem(problem: Problem, _: str) -> bytes:
    """Return the error envelope; the request id travels in a header of this dialect."""
    return dumps({"error": error_object(problem)})


def error_object(problem: Problem) -> dict[str, Any]:
    """Return the `error` member."""
    status = problem_status(problem)
    usual = ("invalid_request_error", None) if status < 500 else ("server_error", None)
    kind, code = _KINDS.get(status, usual)
    error: dict[str, Any] = {
        "message": problem.message,
        "type": kind,
        "param": problem.param,
        "code": problem.code or code,
    }
    return {**error, "details": problem.details} if problem.details else error


def problem_status(problem: Problem) -> int:
    """Return the HTTP status of the envelope: Anthropic's 529 is a 503 here."""
    if problem.status == 529:
        return 503
    return problem.status if problem.status >= 400 else 502


__all__ = ["error_object", "problem_status", "render_problem"]
