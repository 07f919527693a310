"""How another dialect's wish for reasoning is asked of a Chat host, by the host's thinking style."""

from __future__ import annotations

from collections.abc import Callable

from flowrouter.canonical.effort import asked_budget, asked_effort, clamp
from flowrouter.canonical.request import EFFORTS, ReasoningControl
from flowrouter.dialects.openai_chat.translation import Translation
from flowrouter.wire.members import Json


def put_reasoning_control(body: Json, control: ReasoningControl, context: Translation) -> None:
    """Write what the client asked of reasoning into `body`, in the host's own terms."""
    if control.display is not None and "reasoning" not in context.capabilities.extensions:
        path = context.losses.name("reasoning.display")
        context.losses.drop(path, "Chat has no switch for how reasoning is shown")
    style = context.capabilities.thinking_style
    if style in {"none", "think_tag"}:
        if control.mode != "off":
            context.losses.drop(
                context.losses.name("reasoning"), "the target's reasoning cannot be controlled"
            )
    elif style == "compat_field":
        _put_host_field(body, control, context)
    else:
        _put_effort(body, control, context)


def _put_effort(body: Json, control: ReasoningControl, context: Translation) -> None:
    effort = asked_effort(control)
    if effort is None:
        return
    allowed = context.capabilities.efforts
    if effort == "none" and not allowed:
        if context.capabilities.thinking_style is None:
            context.losses.drop(
                context.losses.name("reasoning"), "it is not known how the target turns reasoning off"
            )
            return
        allowed = EFFORTS[1:]
    if context.losses.rejected("reasoning_effort", path=context.losses.name("reasoning")):
        return
    fitting = clamp(effort, allowed) if allowed else effort
    if fitting != effort or control.mode == "budget":
        context.losses.change(context.losses.name("reasoning"), f"sent as reasoning_effort {fitting!r}")
    body["reasoning_effort"] = fitting


def _put_host_field(body: Json, control: ReasoningControl, context: Translation) -> None:
    known = context.capabilities.extensions
    for name, put in _HOST_FIELDS.items():
        if name in known:
            put(body, control, known)
            return
    context.losses.drop(context.losses.name("reasoning"), "the target's own field for reasoning is not known")


def _openrouter(body: Json, control: ReasoningControl, _: frozenset[str]) -> None:
    form: Json = {}
    if control.mode == "budget" and control.budget is not None:
        form["max_tokens"] = control.budget
    elif (effort := asked_effort(control)) is not None:
        form["effort"] = effort
    else:
        form["enabled"] = True
    if control.display == "omitted":
        form["exclude"] = True
    body["reasoning"] = form


def _thinking(body: Json, control: ReasoningControl, known: frozenset[str]) -> None:
    body["thinking"] = {"type": "disabled" if control.mode == "off" else "enabled"}
    effort = asked_effort(control)
    if "reasoning_effort" in known and effort not in {None, "none"}:
        body["reasoning_effort"] = effort


def _qwen(body: Json, control: ReasoningControl, known: frozenset[str]) -> None:
    body["enable_thinking"] = control.mode != "off"
    budget = asked_budget(control)
    if "thinking_budget" in known and budget:
        body["thinking_budget"] = budget


_HOST_FIELDS: dict[str, Callable[[Json, ReasoningControl, frozenset[str]], None]] = {
    "reasoning": _openrouter,
    "thinking": _thinking,
    "enable_thinking": _qwen,
}

__all__ = ["put_reasoning_control"]
