"""Requests of nothing but words as a Chat body, where the target takes them as they are: nothing is lost then."""

from __future__ import annotations

from operator import attrgetter, methodcaller
from typing import Any

from flowrouter.canonical.capabilities import Capabilities
from flowrouter.canonical.messages import Words, only_text
from flowrouter.canonical.request import Request, bare_words
from flowrouter.dialects.openai_chat.foreign_parts import BILLING_MARK
from flowrouter.dialects.openai_chat.members import own_stream_options
from flowrouter.wire.members import Json

STOP_MAX = 4
"""Stop sequences the vendor takes."""

_role = attrgetter("role")
_is_billing = methodcaller("startswith", BILLING_MARK)
_KEPT, _KEPT_IN_SILENCE = frozenset({"user"}), frozenset({"user", "assistant"})
_HEARD = frozenset({"temperature", "top_p", "presence_penalty", "frequency_penalty", "seed", "n"})


def words_body(request: Request, model: str, capabilities: Capabilities) -> Json | None:
    """Return the body of a request that stays as it is, None for any other; it says what the long way would."""
    if bare_words(request) is None or (messages := words_of(request, capabilities)) is None:
        return None
    body: Json = {"model": model, "messages": messages}
    return body if _put_rest(body, request, capabilities) else None


def words_of(request: Request, capabilities: Capabilities) -> list[Any] | None:
    """Return the messages of a conversation of nothing but words that stays as it is, None for any other."""
    messages, system = request.messages, request.system
    if type(messages) is not Words:
        return None
    said = messages.said
    kept = _KEPT_IN_SILENCE if capabilities.reasoning_echo == "never" else _KEPT
    if not kept.issuperset(map(_role, said)) or any(map(_is_billing, messages.texts)):
        return None
    if capabilities.needs_user_last and said[-1].role != "user":
        return None
    if system:
        role, words = capabilities.system_role, only_text(system)
        if role == "user" or not words or _is_billing(words):
            return None
        return [{"role": role, "content": words}, *said]
    return list(said)


def _put_rest(body: Json, request: Request, capabilities: Capabilities) -> bool:
    """Write what stands beside the words; return whether the target takes all of it as it is."""
    given, limit, stop = request.sampling.given, request.max_tokens, request.stop
    if given:
        if not _HEARD.issuperset(given) or not capabilities.rejects.isdisjoint(given):
            return False
        body |= given
    if limit is not None:
        if not 1 <= limit <= (capabilities.max_output or limit):
            return False
        body[capabilities.max_tokens_field] = limit
    if stop:
        if len(stop) > STOP_MAX or "stop" in capabilities.rejects:
            return False
        body["stop"] = list(stop)
    if request.stream:
        body["stream"] = True
        own_stream_options(body, capabilities)
    return True


__all__ = ["STOP_MAX", "words_body", "words_of"]
