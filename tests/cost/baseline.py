"""The committed baseline: how it is written, read, and what growth means."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

BASELINE = Path(__file__).with_name("baseline.toml")
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bench"))

from harness.cases import ANTHROPIC, OPENAI, agent_case, plain_case, stream_case  # noqa: E402

WARN, FAIL, STALE = 1.10, 1.30, 0.80
"""Growth that is told, growth that fails, and what is left of a cost when the baseline says nothing any more."""

SHOWN = 100
"""A function stands in the baseline if it has at least one in so many of its case's instructions."""

APART = "_apart"
"""How the name of a case ends whose client writes head and body apart, as Python's SDKs do."""

COMBO = "either"
"""A name that the counted gateway gives two models."""


def _by_combo(case: Any) -> Any:
    return replace(case, body=case.body.replace(b'"model":"oa"', f'"model":"{COMBO}"'.encode()))


CASES: dict[str, Callable[[int], Any]] = {
    "plain": lambda _: plain_case(OPENAI, OPENAI),
    "plain_apart": lambda _: plain_case(OPENAI, OPENAI),
    "plain_by_combo": lambda _: _by_combo(plain_case(OPENAI, OPENAI)),
    "plain_translated": lambda _: plain_case(OPENAI, ANTHROPIC),
    "plain_translated_back": lambda _: plain_case(ANTHROPIC, OPENAI),
    "agent": lambda _: agent_case(OPENAI, OPENAI),
    "agent_translated": lambda _: agent_case(ANTHROPIC, OPENAI),
    "chunk": lambda chunks: stream_case(OPENAI, OPENAI, chunks=chunks),
    "chunk_translated": lambda chunks: stream_case(OPENAI, ANTHROPIC, chunks=chunks),
}


class CostGrown(UserWarning):
    """A request costs noticeably more, or so much less that the baseline is out of date."""


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """What one request, or one chunk, takes; `functions` are instructions by function."""

    instructions: float
    calls: float
    texts: float
    garbage: float
    functions: dict[str, float] = {}

    def less(self, other: Cost, *, parts: int) -> Cost:
        """Return the difference to `other`, by `parts`; garbage is left by streams, not by chunks."""
        names = self.functions.keys() | other.functions.keys()
        functions = {
            name: (self.functions.get(name, 0) - other.functions.get(name, 0)) / parts for name in names
        }
        return Cost(
            instructions=(self.instructions - other.instructions) / parts,
            calls=(self.calls - other.calls) / parts,
            texts=(self.texts - other.texts) / parts,
            garbage=self.garbage,
            functions={name: each for name, each in functions.items() if each > 0},
        )


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """A run: what every case takes, with the minor version of Python."""

    python: str
    cases: dict[str, Cost]

    def as_json(self) -> Any:
        """Return the cases as plain values."""
        return msgspec.to_builtins(self.cases)


def committed() -> Counts:
    """Return the baseline."""
    return msgspec.convert(tomllib.loads(BASELINE.read_text("utf-8")), Counts)


def dump(counts: Counts) -> str:
    """Return the baseline's text."""
    lines = ["# Written by `make bench-baseline`; tests/cost holds every change to it.", ""]
    lines += [f'python = "{counts.python}"']
    for name, cost in counts.cases.items():
        lines += ["", f"[cases.{name}]", f"instructions = {_number(cost.instructions)}"]
        lines += [f"calls = {_number(cost.calls)}", f"texts = {_number(cost.texts)}"]
        lines += [f"garbage = {_number(cost.garbage)}"]
        lines += ["", f"[cases.{name}.functions]"]
        most = sorted(cost.functions.items(), key=lambda each: (-each[1], each[0]))
        lines += [f'"{at}" = {_number(each)}' for at, each in most if each * SHOWN >= cost.instructions]
    return "\n".join(lines) + "\n"


def _number(value: float) -> str:
    return f"{round(value, 2):g}" if value < 10_000 else f"{value:.0f}"


def verdicts(before: Counts, now: Counts) -> Iterator[tuple[str, str]]:
    """Yield `fail`, `warn` or `stale` with its text, for every figure that moved.

    On another minor version of Python instructions are not the same thing: nothing fails there.
    """
    same = before.python == now.python
    for name, then in before.cases.items():
        cost = now.cases[name]
        for figure in ("instructions", "calls", "texts", "garbage"):
            was, has = getattr(then, figure), getattr(cost, figure)
            ratio = has / was if was else 1.0 + has
            if STALE < ratio < WARN:
                continue
            kind = "stale" if ratio <= STALE else "fail" if ratio >= FAIL and same else "warn"
            text = f"{name}: {has:g} {figure}, baseline {was:g} ({ratio - 1:+.0%})"
            yield (
                kind,
                text
                + ("" if same else f"; on Python {now.python}, baseline {before.python}")
                + ("" if kind == "stale" else grown(then, cost)),
            )


def grown(then: Cost, now: Cost, *, most: int = 12) -> str:
    """Return the functions that take more than in the baseline, most first.

    The baseline has the large ones only; one it does not name may have had just less than a hundredth.
    """
    least = then.instructions / SHOWN
    more = {
        name: (each - then.functions.get(name, 0), name in then.functions)
        for name, each in now.functions.items()
        if each > then.functions.get(name, least)
    }
    rows = sorted(more.items(), key=lambda each: -each[1][0])[:most]
    return "".join(
        f"\n  {by:+10.1f}  {name}" + ("" if known else "  (not in the baseline)")
        for name, (by, known) in rows
    )
