"""Stop reasons of this dialect and the hub's finish reasons, both ways."""

from __future__ import annotations

from flowrouter.canonical.dialect import Dialect
from flowrouter.canonical.response import FinishReason

_FINISHES: dict[str, FinishReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop_sequence",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "model_context_window_exceeded": "context_full",
    "refusal": "refusal",
    "pause_turn": "paused",
}

_STOPS: dict[FinishReason, str] = {
    **{finish: stop for stop, finish in _FINISHES.items()},
    "content_filter": "refusal",
    "malformed_call": "end_turn",
    "other": "end_turn",
}

STOP_OF_WORDS: dict[FinishReason | None, str | None] = {None: None, **_STOPS, "tool_calls": "end_turn"}
"""Stop reasons of another vendor's answer that neither called a tool nor refused in words."""


def finish_of(stop_reason: str | None) -> FinishReason | None:
    """Return the finish reason of a stop reason; an unknown one is `other`."""
    return None if stop_reason is None else _FINISHES.get(stop_reason, "other")


def stop_of(
    finish: FinishReason | None, raw: str | None, *, origin: Dialect | None, called: bool, refused: bool
) -> str | None:
    """Return the stop reason for a client.

    The vendor's own word stays as long as it still says the same. `called`: a tool call was
    emitted, `refused`: the model refused in words; elsewhere both end with a plain stop.
    """
    if finish is None:
        return None
    if origin == "anthropic" and raw is not None and finish_of(raw) == finish:
        return raw
    if finish in ("stop", "other") and called:
        return "tool_use"
    if finish == "stop" and refused:
        return "refusal"
    if finish == "tool_calls" and not called:
        return "end_turn"
    return _STOPS[finish]


__all__ = ["STOP_OF_WORDS", "finish_of", "stop_of"]
