"""A request may cost what it costs now: a tenth more is told, three tenths more fail.

Counted in a process of its own, so neither other tests nor the machine matter (`tests/cost/count.py`). A change that
is worth its cost writes the baseline anew, `make bench-baseline`, and shows by that in its own diff what it costs.
"""

from __future__ import annotations

import os
import subprocess
import sys
import warnings

import msgspec
import pytest

from tests.cost.baseline import CASES, Cost, CostGrown, Counts, committed, dump, verdicts
from tests.cost.count import ROOT


@pytest.mark.filterwarnings("always::tests.cost.baseline.CostGrown")
def test_requests_cost_no_more_than_before() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.cost.count"],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": "0", "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )
    assert done.returncode == 0, done.stderr
    now = msgspec.json.decode(done.stdout, type=Counts)
    failed: list[str] = []
    for kind, text in verdicts(committed(), now):
        if kind == "fail":
            failed.append(text)
        else:
            warnings.warn(CostGrown(text), stacklevel=1)
    assert not failed, "\n".join([*failed, "If it is worth that: make bench-baseline"])


def test_the_baseline_has_every_case() -> None:
    before = committed()
    assert before.cases.keys() == CASES.keys()
    for name, cost in before.cases.items():
        assert cost.instructions > 0, name
        assert cost.functions, name


def counts(
    instructions: float, *, texts: float = 4, garbage: float = 0, python: str = "3.11", **functions: float
) -> Counts:
    cost = Cost(instructions=instructions, calls=500, texts=texts, garbage=garbage, functions=functions)
    return Counts(python=python, cases={"plain": cost})


@pytest.mark.parametrize(
    ("instructions", "kinds"),
    [(1000, []), (1090, []), (1110, ["warn"]), (1290, ["warn"]), (1310, ["fail"]), (790, ["stale"])],
    ids=["same", "nine", "eleven", "29", "31", "less"],
)
def test_growth_is_told_then_fails(instructions: float, kinds: list[str]) -> None:
    assert [kind for kind, _ in verdicts(counts(1000), counts(instructions))] == kinds


def test_another_reading_of_the_body_shows() -> None:
    """One call more among hundreds, but it walks the whole body."""
    found = list(verdicts(counts(1000), counts(1002, texts=5)))
    assert [kind for kind, _ in found] == ["warn"]
    assert "5 texts, baseline 4 (+25%)" in found[0][1]


def test_the_first_circle_fails() -> None:
    """Where requests left nothing to the collector, a circle of a few objects holds their bodies."""
    ((kind, text),) = verdicts(counts(1000), counts(1000, garbage=3))
    assert (kind, text.splitlines()[0]) == ("fail", "plain: 3 garbage, baseline 0 (+300%)")


def test_what_grew_is_named() -> None:
    before = counts(1000, steady=300, grown=100)
    ((kind, text),) = verdicts(before, counts(1500, steady=300, grown=400, small=9, new=191))
    assert kind == "fail"
    rows = [line.split()[1] for line in text.splitlines()[1:]]
    assert rows == ["grown", "new"]


def test_another_python_never_fails() -> None:
    found = list(verdicts(counts(1000), counts(2000, python="3.13")))
    assert [kind for kind, _ in found] == ["warn"]
    assert "on Python 3.13, baseline 3.11" in found[0][1]


def test_a_chunk_is_the_difference_of_two_streams() -> None:
    few = Cost(instructions=5000, calls=600, texts=110, garbage=30, functions={"a": 4000, "b": 1000})
    many = Cost(
        instructions=9000, calls=900, texts=210, garbage=30, functions={"a": 7000, "b": 1000, "c": 1000}
    )
    chunk = many.less(few, parts=100)
    assert (chunk.instructions, chunk.calls, chunk.texts, chunk.garbage) == (40, 3, 1, 30)
    assert chunk.functions == {"a": 30, "c": 10}


def test_the_baseline_is_read_as_it_was_written() -> None:
    import tomllib

    cost = Cost(instructions=646.33, calls=49.03, texts=1, garbage=0, functions={"a.py:f": 600, "a.py:g": 6})
    written = dump(Counts(python="3.11", cases={"chunk": cost}))
    read = msgspec.convert(tomllib.loads(written), Counts).cases["chunk"]
    assert (read.instructions, read.functions) == (646.33, {"a.py:f": 600})
