"""How another dialect's wish for reasoning is asked of a Chat host, by the host's thinking style."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from flowrouter.canonical.request import EFFORTS, ReasoningControl
from flowrouter.dialects.openai_chat.reading import Json
from flowrouter.dialects.openai_chat.translation import Translation

_BUDGETS = ((0, "none"), (512, "minimal"), (1024, "low"), (8192, "medium"), (24576, "high"))
_TOKENS = {
    "minimal": 512,
    "low": 1024,
    "medium": 8192,
    "high": 24576,
    "xhigh": 32768,
    "max": 128000,
}


def effort_of_budget(budget: int) -> str:
    """Return the effort a thinking budget in tokens stands for."""
    return next((effort for most, effort in _BUDGETS if budget <= most), "xhigh")


def effort_of(control: ReasoningControl) -> str | None:
    """Return the effort asked for; None where the model is to decide."""
    if control.mode == "off":
        return "none"
    if control.effort is not None:
        return control.effort
    return None if control.budget is None else effort_of_budget(control.budget)


def clamp(effort: str, allowed: Sequence[str]) -> str:
    """Return the nearest of `allowed`; `none` is never taken for some, nor some for `none` if it is there."""
    if effort in allowed or effort not in EFFORTS:
        return effort
    known = [name for name in EFFORTS if name in allowed and (name != "none" or effort == "none")]
    if not known:
        return effort
    wanted = EFFORTS.index(effort)
    return min(known, key=lambda name: abs(EFFORTS.index(name) - wanted))


def put_reasoning_control(body: Json, control: ReasoningControl | None, context: Translation) -> None:
    """Write what the client asked of reasoning into `body`, in the host's own terms."""
    if control is None:
        return
    style = context.capabilities.thinking_style
    if style in {"none", "think_tag"}:
        if control.mode != "off":
            context.lose(context.name("reasoning"), "dropped", "the target's reasoning cannot be controlled")
    elif style == "compat_field":
        _put_host_field(body, control, context)
    else:
        _put_effort(body, control, context)


def _put_effort(body: Json, control: ReasoningControl, context: Translation) -> None:
    effort = effort_of(control)
    if effort is None:
        return
    allowed = context.capabilities.efforts
    if effort == "none" and not allowed:
        if context.capabilities.thinking_style is None:
            context.lose(
                context.name("reasoning"), "dropped", "it is not known how the target turns reasoning off"
            )
            return
        allowed = EFFORTS[1:]
    if context.rejected("reasoning_effort", path=context.name("reasoning")):
        return
    fitting = clamp(effort, allowed) if allowed else effort
    if fitting != effort or control.mode == "budget":
        context.lose(context.name("reasoning"), "changed", f"sent as reasoning_effort {fitting!r}")
    body["reasoning_effort"] = fitting


def _put_host_field(body: Json, control: ReasoningControl, context: Translation) -> None:
    known = context.capabilities.extensions
    for name, put in _HOST_FIELDS.items():
        if name in known:
            put(body, control, known)
            return
    context.lose(context.name("reasoning"), "dropped", "the target's own field for reasoning is not known")


def _openrouter(body: Json, control: ReasoningControl, _: frozenset[str]) -> None:
    form: Json = {}
    if control.mode == "budget" and control.budget is not None:
        form["max_tokens"] = control.budget
    elif (effort := effort_of(control)) is not None:
        form["effort"] = effort
    else:
        form["enabled"] = True
    if control.display == "omitted":
        form["exclude"] = True
    body["reasoning"] = form


def _thinking(body: Json, control: ReasoningControl, known: frozenset[str]) -> None:
    body["thinking"] = {"type": "disabled" if control.mode == "off" else "enabled"}
    effort = effort_of(control)
    if "reasoning_effort" in known and effort not in {None, "none"}:
        body["reasoning_effort"] = effort


def _qwen(body: Json, control: ReasoningControl, known: frozenset[str]) -> None:
    body["enable_thinking"] = control.mode != "off"
    budget = control.budget if control.budget is not None else _TOKENS.get(control.effort or "")
    if "thinking_budget" in known and budget and control.mode != "off":
        body["thinking_budget"] = budget


_HOST_FIELDS: dict[str, Callable[[Json, ReasoningControl, frozenset[str]], None]] = {
    "reasoning": _openrouter,
    "thinking": _thinking,
    "enable_thinking": _qwen,
}

__all__ = ["clamp", "effort_of", "effort_of_budget", "put_reasoning_control"]
