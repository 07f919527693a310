"""Reasoning control for Anthropic targets: which `thinking` and `effort` say what the client asked.

Budgets and efforts follow the hub's one table. Rules of the vendor (thinking pages,
November 2026): a budget is at least 1024 tokens and below `max_tokens`; a forced tool call and a
tool turn without its thinking block exclude manual thinking.
"""

from __future__ import annotations

from typing import Any

import msgspec

from flowrouter.canonical.capabilities import Capabilities
from flowrouter.canonical.effort import BUDGETS, asked_budget, asked_effort, clamp
from flowrouter.canonical.losses import Losses
from flowrouter.canonical.request import EFFORTS, ReasoningControl

LEAST_BUDGET = 1024
DEFAULT_MAX_TOKENS = 32_000

_EFFORTS = ("low", "medium", "high")
"""The efforts every model with an effort takes."""

_ROOM = 8192
"""Tokens left for the answer where the client set no cap of its own."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What goes on the wire; `on` says whether the model will think in a way that binds sampling."""

    max_tokens: int
    thinking: dict[str, Any] | None = None
    effort: str | None = None

    @property
    def on(self) -> bool:
        """Return whether thinking is switched on."""
        return self.thinking is not None and self.thinking["type"] != "disabled"


def most_tokens(asked: int | None, capabilities: Capabilities, losses: Losses) -> int:
    """Return the output cap, which every request must have: `asked` is the client's own, None if it set none."""
    most = capabilities.max_output
    if asked is None:
        return most or DEFAULT_MAX_TOKENS
    if most is not None and asked > most:
        losses.change(losses.name("max_tokens"), f"the model's maximum is {most}")
        return most
    return asked


class Planner:
    """Plans one request: `asked_tokens` is the client's output cap, None if it set none."""

    __slots__ = ("_asked", "_capabilities", "_control", "_losses")

    def __init__(
        self,
        control: ReasoningControl,
        asked_tokens: int | None,
        *,
        capabilities: Capabilities,
        losses: Losses,
    ) -> None:
        self._control = control
        self._asked = asked_tokens
        self._capabilities = capabilities
        self._losses = losses

    def plan(self, *, obstacle: str | None, unanswered: bool) -> Plan:
        """Return the plan.

        `obstacle` says why thinking cannot be on at all (a forced tool), `unanswered` that the tool
        turn being answered has no thinking block.
        """
        plan = Plan(max_tokens=most_tokens(self._asked, self._capabilities, self._losses))
        control = self._control
        style = self._capabilities.thinking_style or "manual"
        if control.mode == "off" or control.effort == "none" or control.budget == 0:
            return self._off(plan, style)
        if style in ("none", "think_tag"):
            obstacle = "the model does not reason on request"
        adaptive = style == "adaptive" or (style == "both" and control.mode != "budget")
        if unanswered and not adaptive:
            obstacle = obstacle or "the tool turn being answered has no thinking block"
        if obstacle is not None:
            self._losses.drop(self._path, obstacle)
            return plan
        return self._adaptive(plan, control) if adaptive else self._manual(plan, control)

    @property
    def _path(self) -> str:
        return self._losses.name("reasoning")

    def _effort_path(self) -> str:
        """Return the client's name of the effort, which some dialects keep apart from the rest."""
        name = self._losses.name("reasoning.effort")
        return self._path if name == "reasoning.effort" else name

    def _off(self, plan: Plan, style: str) -> Plan:
        if style in ("none", "think_tag"):
            return plan
        if self._capabilities.can_disable_thinking:
            return msgspec.structs.replace(plan, thinking={"type": "disabled"})
        self._losses.change(self._path, "the model cannot stop reasoning")
        if style == "manual":
            return plan
        return msgspec.structs.replace(plan, effort=clamp("none", self._capabilities.efforts or _EFFORTS))

    def _adaptive(self, plan: Plan, control: ReasoningControl) -> Plan:
        wanted = asked_effort(control)
        effort = None if wanted is None else clamp(wanted, self._capabilities.efforts or _EFFORTS)
        if effort not in EFFORTS:
            effort = None
        if control.mode == "budget" and effort is not None:
            self._losses.change(self._path, f"the model takes efforts, not budgets: {effort}")
        elif effort != wanted:
            instead = f"; {effort} instead" if effort else ""
            self._losses.change(self._effort_path(), f"the model has no effort {wanted!r}{instead}")
        return msgspec.structs.replace(
            plan, thinking={"type": "adaptive", **_display(control)}, effort=effort
        )

    def _manual(self, plan: Plan, control: ReasoningControl) -> Plan:
        limits = self._capabilities
        wanted = asked_budget(control) or BUDGETS["medium"]
        budget = max(wanted, limits.budget_min or LEAST_BUDGET, LEAST_BUDGET)
        budget = min(budget, limits.budget_max or budget)
        cap = plan.max_tokens
        if self._asked is None and budget + _ROOM > cap:
            cap = min(budget + _ROOM, limits.max_output or budget + _ROOM)
        if budget >= cap:
            # The cap is the client's, or the model's: a quarter of it is kept for the answer.
            budget = max(LEAST_BUDGET, cap * 3 // 4)
        if budget >= cap:
            reason = f"max_tokens leaves no room for {LEAST_BUDGET} tokens of thinking"
            self._losses.drop(self._path, reason)
            return plan
        if budget != wanted:
            self._losses.change(self._path, f"the thinking budget is {budget} tokens instead of {wanted}")
        thinking = {"type": "enabled", "budget_tokens": budget, **_display(control)}
        return msgspec.structs.replace(plan, thinking=thinking, max_tokens=cap)


def _display(control: ReasoningControl) -> dict[str, str]:
    if control.display is None:
        return {}
    return {"display": "omitted" if control.display == "omitted" else "summarized"}


__all__ = ["DEFAULT_MAX_TOKENS", "LEAST_BUDGET", "Plan", "Planner", "most_tokens"]
