"""How much to reason, said as an effort or as a budget of tokens: one table that all dialects share.

`budget_of` and `effort_of` are each other's inverse on the table's own values. Efforts lie on a scale of
ratios: from `medium` it is nearer to `high` than to `low`, and from `xhigh` nearer to `high` than to `max`.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping

from flowrouter.canonical.request import EFFORTS, ReasoningControl

AUTO = "auto"
"""The model decides how much to reason; as a budget this is any negative number."""

BUDGETS: Mapping[str, int] = {
    AUTO: -1,
    "none": 0,
    "minimal": 512,
    "low": 1024,
    "medium": 8192,
    "high": 24_576,
    "xhigh": 32_768,
    "max": 128_000,
}
"""Effort → tokens of reasoning."""

_STEPS = ("minimal", "low", "medium", "high")
"""A budget up to an effort's own is that effort; above these it is `xhigh`, which no vendor lacks a word for."""


def budget_of(effort: str) -> int | None:
    """Return the tokens an effort stands for: 0 for `none`, -1 for `auto`, None for an unknown word."""
    return BUDGETS.get(effort)


def effort_of(budget: int) -> str:
    """Return the effort a budget in tokens stands for: `none` for 0, `auto` for a negative one."""
    if budget <= 0:
        return AUTO if budget < 0 else "none"
    return next((effort for effort in _STEPS if budget <= BUDGETS[effort]), "xhigh")


def clamp(effort: str, allowed: Collection[str]) -> str:
    """Return `effort` if it is allowed, else the nearest of `allowed` in any order.

    No effort becomes `none`, whose meaning is another; `none` becomes the least there is. An unknown
    word (`auto` too) and one without anything near it stay as they are.
    """
    if effort in allowed or effort not in EFFORTS:
        return effort
    known = [name for name in EFFORTS if name in allowed and name != "none"]
    if not known:
        return effort
    if effort == "none":
        return known[0]
    return min(known, key=lambda name: abs(math.log(BUDGETS[name] / BUDGETS[effort])))


def asked_effort(control: ReasoningControl) -> str | None:
    """Return the effort a client asked for, in words or tokens; None where the model is to decide."""
    if control.mode == "off":
        return "none"
    effort = control.effort
    if effort is None and control.budget is not None:
        effort = effort_of(control.budget)
    return None if effort == AUTO else effort


def asked_budget(control: ReasoningControl) -> int | None:
    """Return the tokens a client asked for, in tokens or words; None where the model is to decide."""
    if control.mode == "off":
        return 0
    budget = control.budget
    if budget is None and control.effort is not None:
        budget = budget_of(control.effort)
    return None if budget is not None and budget < 0 else budget


__all__ = ["AUTO", "BUDGETS", "asked_budget", "asked_effort", "budget_of", "clamp", "effort_of"]
