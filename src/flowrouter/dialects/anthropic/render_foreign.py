"""Requests of other dialects in Anthropic's terms: every change a loss, every impossibility named."""

from __future__ import annotations

from operator import attrgetter
from typing import Any

from flowrouter.canonical.capabilities import Capabilities
from flowrouter.canonical.leftovers import leave_behind
from flowrouter.canonical.losses import Losses
from flowrouter.canonical.messages import Words, kinds, leading_system
from flowrouter.canonical.rendered import Rendered
from flowrouter.canonical.request import Request
from flowrouter.dialects.anthropic.cache_marks import limit_marks
from flowrouter.dialects.anthropic.conversation import Conversation, thinks_in_open_loop
from flowrouter.dialects.anthropic.foreign_words import HEARD, words_body
from flowrouter.dialects.anthropic.render_parts import render_cache
from flowrouter.dialects.anthropic.screen import Screen
from flowrouter.dialects.anthropic.thinking import Plan, Planner, most_tokens
from flowrouter.dialects.anthropic.tools import NOTHING, Offer, Toolbox, fitted_names
from flowrouter.errors import CallerError
from flowrouter.wire.json import dumps

_LONGEST_USER = 256
_LEAST_TOP_P = 0.95
_MID_SYSTEM_BETA = "mid-conversation-system-2026-04-07"
_TIERS = {
    "auto": "auto",
    "default": "standard_only",
    "standard": "standard_only",
    "standard_only": "standard_only",
}

_UNHEARD = ("presence_penalty", "frequency_penalty", "logit_bias", "logprobs", "top_logprobs")

_of_labels = attrgetter("user", "metadata", "verbosity", "cache_key", "cache", "service_tier")
_UNLABELLED = (None,) * 6


def render_foreign(request: Request, model: str, capabilities: Capabilities) -> Rendered:
    """Return the body; raises `CallerError` for what must not be dropped."""
    if (plain := words_body(request, model, capabilities)) is not None:
        return Rendered(body=dumps(plain))
    losses = Losses(request, target="anthropic", capabilities=capabilities)
    if request.extra or request.reasoning is not None:
        leave_behind(request, losses)
    if not request.messages:
        path = losses.name("messages")
        raise CallerError(f"{path}: at least one message is required", param=path)
    sampling = request.sampling.given
    if "n" in sampling and sampling["n"] > 1:
        losses.refuse(losses.name("n"), "Anthropic models give one answer per request")
    conversation = Conversation(capabilities, losses)
    offer = _take_in(request, capabilities, conversation=conversation, losses=losses)
    if offer.instruction is not None:
        conversation.system.append({"type": "text", "text": offer.instruction})
    plan = _plan(request, capabilities, conversation=conversation, offer=offer, losses=losses)
    if conversation.messages[-1]["role"] != "user":
        prefill = capabilities.prefill is not False and not capabilities.needs_user_last
        conversation.end_with_user(prefill=prefill and not plan.on and offer.format is None)
    body = _body(model, conversation, offer=offer, plan=plan)
    if sampling:
        _add_sampling(body, sampling, capabilities, losses=losses, plan=plan)
    if request.stop:
        _add_stop(body, request.stop, capabilities, losses=losses)
    if _of_labels(request) != _UNLABELLED:
        _add_labels(body, request, capabilities=capabilities, losses=losses)
    if request.stream:
        body["stream"] = True
    written = dumps(body)
    # Few requests have marks, and fewer need any moved: to look through the bytes is cheaper than to walk the body.
    if b'"cache_control"' in written and limit_marks(body, losses):
        written = dumps(body)
    headers = (("anthropic-beta", _MID_SYSTEM_BETA),) if conversation.mid_system else ()
    return Rendered(body=written, losses=losses.all(), edits=offer.edits, headers=headers)


def _take_in(
    request: Request, capabilities: Capabilities, *, conversation: Conversation, losses: Losses
) -> Offer:
    """Put system and messages into `conversation`; return what is offered and asked for beside them."""
    messages, system = request.messages, request.system
    names: dict[str, str] = {}
    spoken = type(messages) is Words and not system and conversation.say(messages)
    if not spoken or request.tools or request.tool_choice is not None:
        held = kinds(messages)
        names = fitted_names(request, capabilities, held)
        if not spoken:
            screen, leading = Screen(capabilities, names, losses), leading_system(messages)
            if system:
                system = screen.parts(system, role="system")
            conversation.build(system, screen.screen(messages, held, leading), leading, names=names)
    if not (names or request.tools or request.tool_choice is not None or request.output is not None):
        return NOTHING
    toolbox = Toolbox(request, capabilities, names=names, losses=losses)
    if request.tools or request.tool_choice is not None or names:
        toolbox.build(conversation.called_tools)
    if request.output is not None:
        toolbox.answer(request.output)
    return toolbox.offer()


