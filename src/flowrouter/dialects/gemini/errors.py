"""The error envelope of Google's APIs, read leniently and written exactly.

`{"error": {"code", "message", "status", "details"}}`, in streams without `alt=sse` inside a one-element
array. `details` are typed objects: the field at fault, the reason, how long to wait.
"""

from __future__ import annotations

import math
import re
from typing import Any

from flowrouter.canonical.problem import Problem
from flowrouter.wire.json import JsonError, dumps, loads
from flowrouter.wire.members import Json, as_list, as_object, is_integer
from flowrouter.wire.sse import Frame

MESSAGE_MAX = 2000
TEXT_MAX = 500
"""Characters kept of a message, and of a plain-text body."""

_TYPES = "type.googleapis.com/google.rpc."
_DOMAIN = "flow-router"

_WORDS: dict[int, str] = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    402: "FAILED_PRECONDITION",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    408: "DEADLINE_EXCEEDED",
    409: "ABORTED",
    413: "INVALID_ARGUMENT",
    422: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    502: "UNAVAILABLE",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}

_STATUSES: dict[str, int] = {
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "OUT_OF_RANGE": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "ABORTED": 409,
    "ALREADY_EXISTS": 409,
    "RESOURCE_EXHAUSTED": 429,
    "CANCELLED": 499,
    "INTERNAL": 500,
    "UNKNOWN": 500,
    "DATA_LOSS": 500,
    "UNIMPLEMENTED": 501,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}
"""Status of an error that came without one, by Google's own word."""

_CODES = {
    "API_KEY_INVALID": "invalid_api_key",
    "API_KEY_EXPIRED": "invalid_api_key",
    "BILLING_DISABLED": "billing_hard_limit_reached",
}
"""Reasons that Google hides behind a plain 400 or 403, by the codes every classifier knows."""

_TOO_LONG = re.compile(r"^The input token count .{0,60}exceeds the maximum number of tokens", re.IGNORECASE)
_STATUS = re.compile(r"[0-9]{3}")
_MARKUP = re.compile(rb"^\s*(?:<!doctype|<html|<\?xml|<head|<body|<!--)", re.IGNORECASE)
_SECRET = re.compile(
    r"\bAIza[0-9A-Za-z_-]{20,}|\bya29\.[0-9A-Za-z_.-]{8,}|\bAQ\.[0-9A-Za-z_-]{20,}|(?<=[?&]key=)[^&\s\"']+"
    r"|\bflr[-_][A-Za-z0-9_-]{8,}|(?i:bearer)\s+[A-Za-z0-9_.\-]{8,}"
)


def problem_of(status: int, body: bytes) -> Problem:
    """Return what an upstream's error body says; a page of markup is never passed on.

    With a status below 400 (an error object in a good reply) the status follows the error's own code.
    """
    if _MARKUP.match(body):
        return _plain(status, f"The upstream answered {status} with an HTML page.")
    text = body.decode("utf-8", "replace").strip()
    if text[:1] in {"{", "["}:
        try:
            value = loads(body)
        except JsonError:
            value = None
        items = as_list(value)
        whole = as_object(items[0] if items else value)
        if whole is not None:
            return problem_of_error(whole, status=status)
    return _plain(status, _clean(text, TEXT_MAX) or f"The upstream answered {status} without a message.")


def problem_of_error(whole: Json, *, status: int = 200) -> Problem:
    """Return the problem of a decoded envelope, or of an error chunk inside a stream."""
    error = whole.get("error")
    inner = as_object(error)
    if inner is None:
        inner = {"message": error} if isinstance(error, str) and error else whole
    kind, details = inner.get("status"), as_list(inner.get("details"))
    message = _message(inner, status)
    return Problem(
        status=_status(status, inner),
        message=message,
        kind=kind if isinstance(kind, str) and kind else None,
        code="context_length_exceeded" if _TOO_LONG.match(message) else _reason(details or []),
        param=_field(details or []),
        details=None if details is None else {"details": details},
        origin="gemini",
        retry_after=_wait(details or []),
    )


