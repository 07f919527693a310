"""Efforts and budgets: one table, its own inverse, and what is nearest where a model lacks an effort."""

from __future__ import annotations

import pytest

from flowrouter.canonical.effort import BUDGETS, asked_budget, asked_effort, budget_of, clamp, effort_of
from flowrouter.canonical.request import ReasoningControl


@pytest.mark.parametrize(
    ("budget", "effort"),
    [
        (0, "none"),
        (512, "minimal"),
        (1024, "low"),
        (1025, "medium"),
        (8192, "medium"),
        (24576, "high"),
        (32000, "xhigh"),
    ],
)
def test_budgets_stand_for_efforts(budget: int, effort: str) -> None:
    assert effort_of(budget) == effort


@pytest.mark.parametrize(
    ("effort", "allowed", "nearest"),
    [
        ("max", ("low", "high"), "high"),
        ("minimal", ("none", "low", "high"), "low"),
        ("none", ("minimal", "low"), "minimal"),
        ("none", ("none", "low"), "none"),
        ("high", ("none",), "high"),
        ("ultra", ("low",), "ultra"),
    ],
)
def test_an_effort_the_model_lacks_goes_to_the_nearest(
    effort: str, allowed: tuple[str, ...], nearest: str
) -> None:
    assert clamp(effort, allowed) == nearest


@pytest.mark.parametrize(
    ("effort", "allowed", "nearest"),
    [
        ("medium", ("low", "high"), "high"),
        ("xhigh", ("low", "medium", "high", "max"), "high"),
        ("max", ("high", "xhigh"), "xhigh"),
        ("minimal", ("high", "low"), "low"),
        ("auto", ("low",), "auto"),
    ],
)
def test_nearness_is_one_of_ratios(effort: str, allowed: tuple[str, ...], nearest: str) -> None:
    assert clamp(effort, allowed) == nearest


@pytest.mark.parametrize("effort", [name for name in BUDGETS if name != "max"])
def test_the_table_is_its_own_inverse(effort: str) -> None:
    budget = budget_of(effort)
    assert budget is not None
    assert effort_of(budget) == effort


def test_a_budget_never_becomes_max_which_few_models_have() -> None:
    assert effort_of(BUDGETS["max"]) == "xhigh"
    assert budget_of("ultra") is None


@pytest.mark.parametrize(
    ("control", "effort", "budget"),
    [
        (ReasoningControl(mode="off", effort="high"), "none", 0),
        (ReasoningControl(mode="auto"), None, None),
        (ReasoningControl(mode="auto", effort="auto"), None, None),
        (ReasoningControl(mode="budget", budget=-1), None, None),
        (ReasoningControl(mode="budget", budget=0), "none", 0),
        (ReasoningControl(mode="budget", budget=5000), "medium", 5000),
        (ReasoningControl(mode="auto", effort="max"), "max", 128_000),
        (ReasoningControl(mode="effort", effort="ultra"), "ultra", None),
    ],
    ids=["off", "auto", "auto-in-words", "auto-in-tokens", "no-tokens", "tokens", "effort", "unknown"],
)
def test_what_was_asked_in_either_currency(
    control: ReasoningControl, effort: str | None, budget: int | None
) -> None:
    assert asked_effort(control) == effort
    assert asked_budget(control) == budget