def _plan(
    request: Request, capabilities: Capabilities, *, conversation: Conversation, offer: Offer, losses: Losses
) -> Plan:
    """Return how much may be said, and how much of it thought."""
    if request.reasoning is None:
        return Plan(max_tokens=most_tokens(request.max_tokens, capabilities, losses))
    planner = Planner(request.reasoning, request.max_tokens, capabilities=capabilities, losses=losses)
    return planner.plan(
        obstacle="a forced tool call excludes thinking" if offer.forced else None,
        unanswered=not thinks_in_open_loop(conversation.messages),
    )


def _body(model: str, conversation: Conversation, *, offer: Offer, plan: Plan) -> dict[str, Any]:
    body: dict[str, Any] = {"model": model, "max_tokens": plan.max_tokens}
    if conversation.system:
        body["system"] = conversation.system
    body["messages"] = conversation.messages
    if offer.tools:
        body["tools"] = offer.tools
    if offer.choice is not None:
        body["tool_choice"] = offer.choice
    if plan.thinking is not None:
        body["thinking"] = plan.thinking
    if plan.effort is not None or offer.format is not None:
        config = {"effort": plan.effort, "format": offer.format}
        body["output_config"] = {name: value for name, value in config.items() if value is not None}
    return body


def _add_sampling(
    body: dict[str, Any], given: dict[str, Any], capabilities: Capabilities, *, losses: Losses, plan: Plan
) -> None:
    if not HEARD.issuperset(given):
        for name in _UNHEARD:
            if given.get(name):
                losses.drop(losses.name(name), "no counterpart at Anthropic")
        if "seed" in given:
            losses.drop(losses.name("seed"), "no counterpart at Anthropic")
    for name, value in given.items():
        if name not in HEARD:
            continue
        if name in capabilities.rejects:
            losses.drop(losses.name(name), "the model refuses it")
        elif plan.thinking is not None and plan.on and not _may_stay(name, value):
            losses.drop(losses.name(name), "not while the model reasons")
        elif name == "temperature" and value > 1:
            body[name] = 1
            losses.change(losses.name(name), "the highest temperature is 1")
        else:
            body[name] = value


def _add_stop(
    body: dict[str, Any], asked: tuple[str, ...], capabilities: Capabilities, *, losses: Losses
) -> None:
    stop = [text for text in asked if text.strip()]
    if len(stop) != len(asked):
        losses.drop(losses.name("stop"), "a stop sequence needs a visible character")
    if stop and "stop_sequences" in capabilities.rejects:
        losses.drop(losses.name("stop"), "the model refuses it")
    elif stop:
        body["stop_sequences"] = stop


def _may_stay(name: str, value: float) -> bool:
    """Return whether a sampling value is allowed beside thinking."""
    return (name == "temperature" and value == 1) or (name == "top_p" and _LEAST_TOP_P <= value <= 1)


def _add_labels(
    body: dict[str, Any], request: Request, *, capabilities: Capabilities, losses: Losses
) -> None:
    if request.user:
        if len(request.user) > _LONGEST_USER:
            losses.change(losses.name("user"), f"cut to {_LONGEST_USER} characters")
        body["metadata"] = {"user_id": request.user[:_LONGEST_USER]}
    if request.metadata:
        losses.drop(losses.name("metadata"), "Anthropic keeps no labels but the user's id")
    for name in ("verbosity", "cache_key"):
        if getattr(request, name) is not None:
            losses.drop(losses.name(name), "no counterpart at Anthropic")
    if request.cache is not None:
        body["cache_control"] = render_cache(request.cache, own=False)
    tier = None if request.service_tier is None else request.service_tier.lower()
    if tier in ("priority", "fast") and "speed" in capabilities.extensions:
        body["speed"] = "fast"
    elif tier is not None and tier in _TIERS and "service_tier" not in capabilities.rejects:
        body["service_tier"] = _TIERS[tier]
    elif tier is not None:
        losses.drop(losses.name("service_tier"), f"no counterpart of {tier!r} at Anthropic")


__all__ = ["render_foreign"]