def error_object(problem: Problem) -> Json:
    """Return the `error` member: the vendor's own words where they came in this dialect."""
    status = problem_status(problem)
    own = problem.origin == "gemini"
    kind = problem.kind if own and problem.kind else _WORDS.get(status)
    error: Json = {
        "code": status,
        "message": problem.message,
        "status": kind or ("INVALID_ARGUMENT" if status < 500 else "INTERNAL"),
    }
    details = _own_details(problem) if own else _details(problem)
    return {**error, "details": details} if details is not None else error


def render_problem(problem: Problem, _: str) -> bytes:
    """Return the error envelope; this dialect has no place for a request id."""
    return dumps({"error": error_object(problem)})


def problem_status(problem: Problem) -> int:
    """Return the HTTP status of the envelope: Anthropic's 529 is a 503 here."""
    if problem.status == 529:
        return 503
    return problem.status if problem.status >= 400 else 502


def is_error_frame(frame: Frame) -> bool:
    """Return whether all of Google's SDKs raise on a frame.

    That takes a bare object with `error` first and a number as its code: JavaScript's looks at bare JSON
    only, Python's at the first member.
    """
    if not frame.bare or frame.data is None or b'"error"' not in frame.data:
        return False
    try:
        value = as_object(loads(frame.data))
    except JsonError:
        return False
    if not value or next(iter(value)) != "error":
        return False
    return is_integer((as_object(value["error"]) or {}).get("code"))


def _plain(status: int, message: str) -> Problem:
    return Problem(status=status if status >= 400 else 502, message=message, origin="gemini")


def _status(status: int, inner: Json) -> int:
    if status >= 400:
        return status
    code = inner.get("code")
    if isinstance(code, str) and _STATUS.fullmatch(code):
        code = int(code)
    if is_integer(code) and 400 <= code <= 599:
        return code
    return _STATUSES.get(str(inner.get("status")).upper(), 502)


def _message(inner: Json, status: int) -> str:
    for name in ("message", "detail", "error_description", "msg"):
        value: Any = inner.get(name)
        if isinstance(value, str) and value.strip():
            return _clean(value, MESSAGE_MAX)
    return f"The upstream reported an error without a message ({status})."


def _clean(text: str, limit: int) -> str:
    text = _SECRET.sub("[redacted]", text.strip())
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _of_type(details: list[Any], name: str) -> Json:
    for item in details:
        detail = as_object(item)
        if detail is not None and str(detail.get("@type")).endswith(f".{name}"):
            return detail
    return {}


def _reason(details: list[Any]) -> str | None:
    reason = _of_type(details, "ErrorInfo").get("reason")
    return _CODES.get(reason, reason) if isinstance(reason, str) and reason else None


def _field(details: list[Any]) -> str | None:
    violations = as_list(_of_type(details, "BadRequest").get("fieldViolations")) or [None]
    field = (as_object(violations[0]) or {}).get("field")
    return field if isinstance(field, str) and field else None


def _wait(details: list[Any]) -> float | None:
    delay = _of_type(details, "RetryInfo").get("retryDelay")
    if not isinstance(delay, str):
        return None
    try:
        seconds = float(delay.removesuffix("s"))
    except ValueError:
        return None
    return max(0.0, seconds) if math.isfinite(seconds) else None


def _own_details(problem: Problem) -> list[Any] | None:
    return as_list((problem.details or {}).get("details"))


def _details(problem: Problem) -> list[Json] | None:
    """Return what else a problem of ours or of another dialect says, in Google's typed objects."""
    details: list[Json] = []
    if problem.param:
        violation = {"field": problem.param, "description": problem.message}
        details.append({"@type": f"{_TYPES}BadRequest", "fieldViolations": [violation]})
    if problem.code:
        details.append({"@type": f"{_TYPES}ErrorInfo", "reason": problem.code, "domain": _DOMAIN})
    if problem.retry_after is not None:
        details.append({"@type": f"{_TYPES}RetryInfo", "retryDelay": f"{problem.retry_after:g}s"})
    return details or None


__all__ = [
    "error_object",
    "is_error_frame",
    "problem_of",
    "problem_of_error",
    "problem_status",
    "render_problem",
]
