"""`flow-router keys`: bounds are given, shown, changed and taken away; keys are switched off and on."""

from __future__ import annotations

from typing import Any

import pytest

from flowrouter.errors import ConfigError
from tests.unit.cli.conftest import Run


def test_a_key_with_bounds(run: Run) -> None:
    made = run(
        "keys", "create", "agent", "--models", "claude-*, team", "--accounts", "work", "--dialects", "anthropic",
        "--requests-per-minute", "60", "--requests-per-day", "5000", "--tokens-per-minute", "100000",
        "--tokens-per-day", "2000000", "--concurrent", "4", "--tags", "night", "--owner", "ann",
        "--no-recording", "--store", "--json",
    ).json  # fmt: skip
    assert made["owner_id"] == "ann"
    assert made["policy"] == {
        "models": ["claude-*", "team"],
        "accounts": ["work"],
        "dialects": ["anthropic"],
        "limits": {
            "requests_per_minute": 60,
            "requests_per_day": 5000,
            "tokens_per_minute": 100_000,
            "tokens_per_day": 2_000_000,
            "concurrent": 4,
        },
        "responses_store": True,
        "recording": False,
        "tags": ["night"],
    }
    listed = run("keys", "list").out
    assert "claude-*, team, at work, anthropic, 60 requests/min" in listed
    shown = run("keys", "show", "agent").out
    for told in ("claude-*, team", "2,000,000 tokens/day", "4 at a time", "ann", "night"):
        assert told in shown
    assert made["key"] not in shown + listed


def test_what_is_not_given_stays(run: Run) -> None:
    run("keys", "create", "agent", "--models", "claude-*", "--requests-per-minute", "60", "--concurrent", "4")
    assert run("keys", "edit", "agent", "--tokens-per-day", "9", "--requests-per-minute", "0").code == 0
    policy = run("keys", "show", "agent", "--json").json["policy"]
    assert policy == {"models": ["claude-*"], "limits": {"tokens_per_day": 9, "concurrent": 4}}
    run(
        "keys",
        "edit",
        "agent",
        "--models",
        "",
        "--tokens-per-day",
        "0",
        "--concurrent",
        "0",
        "--rename",
        "bot",
    )
    bare = run("keys", "show", "bot", "--json").json
    assert (bare["policy"], bare["version"]) == ({}, 3)


def test_an_end_is_moved_and_taken_away(run: Run) -> None:
    run("keys", "create", "guest", "--expires", "12h")
    run("keys", "edit", "guest", "--expires", "30d")
    later = run("keys", "show", "guest", "--json").json
    assert later["expires_at_ms"] - later["created_at_ms"] == pytest.approx(30 * 86_400_000, abs=60_000)
    run("keys", "edit", "guest", "--expires", "never")
    assert run("keys", "show", "guest", "--json").json["expires_at_ms"] is None


def test_a_key_is_switched_off_and_on(run: Run) -> None:
    run("keys", "create", "agent")
    assert run("keys", "disable", "agent").out == "Disabled 'agent'.\n"
    assert run("keys", "list", "--json").json[0]["state"] == "disabled"
    assert run("keys", "enable", "agent").out == "Enabled 'agent'.\n"
    assert run("keys", "list", "--json").json[0]["state"] == "live"


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [
        ("--dialects", "klingon", "openai_chat"),
        ("--models", "x" * 300, "models"),
        ("--requests-per-minute", "-1", "requests-per-minute"),
        ("--expires", "soon", "30d"),
    ],
)
def test_what_makes_no_sense_is_refused(run: Run, option: str, value: str, told: str) -> None:
    wrong = run("keys", "create", "agent", option, value)
    assert wrong.code == 2
    assert told in wrong.err
    assert run("keys", "list", "--json").json == []


BUDGETS = [
    (["--budget", "5usd/day", "--hard"], [("5", "usd", "day", "hard")]),
    (["--budget", "$0.50/week"], [("0.50", "usd", "week", "soft")]),
    (
        ["--budget", "2,000,000tokens/month", "--budget", "500 requests a day"],
        [("2000000", "tokens", "month", "soft"), ("500", "requests", "day", "soft")],
    ),
]


@pytest.mark.parametrize("options, wanted", BUDGETS, ids=[" ".join(case[0]) for case in BUDGETS])
def test_budgets_on_the_command_line(options: list[str], wanted: Any) -> None:
    from flowrouter.cli.budget_options import budgets_of

    texts = [option for option in options if not option.startswith("--")]
    found = budgets_of(texts, (), hard="--hard" in options or None)
    assert found is not None
    assert [(str(each.amount), each.metric, each.period, each.mode) for each in found] == wanted


def test_what_is_not_said_of_a_budget_stays() -> None:
    from flowrouter.cli.budget_options import budgets_of

    first = budgets_of(["5usd/day"], (), hard=True, zone="Europe/Berlin")
    assert first is not None
    (second,) = budgets_of(["7usd/day"], first, warn=0.5) or ()
    assert (second.limit, second.mode, second.zone, second.warn) == (7 * 10**12, "hard", "Europe/Berlin", 0.5)
    assert budgets_of(None, first) is None
    assert budgets_of(["none"], first) == ()
    for wrong in ("5", "5usd", "5eur/day", "5usd/year", "-5usd/day", "0usd/day"):
        with pytest.raises(ConfigError):
            budgets_of([wrong], ())
    with pytest.raises(ConfigError):
        budgets_of(None, (), hard=True)
