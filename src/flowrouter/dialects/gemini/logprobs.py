"""Token probabilities: Gemini's two lists side by side, and the hub's list of tokens (OpenAI's form)."""

from __future__ import annotations

from typing import Any

from flowrouter.wire.members import Json, as_list, as_object


def read_logprobs(result: Json) -> Json:
    """Return a `logprobsResult` in the hub's form."""
    chosen = as_list(result.get("chosenCandidates")) or []
    tops = as_list(result.get("topCandidates")) or []
    content: list[Json] = []
    for place, item in enumerate(chosen):
        top = as_object(tops[place]) if place < len(tops) else None
        others = as_list((top or {}).get("candidates")) or []
        content.append({**_token(item), "top_logprobs": [_token(other) for other in others]})
    return {"content": content, "refusal": None}


def write_logprobs(logprobs: Json) -> Json:
    """Return the hub's probabilities as a `logprobsResult`; the alternatives only where any are told."""
    tokens = [
        as_object(item) or {} for name in ("content", "refusal") for item in as_list(logprobs.get(name)) or ()
    ]
    written: Json = {"chosenCandidates": [_candidate(token) for token in tokens]}
    tops = [as_list(token.get("top_logprobs")) or [] for token in tokens]
    if any(tops):
        written["topCandidates"] = [{"candidates": [_candidate(item) for item in top]} for top in tops]
    return written


def add_logprobs(known: Json, more: Json) -> Json:
    """Return two pieces of one `logprobsResult`, as stream chunks bring them, as one."""
    joined = dict(known)
    for name, value in more.items():
        earlier, later = as_list(known.get(name)), as_list(value)
        joined[name] = [*earlier, *later] if earlier is not None and later is not None else value
    return joined


def _token(item: Any) -> Json:
    candidate = as_object(item) or {}
    return {
        "token": candidate.get("token", ""),
        "logprob": candidate.get("logProbability", 0.0),
        "bytes": None,
    }


def _candidate(item: Any) -> Json:
    token = as_object(item) or {}
    return {"token": token.get("token", ""), "logProbability": token.get("logprob", 0.0)}


__all__ = ["add_logprobs", "read_logprobs", "write_logprobs"]
