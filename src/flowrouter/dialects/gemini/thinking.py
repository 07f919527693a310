"""Reasoning control for Gemini targets: a budget in tokens or a level, never both.

Rules of the vendor (thinking page, November 2026): 2.5 takes `thinkingBudget` (0 off, -1 as the model
likes) within bounds of its own, 3 and later `thinkingLevel`; both in one request are answered with 400.
Budgets and efforts follow one table that is its own inverse.
"""

from __future__ import annotations

from typing import Any

from flowrouter.canonical.capabilities import Capabilities
from flowrouter.canonical.losses import Losses
from flowrouter.canonical.request import EFFORTS, ReasoningControl

_BUDGETS = {
    "minimal": 512,
    "low": 1024,
    "medium": 8192,
    "high": 24_576,
    "xhigh": 32_768,
    "max": 128_000,
}
_STEPS = ((512, "minimal"), (1024, "low"), (8192, "medium"), (24_576, "high"))
_USUAL = ("low", "high")
_DYNAMIC = -1


def plan_thinking(
    control: ReasoningControl | None, capabilities: Capabilities, losses: Losses
) -> dict[str, Any] | None:
    """Return the `thinkingConfig` that says what the client asked, None for nothing to say."""
    if control is None:
        return None
    path = losses.name("reasoning")
    style = capabilities.thinking_style or "budget"
    off = control.mode == "off" or control.effort == "none" or control.budget == 0
    if style in ("none", "think_tag"):
        if not off:
            losses.drop(path, "the model does not reason on request")
        return None
    if losses.rejected("thinkingConfig", path=path):
        return None
    by_level = style == "level"
    if not off and control.effort not in (None, "auto", *EFFORTS):
        losses.drop(path, f"no model knows the effort {control.effort!r}")
    if off:
        return _off(capabilities, losses, path=path, by_level=by_level)
    limit = _level(control, capabilities, losses) if by_level else _budget(control, capabilities, losses)
    return {**limit, "includeThoughts": control.display != "omitted"}


def _off(capabilities: Capabilities, losses: Losses, *, path: str, by_level: bool) -> dict[str, Any]:
    if by_level:
        least = next(name for name in EFFORTS if name in _offered(capabilities))
        losses.change(path, f"the model cannot stop reasoning; {least} instead")
        return {"thinkingLevel": least.upper()}
    if capabilities.can_disable_thinking:
        return {"thinkingBudget": 0}
    least_tokens = capabilities.budget_min or _BUDGETS["minimal"]
    losses.change(path, f"the model cannot stop reasoning; {least_tokens} tokens instead")
    return {"thinkingBudget": least_tokens}


def _level(control: ReasoningControl, capabilities: Capabilities, losses: Losses) -> dict[str, Any]:
    wanted, path = control.effort, losses.name("reasoning")
    if wanted not in EFFORTS and control.budget is not None and control.budget > 0:
        wanted = next((name for most, name in _STEPS if control.budget <= most), "xhigh")
        losses.change(path, f"the model takes levels, not budgets: {wanted}")
    elif control.mode == "budget":
        losses.change(path, f"the model takes levels, not budgets: {wanted}")
    if wanted not in EFFORTS:
        return {}
    level = _nearest(wanted, _offered(capabilities))
    if level != wanted:
        if control.mode != "budget" and losses.name("reasoning.effort") != "reasoning.effort":
            path = losses.name("reasoning.effort")
        losses.change(path, f"the model has no level {wanted!r}; {level} instead")
    return {"thinkingLevel": level.upper()}


def _budget(control: ReasoningControl, capabilities: Capabilities, losses: Losses) -> dict[str, Any]:
    if control.budget is not None and control.budget > 0:
        wanted = control.budget
        if control.effort is not None:
            losses.drop(losses.name("reasoning.effort"), "a budget was given too, which the model takes")
    else:
        wanted = _BUDGETS.get(control.effort or "", _DYNAMIC)
    if wanted == _DYNAMIC:
        return {"thinkingBudget": _DYNAMIC}
    budget = max(wanted, capabilities.budget_min or 0)
    budget = min(budget, capabilities.budget_max or budget)
    if budget != wanted:
        reason = f"the thinking budget is {budget} tokens instead of {wanted}"
        losses.change(losses.name("reasoning"), reason)
    return {"thinkingBudget": budget}


def _offered(capabilities: Capabilities) -> tuple[str, ...]:
    listed = tuple(name for name in capabilities.efforts if name in EFFORTS and name != "none")
    return listed or _USUAL


def _nearest(wanted: str, offered: tuple[str, ...]) -> str:
    """Return the level to send: the wanted one, else the next higher, else the highest there is."""
    ranked = [name for name in EFFORTS if name in offered]
    place = EFFORTS.index(wanted)
    return next((name for name in ranked if EFFORTS.index(name) >= place), ranked[-1])


__all__ = ["plan_thinking"]
