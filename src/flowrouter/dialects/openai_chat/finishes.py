"""Why an answer ended: the words of Chat and its hosts, and the closed set of the hub."""

from __future__ import annotations

from flowrouter.canonical.response import FinishReason

_MEANINGS: dict[str, FinishReason] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
    # Words of other hosts.
    "eos": "stop",
    "end_turn": "stop",
    "stop_sequence": "stop_sequence",
    "max_tokens": "length",
    "model_length": "length",
    "tool_use": "tool_calls",
    "safety": "content_filter",
    "sensitive": "content_filter",
    "refusal": "refusal",
}

_WORDS: dict[FinishReason, str] = {
    "stop": "stop",
    "stop_sequence": "stop",
    "tool_calls": "tool_calls",
    "length": "length",
    "context_full": "length",
    "content_filter": "content_filter",
    "refusal": "content_filter",
    "paused": "stop",
    "malformed_call": "stop",
    "other": "stop",
}


def meaning(raw: str | None, *, called: bool, refused: bool) -> FinishReason:
    """Return what `raw` means of an answer that made calls or refused.

    Truncation and filters beat calls; a call counts as the end even where the host says `stop`
    (many do), and `tool_calls` without any call is a plain stop.
    """
    reason = "stop" if raw is None else _MEANINGS.get(raw.lower(), "other")
    if reason in {"stop", "tool_calls"}:
        if called:
            return "tool_calls"
        return "refusal" if refused else "stop"
    return reason


END_OF_WORDS: dict[str | None, FinishReason] = {
    raw: "stop" if reason == "tool_calls" else reason for raw, reason in _MEANINGS.items()
}
"""What a known word, as it is usually written, means of an answer that neither called a tool nor refused."""

WORDS_ALONE: dict[FinishReason, str] = {**_WORDS, "tool_calls": "stop"}
"""Chat's words for the end of an answer that neither called a tool nor refused."""


def word(reason: FinishReason, *, called: bool, refused: bool, legacy: bool = False) -> str:
    """Return Chat's word for `reason`; `refused` says that the answer carries a refusal text."""
    if reason == "refusal" and refused:
        return "stop"
    chosen = _WORDS[reason]
    if chosen in {"stop", "tool_calls"}:
        return ("function_call" if legacy else "tool_calls") if called else "stop"
    return chosen


__all__ = ["END_OF_WORDS", "WORDS_ALONE", "meaning", "word"]
