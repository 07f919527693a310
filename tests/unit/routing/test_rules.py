"""The table of failures: the seed rows as vectors, the owner's own rows, and what no row may do."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowrouter.canonical.problem import Problem
from flowrouter.routing.rules import Rules, shipped
from flowrouter.routing.verdict import CONSEQUENCES, judge
from flowrouter.settings.routing import FailureName, FailureRule

with (Path(__file__).parent / "failures.toml").open("rb") as file:
    CASES: list[dict[str, Any]] = tomllib.load(file)["case"]

VECTORS = [(case, status) for case in CASES for status in case["status"]]
REQUEST_CLASS = (400, 413, 422)


def name_of(case: dict[str, Any], status: int) -> str:
    return f"{case.get('seed', '-')}:{status}:{case.get('code') or case.get('message', '')[:20]}"


@pytest.mark.parametrize(("case", "status"), VECTORS, ids=[name_of(*vector) for vector in VECTORS])
def test_vectors(case: dict[str, Any], status: int) -> None:
    problem = Problem(status=status, message=case.get("message", ""), code=case.get("code"))
    verdict = judge(problem)
    assert (verdict.failure, verdict.scope or "") == (case["failure"], case.get("pauses", ""))
    assert verdict.reason


def test_each_seed_row_has_its_vectors() -> None:
    assert {case["seed"] for case in CASES if "seed" in case} == set(range(1, 18))


def test_every_shipped_row_has_a_reason_and_reaches_somebody() -> None:
    assert all(rule.reason for rule in shipped())
    assert len({rule.reason for rule in shipped()}) == len(shipped())
    assert set(CONSEQUENCES) == set(get_args(FailureName))


def test_the_owners_rows_go_first() -> None:
    own = FailureRule(failure="overloaded", status=(500,), text=("try the other door",), reason="ours")
    rules = Rules((own,))
    problem = Problem(status=500, message="Please TRY the other DOOR.")
    assert judge(problem, rules).failure == "overloaded"
    assert judge(problem, rules).reason == "ours"
    assert judge(problem).failure == "server"
    assert [rule.origin for rule in rules][:2] == ["config", "shipped"]


@pytest.mark.parametrize(
    "conditions, fits",
    [
        ({"preset": "custom-*"}, True),
        ({"preset": "openai"}, False),
        ({"dialect": ("openai_chat",)}, True),
        ({"dialect": ("anthropic", "gemini")}, False),
        ({"code": ("busy",)}, True),
        ({"code": ("other",)}, False),
        ({"kind": ("weird",)}, True),
        ({"kind": ("other",)}, False),
        ({"pattern": r"^come back (?:later|tomorrow)"}, True),
        ({"pattern": r"later$"}, False),
        ({"status": (418, "5xx")}, True),
        ({"status": ("4xx",)}, False),
    ],
    ids=str,
)
def test_every_condition_must_hold(conditions: dict[str, Any], fits: bool) -> None:
    own = FailureRule(**{"failure": "auth", "status": ("5xx",)} | conditions)
    problem = Problem(status=507, message="Come back tomorrow, please", code="busy", kind="weird")
    found = judge(problem, Rules((own,)), preset="custom-openai", dialect="openai_chat")
    assert found.failure == ("auth" if fits else "server")


@pytest.mark.parametrize(
    "wrong",
    [
        {"failure": "auth"},
        {"failure": "auth", "text": ["  "]},
        {"failure": "auth", "pattern": "("},
        {"failure": "auth", "status": [200]},
        {"failure": "auth", "status": ["3xx"]},
        {"failure": "weather", "status": [500]},
        {"failure": "auth", "status": [500], "word": "x"},
    ],
    ids=["nothing", "empty text", "pattern", "good status", "status class", "class", "key"],
)
def test_a_row_that_says_nothing_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(wrong, FailureRule)


CLASSES = st.sampled_from(get_args(FailureName))
PHRASES = st.sampled_from(["overloaded", "rate limit", "quota exceeded", "no credentials", "capacity"])


@given(CLASSES, PHRASES, st.sampled_from(REQUEST_CLASS), st.text(max_size=30), st.booleans())
def test_no_text_pauses_anybody_for_a_request_at_fault(
    failure: FailureName, phrase: str, status: int, around: str, as_pattern: bool
) -> None:
    own = (
        FailureRule(failure=failure, pattern=re.escape(phrase))
        if as_pattern
        else FailureRule(failure=failure, text=(phrase,))
    )
    problem = Problem(status=status, message=f"{around} {phrase} {around}")
    assert judge(problem, Rules((own,))).failure == failure
    assert judge(problem, Rules((own,))).scope is None
    assert judge(problem).scope is None


def test_an_expression_of_the_owners_that_takes_no_end_is_given_up() -> None:
    """A provider's message may quote what anybody wrote: it must not hold up everybody else."""
    own = FailureRule(failure="overloaded", pattern="(a+)+$")
    problem = Problem(status=500, message="a" * 1_000 + "!")
    assert judge(problem, Rules((own,))).failure == "server"
    assert judge(Problem(status=500, message="aaa"), Rules((own,))).failure == "overloaded"
