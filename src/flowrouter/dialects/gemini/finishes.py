"""Why an answer ended: the words of Gemini, and the closed set of the hub.

Words after the vendor's `FinishReason` and `BlockedReason` (google-genai, November 2026). `STOP` is said
of calls too; a prompt that was refused has no candidate and so no finish, only a block reason.
"""

from __future__ import annotations

from flowrouter.canonical.response import FinishReason

_FILTERS = (
    "SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY",
    "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION", "MODEL_ARMOR",
)  # fmt: skip
_BAD_CALLS = (
    "MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS", "MALFORMED_RESPONSE",
    "MISSING_THOUGHT_SIGNATURE",
)  # fmt: skip

_MEANINGS: dict[str, FinishReason] = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    **dict.fromkeys(_FILTERS, "content_filter"),
    **dict.fromkeys(_BAD_CALLS, "malformed_call"),
}

_WORDS: dict[FinishReason, str] = {
    "stop": "STOP",
    "stop_sequence": "STOP",
    "tool_calls": "STOP",
    "length": "MAX_TOKENS",
    "context_full": "MAX_TOKENS",
    "content_filter": "SAFETY",
    "refusal": "SAFETY",
    "paused": "STOP",
    "malformed_call": "MALFORMED_FUNCTION_CALL",
    "other": "OTHER",
}


def meaning(raw: str | None, *, called: bool) -> FinishReason:
    """Return what `raw` means of an answer that made calls or none; no word at all is a plain end."""
    reason = "stop" if raw is None else _MEANINGS.get(raw, "other")
    return "tool_calls" if reason == "stop" and called else reason


def word(reason: FinishReason, *, called: bool) -> str:
    """Return Gemini's word for `reason`; an answer whose end nobody understood but which calls goes on."""
    return "STOP" if reason == "other" and called else _WORDS[reason]


__all__ = ["meaning", "word"]
