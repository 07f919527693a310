"""Requests of nothing but words as a body of this dialect, where it takes them as they are: nothing is lost then."""

from __future__ import annotations

from operator import attrgetter
from typing import Any

from flowrouter.canonical.capabilities import Capabilities
from flowrouter.canonical.messages import only_text
from flowrouter.canonical.request import Request, bare_words
from flowrouter.dialects.anthropic.thinking import DEFAULT_MAX_TOKENS

HEARD = frozenset({"temperature", "top_p", "top_k"})
"""What of `Sampling` has a counterpart here."""

_content = attrgetter("content")


def words_body(request: Request, model: str, capabilities: Capabilities) -> dict[str, Any] | None:
    """Return the body of a request that stays as it is, None for any other; it says what the long way would."""
    messages, asked, most = bare_words(request), request.max_tokens, capabilities.max_output
    if messages is None:
        return None
    said, first = messages.said, messages.leading
    if first is None or any(map(str.isspace, messages.texts)):
        return None
    if asked is None:
        asked = most or DEFAULT_MAX_TOKENS
    elif most is not None and asked > most:
        return None
    body: dict[str, Any] = {"model": model, "max_tokens": asked}
    system = list(map(_content, said[:first]))
    if request.system:
        system.insert(0, only_text(request.system))
        if not system[0].strip():
            return None
    if system:
        body["system"] = [{"type": "text", "text": text} for text in system]
    body["messages"] = [
        {"role": one.role, "content": [{"type": "text", "text": one.content}]} for one in said[first:]
    ]
    return body if _put_rest(body, request, capabilities) else None


def _put_rest(body: dict[str, Any], request: Request, capabilities: Capabilities) -> bool:
    """Write what stands beside the words; return whether the target takes all of it as it is."""
    given, stop, refused = request.sampling.given, request.stop, capabilities.rejects
    if given:
        if not HEARD.issuperset(given) or not refused.isdisjoint(given) or given.get("temperature", 1) > 1:
            return False
        body |= given
    if stop:
        if "stop_sequences" in refused or not all(map(str.strip, stop)):
            return False
        body["stop_sequences"] = list(stop)
    if request.stream:
        body["stream"] = True
    return True


__all__ = ["HEARD", "words_body"]
