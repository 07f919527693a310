"""Requests of other dialects in Anthropic's terms: every change a loss, every impossibility named."""

from __future__ import annotations

from operator import attrgetter
from typing import Any

from flowrouter.canonical.capabilities import Capabilities
from flowrouter.canonical.leftovers import leave_behind
from flowrouter.canonical.losses import Losses
from flowrouter.canonical.messages import kinds, leading_system
from flowrouter.canonical.rendered import Rendered
from flowrouter.canonical.request import Request
from flowrouter.dialects.anthropic.cache_marks import limit_marks
from flowrouter.dialects.anthropic.conversation import Conversation, thinks_in_open_loop
from flowrouter.dialects.anthropic.render_parts import render_cache
from flowrouter.dialects.anthropic.screen import Screen
from flowrouter.dialects.anthropic.thinking import Plan, Planner
from flowrouter.dialects.anthropic.tools import Toolbox, fitted_names
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
_HEARD = ("temperature", "top_p", "top_k")
_of_unheard, _of_heard = attrgetter(*_UNHEARD), attrgetter(*_HEARD)


_of_labels = attrgetter("user", "metadata", "verbosity", "cache_key", "cache", "service_tier")
_UNLABELLED = (None,) * 6


def render_foreign(request: Request, model: str, capabilities: Capabilities) -> Rendered:
    """Return the body; raises `CallerError` for what must not be dropped."""
    losses = Losses(request, target="anthropic", capabilities=capabilities)
    leave_behind(request, losses)
    if not request.messages:
        path = losses.name("messages")
        raise CallerError(f"{path}: at least one message is required", param=path)
    if (request.sampling.n or 1) > 1:
        losses.refuse(losses.name("n"), "Anthropic models give one answer per request")
    held = kinds(request.messages)
    names = fitted_names(request, capabilities, held)
    screen = Screen(capabilities, names, losses)
    conversation = Conversation(capabilities, names, losses)
    system, leading = request.system, leading_system(request.messages)
    if system:
        system = screen.parts(system, role="system")
    conversation.build(system, screen.screen(request.messages, held, leading), leading)
    toolbox = Toolbox(request, capabilities, names=names, losses=losses)
    if request.tools or request.tool_choice is not None or names:
        toolbox.build(conversation.called_tools)
    if request.output is not None:
        toolbox.answer(request.output)
    if toolbox.instruction is not None:
        conversation.system.append({"type": "text", "text": toolbox.instruction})
    plan = Planner(request.reasoning, request.max_tokens, capabilities=capabilities, losses=losses).plan(
        obstacle="a forced tool call excludes thinking" if toolbox.forced else None,
        unanswered=request.reasoning is not None and not thinks_in_open_loop(conversation.messages),
    )
    prefill = capabilities.prefill is not False and not capabilities.needs_user_last
    conversation.end_with_user(prefill=prefill and not plan.on and toolbox.format is None)
    body = _body(model, conversation, toolbox=toolbox, plan=plan)
    _add_sampling(body, request, capabilities, losses=losses, plan=plan)
    if _of_labels(request) != _UNLABELLED:
        _add_labels(body, request, capabilities=capabilities, losses=losses)
    if request.stream:
        body["stream"] = True
    written = dumps(body)
    # Few requests have marks, and fewer need any moved: to look through the bytes is cheaper than to walk the body.
    if b'"cache_control"' in written and limit_marks(body, losses):
        written = dumps(body)
    headers = (("anthropic-beta", _MID_SYSTEM_BETA),) if conversation.mid_system else ()
    return Rendered(body=written, losses=losses.all(), edits=toolbox.edits, headers=headers)


def _body(model: str, conversation: Conversation, *, toolbox: Toolbox, plan: Plan) -> dict[str, Any]:
    body: dict[str, Any] = {"model": model, "max_tokens": plan.max_tokens}
    if conversation.system:
        body["system"] = conversation.system
    body["messages"] = conversation.messages
    if toolbox.tools:
        body["tools"] = toolbox.tools
    if toolbox.choice is not None:
        body["tool_choice"] = toolbox.choice
    if plan.thinking is not None:
        body["thinking"] = plan.thinking
    if plan.effort is not None or toolbox.format is not None:
        config = {"effort": plan.effort, "format": toolbox.format}
        body["output_config"] = {name: value for name, value in config.items() if value is not None}
    return body


def _add_sampling(
    body: dict[str, Any], request: Request, capabilities: Capabilities, *, losses: Losses, plan: Plan
) -> None:
    sampling = request.sampling
    if any(unheard := _of_unheard(sampling)):
        for name, value in zip(_UNHEARD, unheard, strict=True):
            if value:
                losses.drop(losses.name(name), "no counterpart at Anthropic")
    if sampling.seed is not None:
        losses.drop(losses.name("seed"), "no counterpart at Anthropic")
    for name, value in zip(_HEARD, _of_heard(sampling), strict=True):
        if value is None:
            continue
        if name in capabilities.rejects:
            losses.drop(losses.name(name), "the model refuses it")
        elif plan.on and not _may_stay(name, value):
            losses.drop(losses.name(name), "not while the model reasons")
        elif name == "temperature" and value > 1:
            body[name] = 1
            losses.change(losses.name(name), "the highest temperature is 1")
        else:
            body[name] = value
    if not request.stop:
        return
    stop = [text for text in request.stop if text.strip()]
    if len(stop) != len(request.stop):
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
