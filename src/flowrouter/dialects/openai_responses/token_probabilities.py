"""Token probabilities of Chat and its hosts in the form this dialect requires."""

from __future__ import annotations

from typing import Any

from flowrouter.wire.members import Json, as_list, as_object


def probabilities(entries: list[Any]) -> list[Json]:
    """Return the entries with the bytes and alternatives that hosts leave out: bytes are the token's own."""
    return [_entry(entry, alternatives=True) for value in entries if (entry := as_object(value)) is not None]


def _entry(entry: Json, *, alternatives: bool) -> Json:
    written = dict(entry)
    token = entry.get("token")
    if as_list(entry.get("bytes")) is None:
        written["bytes"] = list(token.encode("utf-8", "replace")) if isinstance(token, str) else []
    if alternatives:
        found = as_list(entry.get("top_logprobs")) or []
        written["top_logprobs"] = [
            _entry(other, alternatives=False) for value in found if (other := as_object(value)) is not None
        ]
    return written


__all__ = ["probabilities"]
