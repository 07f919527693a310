"""How an answer ended: status and reason of Responses, and the closed set of the hub."""

from __future__ import annotations

from typing import Literal

from flowrouter.canonical.response import FinishReason
from flowrouter.wire.members import Json, as_object

Status = Literal["completed", "incomplete", "failed"]

MALFORMED = "The model wrote a tool call that could not be read."
"""The message of an answer that failed so; where it comes back, it is an answer with that finish."""

_INCOMPLETE: dict[str, FinishReason] = {
    "max_output_tokens": "length",
    "max_tokens": "length",
    "content_filter": "content_filter",
}

_REASONS: dict[FinishReason, str] = {
    "length": "max_output_tokens",
    "context_full": "max_output_tokens",
    "content_filter": "content_filter",
}


def raw_finish(response: Json) -> str:
    """Return the vendor's own word: the reason of an incomplete answer, else its status."""
    details = as_object(response.get("incomplete_details")) or {}
    status, reason = response.get("status"), details.get("reason")
    if status != "completed" and isinstance(reason, str) and reason:
        return reason
    return status if isinstance(status, str) else "completed"


def meaning(response: Json, *, called: bool, refused: bool) -> FinishReason:
    """Return why an answer with these calls or refusals in it ended; truncation and filters beat calls."""
    status = response.get("status")
    if status in (None, "completed"):
        if called:
            return "tool_calls"
        return "refusal" if refused else "stop"
    if is_malformed_call(response):
        return "malformed_call"
    return _INCOMPLETE.get(raw_finish(response), "other")


def is_malformed_call(response: Json) -> bool:
    """Return whether a failed answer is one that this gateway wrote for a malformed call."""
    error = as_object(response.get("error")) or {}
    return response.get("status") == "failed" and error.get("message") == MALFORMED


def ending(reason: FinishReason, *, refused: bool) -> tuple[Status, Json | None, Json | None]:
    """Return status, `incomplete_details` and `error` of an answer that ended so.

    `refused` says that it carries a refusal in words; a refusal without any is a filter's.
    """
    if reason == "refusal" and not refused:
        reason = "content_filter"
    if reason == "malformed_call":
        return "failed", None, {"code": "server_error", "message": MALFORMED}
    if reason in _REASONS:
        return "incomplete", {"reason": _REASONS[reason]}, None
    return "completed", None, None


__all__ = ["MALFORMED", "Status", "ending", "is_malformed_call", "meaning", "raw_finish"]
