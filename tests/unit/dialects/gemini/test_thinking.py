"""Reasoning control in Gemini's terms: a budget or a level, never both."""

from __future__ import annotations

import json
from typing import Any

import pytest

from flowrouter.canonical.request import ReasoningControl
from tests.unit.dialects.gemini.build import GEMINI_3, chat, render, rows

FLASH: dict[str, Any] = {
    "model": "gemini-3-flash-preview",
    "thinking_style": "level",
    "efforts": ("minimal", "low", "medium", "high"),
    "can_disable_thinking": False,
}
PRO_3: dict[str, Any] = {
    "model": "gemini-3-pro-preview",
    "thinking_style": "level",
    "efforts": ("low", "high"),
    "can_disable_thinking": False,
}
PRO_25: dict[str, Any] = {
    "model": "gemini-2.5-pro",
    "thinking_style": "budget",
    "budget_min": 128,
    "budget_max": 32_768,
    "can_disable_thinking": False,
}
FLASH_25: dict[str, Any] = {
    "model": "gemini-2.5-flash",
    "thinking_style": "budget",
    "budget_min": 0,
    "budget_max": 24_576,
}


def planned(control: ReasoningControl | None, **options: Any) -> tuple[Any, list[tuple[str, str]]]:
    """Return the judged `thinkingConfig` and the losses."""
    rendered = render(chat(reasoning=control), **options)
    config = json.loads(rendered.body).get("generationConfig", {})
    return config.get("thinkingConfig"), rows(rendered.losses)


def effort(name: str) -> ReasoningControl:
    return ReasoningControl(mode="effort", effort=name)


CHANGED = [("reasoning_effort", "changed")]


def test_nothing_asked_nothing_said() -> None:
    assert planned(None, **GEMINI_3) == (None, [])


@pytest.mark.parametrize(
    ("name", "options", "level", "losses"),
    [
        ("minimal", FLASH, "MINIMAL", []),
        ("minimal", PRO_3, "LOW", CHANGED),
        ("low", PRO_3, "LOW", []),
        ("medium", FLASH, "MEDIUM", []),
        ("medium", PRO_3, "HIGH", CHANGED),
        ("high", PRO_3, "HIGH", []),
        ("xhigh", FLASH, "HIGH", CHANGED),
        ("max", GEMINI_3, "HIGH", CHANGED),
    ],
)
def test_levels(name: str, options: dict[str, Any], level: str, losses: list[tuple[str, str]]) -> None:
    assert planned(effort(name), **options) == ({"thinkingLevel": level, "includeThoughts": True}, losses)


@pytest.mark.parametrize(
    ("budget", "level"), [(500, "MINIMAL"), (1024, "LOW"), (8000, "MEDIUM"), (30_000, "HIGH")]
)
def test_budgets_become_levels(budget: int, level: str) -> None:
    config, losses = planned(ReasoningControl(mode="budget", budget=budget), **FLASH)
    assert config == {"thinkingLevel": level, "includeThoughts": True}
    assert losses[0] == CHANGED[0]


@pytest.mark.parametrize(
    ("name", "budget", "losses"),
    [
        ("minimal", 512, []),
        ("low", 1024, []),
        ("medium", 8192, []),
        ("high", 24_576, []),
        ("max", 24_576, CHANGED),
    ],
)
def test_efforts_become_budgets(name: str, budget: int, losses: list[tuple[str, str]]) -> None:
    config, lost = planned(effort(name), **FLASH_25)
    assert config == {"thinkingBudget": budget, "includeThoughts": True}
    assert lost == losses


@pytest.mark.parametrize(
    ("asked", "sent"), [(2048, 2048), (100, 128), (100_000, 32_768)], ids=["as asked", "raised", "cut"]
)
def test_budgets_stay_in_their_bounds(asked: int, sent: int) -> None:
    config, losses = planned(ReasoningControl(mode="budget", budget=asked), **PRO_25)
    assert config == {"thinkingBudget": sent, "includeThoughts": True}
    assert losses == ([] if asked == sent else CHANGED)


@pytest.mark.parametrize(
    "control",
    [ReasoningControl(mode="off"), effort("none"), ReasoningControl(mode="budget", budget=0)],
    ids=["off", "none", "no budget"],
)
def test_off(control: ReasoningControl) -> None:
    assert planned(control, **FLASH_25) == ({"thinkingBudget": 0}, [])
    assert planned(control, **PRO_25) == ({"thinkingBudget": 128}, CHANGED)
    assert planned(control, **PRO_3) == ({"thinkingLevel": "LOW"}, CHANGED)
    assert planned(control, thinking_style="none", model="gemini-2.0-flash") == (None, [])


def test_as_the_model_likes() -> None:
    control = ReasoningControl(mode="auto")
    assert planned(control, **FLASH_25) == ({"thinkingBudget": -1, "includeThoughts": True}, [])
    assert planned(control, **FLASH) == ({"includeThoughts": True}, [])


def test_adaptive_with_an_effort_is_that_effort() -> None:
    control = ReasoningControl(mode="auto", effort="high")
    assert planned(control, **FLASH)[0] == {"thinkingLevel": "HIGH", "includeThoughts": True}
    assert planned(control, **FLASH_25)[0] == {"thinkingBudget": 24_576, "includeThoughts": True}


def test_thoughts_nobody_wants_to_see_are_not_sent() -> None:
    control = ReasoningControl(mode="effort", effort="low", display="omitted")
    assert planned(control, **FLASH)[0] == {"thinkingLevel": "LOW", "includeThoughts": False}


def test_a_model_that_does_not_reason() -> None:
    assert planned(effort("high"), thinking_style="none", model="gemini-2.0-flash") == (
        None,
        [("reasoning_effort", "dropped")],
    )


@pytest.mark.parametrize("options", [FLASH, FLASH_25, {}], ids=["level", "budget", "unknown"])
def test_never_both(options: dict[str, Any]) -> None:
    control = ReasoningControl(mode="budget", effort="high", budget=4096)
    config, _ = planned(control, **options)
    assert ("thinkingBudget" in config) != ("thinkingLevel" in config)
