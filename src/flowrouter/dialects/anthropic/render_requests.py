"""Canonical requests to bodies: faithful for requests of this dialect, repaired for all others."""

from __future__ import annotations

from typing import Any

import msgspec

from flowrouter.canonical.capabilities import Capabilities
from flowrouter.canonical.losses import Losses
from flowrouter.canonical.messages import Message
from flowrouter.canonical.parts import Part, Reasoning, Text
from flowrouter.canonical.rendered import Rendered
from flowrouter.canonical.request import Request
from flowrouter.canonical.tools import FunctionTool, HostedTool, Tool
from flowrouter.dialects.anthropic.citations import vendors_own
from flowrouter.dialects.anthropic.conversation import place_reminders, thinks_in_open_loop
from flowrouter.dialects.anthropic.render_foreign import render_foreign
from flowrouter.dialects.anthropic.render_parts import render_cache, render_content
from flowrouter.dialects.anthropic.screen import is_native
from flowrouter.dialects.anthropic.thinking import Planner
from flowrouter.errors import CallerError
from flowrouter.wire.json import dumps

_CHOICES = {"auto": "auto", "required": "any", "tool": "tool", "none": "none"}


def render_request(request: Request, model: str, capabilities: Capabilities) -> Rendered:
    """Return the body for a target; raises `CallerError` for what must not be dropped."""
    if request.origin == "anthropic":
        return _render_own(request, model, capabilities)
    try:
        return render_foreign(request, model, capabilities)
    except RecursionError:
        raise CallerError("the request is nested too deeply") from None


def _render_own(request: Request, model: str, capabilities: Capabilities) -> Rendered:
    losses = Losses(request, target="anthropic", capabilities=capabilities)
    body: dict[str, Any] = {"model": model}
    if request.max_tokens is not None:
        body["max_tokens"] = request.max_tokens
    if request.system_shape != "absent":
        body["system"] = render_content(request.system, request.system_shape, own=True)
    body["messages"] = _messages(request, capabilities, losses)
    if request.tools or "tools" in request.shapes:
        body["tools"] = [_tool(tool) for tool in request.tools]
    _add_choice(body, request)
    _add_sampling(body, request)
    _add_reasoning(body, request, capabilities=capabilities, losses=losses)
    _drop_manual_thinking(body, losses)
    _add_labels(body, request)
    if request.stream or "stream" in request.shapes:
        body["stream"] = request.stream
    rest = {name: value for name, value in request.extra.items() if name not in body}
    return Rendered(body=dumps({**body, **rest}), losses=losses.all())


def _messages(request: Request, capabilities: Capabilities, losses: Losses) -> list[dict[str, Any]]:
    messages: list[Message] = []
    for message in request.messages:
        kept = _keep_native(message, capabilities=capabilities, losses=losses)
        if kept.parts or not message.parts:
            messages.append(kept)
    if capabilities.mid_system is False and any(message.role == "system" for message in messages):
        losses.emulate("messages[*]", "a system message became a marked text of the user's turn")
        messages = place_reminders(messages)
    return [_message(message) for message in messages]


def _message(message: Message) -> dict[str, Any]:
    wire: dict[str, Any] = {"role": message.role}
    if message.shape != "absent":
        wire["content"] = render_content(message.parts, message.shape, own=True)
    return {**wire, **message.extra}


def _keep_native(message: Message, *, capabilities: Capabilities, losses: Losses) -> Message:
    """Leave out what the vendor did not issue: it would refuse the whole request for it."""
    kept: list[Part] = []
    for part in message.parts:
        match part:
            case Reasoning() if not _may_return(part, capabilities):
                losses.drop(losses.path(part), "reasoning that this model did not sign")
            case Text(citations=citations) if len(cited := vendors_own(citations)) < len(citations):
                losses.drop(f"{losses.path(part)}.citations", "citations that another vendor gave")
                kept.append(msgspec.structs.replace(part, citations=tuple(cited)))
            case _:
                kept.append(part)
    return msgspec.structs.replace(message, parts=tuple(kept))


