"""Error envelopes of OpenAI and of hosts that speak its Responses dialect, to and from a `Problem`.

Three forms: the HTTP body `{"error": {…}}`, the stream's flat `error` event, and the `error` member of a
response that failed, whose codes are a closed set. Read leniently (a bare string, FastAPI's `detail`, a
one-element list, plain text, a page of markup). Nothing that looks like a credential is kept.
"""

from __future__ import annotations

import re
from typing import Any

from flowrouter.canonical.problem import Problem
from flowrouter.wire.json import JsonError, dumps, dumps_text, loads
from flowrouter.wire.members import Json, as_list, as_object, is_integer
from flowrouter.wire.sse import Frame

MESSAGE_MAX = 2000
TEXT_MAX = 500
"""Characters kept of a message, and of a plain-text body."""

_SECRET = re.compile(
    r"\b(?:sk|pk|rk|gsk|xai|key|pplx|fw|csk|flr)[-_][A-Za-z0-9_*\-.]{8,}|(?i:bearer)\s+[A-Za-z0-9_.\-]{8,}|"
    r"(?<=[?&]key=)[^&\s]+"
)

_KINDS: dict[int, tuple[str, str | None]] = {
    400: ("invalid_request_error", None),
    401: ("invalid_request_error", "invalid_api_key"),
    402: ("insufficient_quota", "billing_hard_limit_reached"),
    403: ("permission_error", "model_not_allowed"),
    404: ("invalid_request_error", "model_not_found"),
    408: ("timeout", "request_timeout"),
    409: ("invalid_request_error", "conflict"),
    413: ("invalid_request_error", "request_too_large"),
    422: ("invalid_request_error", None),
    429: ("rate_limit_error", "rate_limit_exceeded"),
    500: ("server_error", "internal_error"),
    502: ("server_error", "bad_gateway"),
    503: ("server_error", "service_unavailable"),
    504: ("server_error", "gateway_timeout"),
}

_STATUSES = {
    "invalid_request_error": 400,
    "invalid_prompt": 400,
    "bio_policy": 400,
    "context_length_exceeded": 400,
    "authentication_error": 401,
    "invalid_api_key": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "model_not_found": 404,
    "previous_response_not_found": 404,
    "timeout": 408,
    "request_too_large": 413,
    "insufficient_quota": 429,
    "usage_limit_reached": 429,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "too_many_requests": 429,
    "server_error": 500,
    "internal_error": 500,
    "api_error": 500,
    "internal_server_error": 500,
    "service_unavailable": 503,
    "overloaded": 503,
    "overloaded_error": 503,
    "server_is_overloaded": 503,
    "slow_down": 503,
}
"""Status of an error that came without one, by its code or type."""

_FAILURES = frozenset({
    "server_error", "rate_limit_exceeded", "invalid_prompt", "data_residency_mismatch", "bio_policy",
    "misalignment_policy_violation", "vector_store_timeout", "invalid_image", "invalid_image_format",
    "invalid_base64_image", "invalid_image_url", "image_too_large", "image_too_small", "image_parse_error",
    "image_content_policy_violation", "invalid_image_mode", "image_file_too_large",
    "unsupported_image_media_type", "empty_image_file", "failed_to_download_image", "image_file_not_found",
})  # fmt: skip
"""The codes a failed response may carry (openai 3.54, `ResponseError`)."""

_ACTED_ON = frozenset({"context_length_exceeded", "insufficient_quota", "usage_limit_reached", "slow_down"})
"""Further codes that clients are known to act on (Codex 0.169)."""

_MEMBERS = frozenset({"message", "type", "code", "param", "status", "sequence_number"})


def problem_of(status: int, body: bytes) -> Problem:
    """Return what an upstream's error body says; `status` is the HTTP status it came with.

    An error inside a 200 (a response that failed, say) gets the status its own code or type stands for.
    """
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
    return _plain(status, text)


def _plain(status: int, text: str) -> Problem:
    status = status if status >= 400 else 502
    start = text[:200].lower()
    if not text:
        message = f"The upstream answered {status} without a message."
    elif start.startswith(("<!doctype", "<html", "<?xml")) or "<head" in start or "<body" in start:
        message = f"The upstream answered {status} with an HTML page."
    else:
        message = _clean(text, TEXT_MAX)
    return Problem(status=status, message=message, origin="openai_responses")


