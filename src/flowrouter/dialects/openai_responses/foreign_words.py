"""Requests of nothing but words as a Responses body, where the target takes them as they are: nothing is lost then."""

from __future__ import annotations

from operator import attrgetter, methodcaller

from flowrouter.canonical.capabilities import Capabilities
from flowrouter.canonical.messages import Words, only_text
from flowrouter.canonical.request import Request, bare_words
from flowrouter.dialects.openai_responses.foreign_parts import BILLING_MARK
from flowrouter.dialects.openai_responses.parse_requests import ENCRYPTED
from flowrouter.wire.members import Json

LEAST_OUTPUT = 16
"""The smallest output cap the vendor takes."""

_role = attrgetter("role")
_is_billing = methodcaller("startswith", BILLING_MARK)
_SPEAKERS = frozenset({"user", "assistant"})
_HEARD = frozenset({"temperature", "top_p"})


def words_body(request: Request, model: str, capabilities: Capabilities) -> Json | None:
    """Return the body of a request that stays as it is, None for any other; it says what the long way would."""
    messages, most = bare_words(request), capabilities.max_output
    if messages is None or request.stop or capabilities.rejects:
        return None
    given, limit = request.sampling.given, request.max_tokens
    if not _HEARD.issuperset(given) or not (limit is None or LEAST_OUTPUT <= limit <= (most or limit)):
        return None
    if messages.said[-1].role == "assistant" or any(map(_is_billing, messages.texts)):
        return None
    if (items := _items(messages, capabilities)) is None:
        return None
    body: Json = {"model": model}
    if request.system:
        words = only_text(request.system)
        if not words or _is_billing(words):
            return None
        body["instructions"] = words
    body["input"] = items
    body |= given
    if limit is not None:
        body["max_output_tokens"] = limit
    body["store"] = False
    if capabilities.thinking_style == "effort":
        body["include"] = [ENCRYPTED]
    if request.stream:
        body["stream"] = True
    return body


def _items(messages: Words, capabilities: Capabilities) -> list[Json] | None:
    """Return the items of `input`, None where the system's words may not all stand where they do."""
    role = capabilities.system_role
    if not _SPEAKERS.issuperset(map(_role, messages.said)) and (
        role == "user" or (capabilities.mid_system is False and messages.leading is None)
    ):
        return None
    roles = {"user": "user", "system": role, "developer": role}
    return [
        {"type": "message", "role": "assistant", "content": said.content}
        if said.role == "assistant"
        else {
            "type": "message",
            "role": roles[said.role],
            "content": [{"type": "input_text", "text": said.content}],
        }
        for said in messages.said
    ]


__all__ = ["LEAST_OUTPUT", "words_body"]