def _may_return(part: Reasoning, capabilities: Capabilities) -> bool:
    unsigned = not part.signature and part.sealed is None
    return is_native(part, capabilities, trusted=True) or (
        unsigned and capabilities.reasoning_echo != "never"
    )


def _tool(tool: Tool) -> dict[str, Any]:
    match tool:
        case HostedTool():
            return tool.config
        case FunctionTool():
            wire: dict[str, Any] = {"name": tool.name}
            if tool.description is not None:
                wire["description"] = tool.description
            if tool.schema is not None:
                wire["input_schema"] = tool.schema
            if tool.strict is not None:
                wire["strict"] = tool.strict
            if tool.cache is not None:
                wire["cache_control"] = render_cache(tool.cache, own=True)
            return {**wire, **tool.extra}
        case _:
            raise CallerError(f"tools: no form for a {tool.__struct_config__.tag} tool", param="tools")


def _add_choice(body: dict[str, Any], request: Request) -> None:
    choice = request.tool_choice
    if choice is None or choice.mode not in _CHOICES:
        return
    wire: dict[str, Any] = {"type": _CHOICES[choice.mode]}
    if choice.name is not None:
        wire["name"] = choice.name
    if request.parallel_tools is not None:
        wire["disable_parallel_tool_use"] = not request.parallel_tools
    body["tool_choice"] = {**wire, **choice.extra}


def _add_sampling(body: dict[str, Any], request: Request) -> None:
    sampling = request.sampling
    values = {"temperature": sampling.temperature, "top_p": sampling.top_p, "top_k": sampling.top_k}
    body.update((name, value) for name, value in values.items() if value is not None)
    if request.stop or "stop_sequences" in request.shapes:
        body["stop_sequences"] = list(request.stop)


def _add_reasoning(
    body: dict[str, Any], request: Request, *, capabilities: Capabilities, losses: Losses
) -> None:
    """Write thinking, effort and format; a control that a stage put in is planned like a foreign one."""
    control = request.reasoning
    effort = control.effort if control is not None else None
    if control is not None and "type" in control.raw:
        body["thinking"] = control.raw
    elif control is not None and not control.raw:
        planner = Planner(control, request.max_tokens, capabilities=capabilities, losses=losses)
        plan = planner.plan(obstacle=None, unanswered=False)
        body["max_tokens"] = plan.max_tokens
        effort = plan.effort
        if plan.thinking is not None:
            body["thinking"] = plan.thinking
    config: dict[str, Any] = {} if effort is None else {"effort": effort}
    if request.output is not None and request.output.kind == "schema":
        wire = {"type": "json_schema", "schema": request.output.schema, **request.output.extra}
        if "output_format" in request.shapes:
            body["output_format"] = wire
        else:
            config["format"] = wire
    kept = request.extra.get("output_config")
    if isinstance(kept, dict):
        config.update(kept)  # pyright: ignore[reportUnknownArgumentType]
    if config or isinstance(kept, dict):
        body["output_config"] = config


def _drop_manual_thinking(body: dict[str, Any], losses: Losses) -> None:
    """Switch manual thinking off where the loop lost the blocks that it needs to begin with."""
    if not losses.rows or body.get("thinking", {}).get("type") != "enabled":
        return
    if not thinks_in_open_loop(body["messages"]):
        del body["thinking"]
        losses.drop("thinking", "the tool turn being answered has no thinking block")


def _add_labels(body: dict[str, Any], request: Request) -> None:
    labels = dict(request.metadata or {})
    if request.user is not None:
        labels = {"user_id": request.user, **labels}
    if labels:
        body["metadata"] = labels
    if request.service_tier is not None:
        body["service_tier"] = request.service_tier
    if request.cache is not None:
        body["cache_control"] = render_cache(request.cache, own=True)


__all__ = ["render_request"]