def problem_of_error(whole: Json, *, status: int = 200) -> Problem:
    """Return the problem of a decoded envelope, of an `error` event or of a failed response."""
    error = whole.get("error")
    inner = as_object(error)
    if inner is None:
        inner = {name: value for name, value in whole.items() if name != "error"}
        if isinstance(error, str) and error:
            inner["message"] = error
    code, kind, param = inner.get("code"), inner.get("type"), inner.get("param")
    return Problem(
        status=_status(status, inner),
        message=_message(inner, status),
        kind=kind if isinstance(kind, str) and kind != "error" else None,
        code=code if isinstance(code, str) else None,
        param=param if isinstance(param, str) else None,
        details=_details(inner),
        origin="openai_responses",
    )


def _details(inner: Json) -> Json | None:
    """Return what else an error object says; a failed response that stands for one says nothing else."""
    if "output" in inner:
        return None
    return {name: value for name, value in inner.items() if name not in _MEMBERS} or None


def _status(status: int, inner: Json) -> int:
    if status >= 400:
        return status
    for name in ("code", "status", "status_code"):
        value = inner.get(name)
        if is_integer(value) and 400 <= value <= 599:
            return value
        if isinstance(value, str) and value.isdecimal() and 400 <= int(value) <= 599:
            return int(value)
    words = (str(inner.get(name)).lower() for name in ("code", "type"))
    return next((_STATUSES[word] for word in words if word in _STATUSES), 502)


def _message(inner: Json, status: int) -> str:
    for name in ("message", "detail", "details", "msg"):
        value: Any = inner.get(name)
        if isinstance(value, str) and value.strip():
            return _clean(value, MESSAGE_MAX)
        if isinstance(value, list | dict) and value:
            return _clean(dumps_text(value), MESSAGE_MAX)
    return f"The upstream reported an error without a message ({status})."


def _clean(text: str, limit: int) -> str:
    text = _SECRET.sub("[redacted]", text.strip())
    return text if len(text) <= limit else text[: limit - 1] + "…"


def is_error_frame(frame: Frame) -> bool:
    """Return whether clients of the vendor take a frame for a failure (openai 3.54, Codex 0.169)."""
    if frame.bare:
        return False
    try:
        value = as_object(loads(frame.data or b""))
    except JsonError:
        return False
    return value is not None and (
        bool(value.get("error")) or value.get("type") in ("error", "response.failed")
    )


def render_problem(problem: Problem, _: str) -> bytes:
    """Return the error envelope; the request id travels in a header of this dialect."""
    return dumps({"error": error_object(problem)})


def error_object(problem: Problem) -> Json:
    """Return the `error` member: the vendor's own words where they came in this dialect."""
    kind, code = _KINDS.get(problem_status(problem), ("server_error", None))
    own = problem.origin == "openai_responses"
    error: Json = {
        "message": problem.message,
        "type": problem.kind if own and problem.kind else kind,
        "param": problem.param,
        "code": problem.code if own or problem.code else code,
    }
    if own:
        return {**(problem.details or {}), **error}
    return {**error, "details": problem.details} if problem.details else error


def failure(problem: Problem) -> Json:
    """Return the `error` member of a response that failed: code and message."""
    return {"code": _failure_code(problem), "message": problem.message}


def _failure_code(problem: Problem) -> str:
    if problem.code in _FAILURES or problem.code in _ACTED_ON:
        return problem.code
    status = problem_status(problem)
    if status == 429:
        return "rate_limit_exceeded"
    return "invalid_prompt" if status in {400, 413, 422} else "server_error"


def problem_status(problem: Problem) -> int:
    """Return the HTTP status of the envelope: Anthropic's 529 is a 503 here."""
    if problem.status == 529:
        return 503
    return problem.status if problem.status >= 400 else 502


__all__ = [
    "MESSAGE_MAX", "TEXT_MAX", "error_object", "failure", "is_error_frame", "problem_of", "problem_of_error", "problem_status", "render_problem",
]  # fmt: skip
