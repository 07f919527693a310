"""The error envelope, read leniently and written exactly."""

from __future__ import annotations

import re
from typing import Any, cast

from flowrouter.canonical.problem import Problem
from flowrouter.wire.json import JsonError, dumps, loads
from flowrouter.wire.members import Json

_KINDS: dict[int, str] = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    409: "conflict_error",
    413: "request_too_large",
    422: "invalid_request_error",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
    529: "overloaded_error",
}

_STATUSES: dict[str, int] = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "conflict_error": 409,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}

_LONGEST_TEXT = 500
_MARKUP = re.compile(rb"^\s*(?:<!doctype|<html|<\?xml|<head|<body|<!--)", re.IGNORECASE)


def problem_of(status: int, body: bytes) -> Problem:
    """Return what an upstream's error body says; a page of markup is never passed on.

    With a status below 400 (an error object in a good reply) the status follows the error's kind.
    """
    if _MARKUP.match(body):
        return Problem(
            status=_failing(status, None),
            message=f"the upstream answered HTTP {status} with a web page",
            origin="anthropic",
        )
    try:
        value = loads(body)
    except JsonError:
        value = body.decode("utf-8", "replace")
    return problem_from(status, value)


def problem_from(status: int, value: object) -> Problem:
    """Return the problem a decoded error value tells, in this dialect's form or a common other."""
    error = _error(value)
    kind = _string(error.get("type"))
    details = error.get("details")
    return Problem(
        status=_failing(status, kind),
        message=_message(error, status),
        kind=kind if kind != "error" else None,
        code=_code(error.get("code")),
        param=_string(error.get("param")),
        details=cast("dict[str, Any]", details) if isinstance(details, dict) else None,
        origin="anthropic",
    )


def _error(value: object) -> dict[str, Any]:
    """Return the object that holds message and type, wherever a host puts it."""
    if not isinstance(value, dict):
        return {"message": value}
    whole = cast("dict[str, Any]", value)
    inner = whole.get("error")
    if isinstance(inner, dict):
        return cast("dict[str, Any]", inner)
    if isinstance(inner, str):
        return {**whole, "message": inner}
    refusal = whole.get("base_resp")
    if isinstance(refusal, dict):
        return {"message": cast("dict[str, Any]", refusal).get("status_msg")}
    return whole


def is_error(value: object) -> bool:
    """Return whether a decoded body is an error object rather than an answer."""
    if not isinstance(value, dict):
        return False
    body: Json = value  # pyright: ignore[reportUnknownVariableType]
    if body.get("type") == "error" or isinstance(body.get("error"), (dict, str)):
        return True
    status = body.get("base_resp")
    if not isinstance(status, dict):
        return False
    code: object = status.get("status_code")  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
    return isinstance(code, int) and code != 0


def error_object(problem: Problem) -> dict[str, Any]:
    """Return the `error` member: kind and message, and details where there are any."""
    message = problem.message
    if problem.param and problem.origin is None and not message.startswith(problem.param):
        message = f"{problem.param}: {message}"
    wire: dict[str, Any] = {"type": _kind(problem), "message": message}
    if problem.details is not None:
        wire["details"] = problem.details
    return wire


def render_problem(problem: Problem, request_id: str) -> bytes:
    """Return the envelope's bytes."""
    return dumps({"type": "error", "error": error_object(problem), "request_id": request_id})


def problem_status(problem: Problem) -> int:
    """Return the HTTP status; this dialect has all of ours, 529 included."""
    return problem.status if 400 <= problem.status <= 599 else 500


def _kind(problem: Problem) -> str:
    if problem.origin == "anthropic" and problem.kind:
        return problem.kind
    status = problem_status(problem)
    return _KINDS.get(status, "invalid_request_error" if status < 500 else "api_error")


def _failing(status: int, kind: str | None) -> int:
    return status if status >= 400 else _STATUSES.get(kind or "", 502)


def _message(error: dict[str, Any], status: int) -> str:
    for name in ("message", "detail", "error_msg", "msg"):
        text = error.get(name)
        if isinstance(text, str) and text.strip():
            text = text.strip()
            return text if len(text) <= _LONGEST_TEXT * 4 else f"{text[:_LONGEST_TEXT]}…"
    return f"the upstream answered HTTP {status} without saying why"


def _string(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _code(value: object) -> str | None:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else _string(value)


__all__ = ["error_object", "is_error", "problem_from", "problem_of", "problem_status", "render_problem"]
