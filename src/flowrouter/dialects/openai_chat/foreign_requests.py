"""A request of another dialect as a Chat body, guided by what the target can take."""

from __future__ import annotations

from operator import attrgetter

from flowrouter.canonical.capabilities import Capabilities
from flowrouter.canonical.leftovers import leave_behind
from flowrouter.canonical.rendered import Rendered
from flowrouter.canonical.request import Request
from flowrouter.dialects.openai_chat.foreign_messages import translate_messages
from flowrouter.dialects.openai_chat.foreign_tools import put_output, put_tools, reply_edits
from flowrouter.dialects.openai_chat.foreign_words import STOP_MAX, words_body
from flowrouter.dialects.openai_chat.members import own_stream_options
from flowrouter.dialects.openai_chat.reasoning_control import put_reasoning_control
from flowrouter.dialects.openai_chat.translation import Translation
from flowrouter.errors import CallerError
from flowrouter.wire.json import dumps
from flowrouter.wire.members import Json


def translate(request: Request, model: str, capabilities: Capabilities) -> Rendered:
    """Return the Chat body for `request`; raises `CallerError` for what must not be dropped."""
    if (plain := words_body(request, model, capabilities)) is not None:
        return Rendered(body=dumps(plain))
    context = Translation(request, capabilities)
    tail = _shared(context) if request.origin == "openai_responses" else {}
    if request.extra or request.reasoning is not None:
        leave_behind(request, context.losses, taken=tail)
    hint = None if request.output is None else put_output(tail, request.output, context)
    body: Json = {"model": model, "messages": translate_messages(context, hint=hint)}
    if not body["messages"]:
        path = context.losses.name("messages")
        raise CallerError(f"{path} must hold something to answer.", param=path, code="invalid_value")
    if request.tools or request.tool_choice is not None:
        put_tools(body, context)
    if tail:
        body |= tail
    _put_sampling(body, context)
    _put_limits(body, context)
    if request.reasoning is not None:
        put_reasoning_control(body, request.reasoning, context)
    if not capabilities.sampling_with_thinking:
        _drop_sampling_while_reasoning(body, context)
    if _of_identity(request) != _UNIDENTIFIED:
        _put_identity(body, context)
    if request.stream:
        body["stream"] = True
        own_stream_options(body, capabilities)
    return Rendered(
        body=dumps(body), losses=context.losses.all(), edits=reply_edits(context, bare=hint is not None)
    )


_SHARED = (
    "safety_identifier", "store", "prompt_cache_retention", "prompt_cache_options", "moderation",
)  # fmt: skip
"""Members that OpenAI's two dialects have in common."""


def _shared(context: Translation) -> Json:
    """Return what a Responses client says in words that Chat has too, for hosts that take them."""
    extra, known = context.request.extra, context.capabilities.extensions
    return {name: extra[name] for name in _SHARED if name in extra and name in known}


def _put_sampling(body: Json, context: Translation) -> None:
    for name, value in context.request.sampling.given.items():
        if value is False:
            continue
        if name == "top_k" and name not in context.capabilities.extensions:
            context.losses.drop(context.losses.name(name), "Chat has no such field")
        elif not context.losses.rejected(name):
            body[name] = value
            if name == "top_logprobs":
                body["logprobs"] = True


_NOT_WHILE_REASONING = (
    "temperature", "top_p", "presence_penalty", "frequency_penalty", "logprobs", "top_logprobs", "logit_bias",
)  # fmt: skip


def _drop_sampling_while_reasoning(body: Json, context: Translation) -> None:
    """Take out what models refuse while they reason (OpenAI, reasoning guide, November 2026)."""
    if body.get("reasoning_effort") in {None, "none"}:
        return
    for name in _NOT_WHILE_REASONING:
        if body.pop(name, None) is not None:
            context.losses.drop(context.losses.name(name), "the target does not take it while it reasons")


def _put_limits(body: Json, context: Translation) -> None:
    request, capabilities = context.request, context.capabilities
    if request.max_tokens is not None:
        most = capabilities.max_output or request.max_tokens
        limit = max(1, min(request.max_tokens, most))
        if limit != request.max_tokens:
            context.losses.change(
                context.losses.name("max_tokens"), f"sent as {limit}, what the target takes"
            )
        body[capabilities.max_tokens_field] = limit
    if request.stop and not context.losses.rejected("stop"):
        if len(request.stop) > STOP_MAX:
            context.losses.change(context.losses.name("stop"), f"only the first {STOP_MAX} are sent")
        body["stop"] = list(request.stop[:STOP_MAX])


_TIERS = {"standard_only": "default", "standard": "default"}
_KNOWN_TIERS = frozenset({"default", "flex", "scale", "priority", "fast"})


_of_identity = attrgetter("metadata", "user", "service_tier", "cache_key", "verbosity", "cache")
_UNIDENTIFIED = (None,) * 6


def _put_identity(body: Json, context: Translation) -> None:
    """Write who asks and how it is to be served: user, metadata, tier, cache key, verbosity."""
    request = context.request
    metadata = dict(request.metadata or {})
    from_metadata = metadata.pop("user_id", None)
    user = request.user or from_metadata
    if isinstance(user, str) and user and not context.losses.rejected("user"):
        body["user"] = user
    if metadata and "metadata" in context.capabilities.extensions:
        body["metadata"] = metadata
    elif metadata:
        context.losses.drop(context.losses.name("metadata"), f"Chat has no place for {', '.join(metadata)}")
    if request.service_tier is not None:
        _put_tier(body, request.service_tier, context)
    if request.cache_key is not None and not context.losses.rejected(
        "prompt_cache_key", path=context.losses.name("cache_key")
    ):
        body["prompt_cache_key"] = request.cache_key
    if request.verbosity is not None and not context.losses.rejected("verbosity"):
        body["verbosity"] = request.verbosity
    if request.cache is not None:
        context.losses.drop("cache_control", "Chat has no mark for the whole prompt")


def _put_tier(body: Json, asked: str, context: Translation) -> None:
    if asked == "auto":
        return
    tier = _TIERS.get(asked.lower(), asked.lower())
    if tier not in _KNOWN_TIERS:
        context.losses.drop(context.losses.name("service_tier"), f"Chat has no tier {asked!r}")
    elif not context.losses.rejected("service_tier"):
        body["service_tier"] = tier


__all__ = ["STOP_MAX", "translate"]
