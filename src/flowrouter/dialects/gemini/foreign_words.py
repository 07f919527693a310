"""Requests of nothing but words as a body of this dialect, where it takes them as they are: nothing is lost then."""

from __future__ import annotations

from operator import methodcaller
from typing import Any

from flowrouter.canonical.capabilities import Capabilities
from flowrouter.canonical.messages import only_text
from flowrouter.canonical.request import Request, bare_words
from flowrouter.dialects.gemini.screen import BILLING_MARK

STOP_MAX = 5
"""Stop sequences the vendor takes."""

_ROLES = {"user": "user", "assistant": "model"}
_is_billing = methodcaller("startswith", BILLING_MARK)


def words_body(request: Request, capabilities: Capabilities) -> dict[str, Any] | None:
    """Return the body of a request that stays as it is, None for any other; it says what the long way would."""
    messages, system = bare_words(request), request.system
    if messages is None or capabilities.rejects:
        return None
    said, first = messages.said, messages.leading
    if first is None or any(map(_is_billing, messages.texts)):
        return None
    if (config := _config(request, capabilities)) is None:
        return None
    heads = [{"text": one.content} for one in said[:first]]
    if system:
        words = only_text(system)
        if not words or _is_billing(words):
            return None
        heads = [{"text": words}, *heads]
    body: dict[str, Any] = {"systemInstruction": {"parts": heads}} if heads else {}
    body["contents"] = [{"role": _ROLES[one.role], "parts": [{"text": one.content}]} for one in said[first:]]
    if config:
        body["generationConfig"] = config
    return body


def _config(request: Request, capabilities: Capabilities) -> dict[str, Any] | None:
    """Return the settings, None where one of them would be another there."""
    given, limit, stop = request.sampling.given, request.max_tokens, request.stop
    config: dict[str, Any] = {}
    if (heat := given.pop("temperature", None)) is not None:
        if heat > 2:
            return None
        config["temperature"] = heat
    if (top_p := given.pop("top_p", None)) is not None:
        config["topP"] = top_p
    if limit is not None:
        if not 1 <= limit <= (capabilities.max_output or limit):
            return None
        config["maxOutputTokens"] = limit
    if stop:
        config["stopSequences"] = list(stop)
    return None if given or len(stop) > STOP_MAX or not all(stop) else config


__all__ = ["STOP_MAX", "words_body"]
