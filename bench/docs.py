"""Write the tables of docs/performance.md anew, from the last result of each kind below bench/results.

A table stands between `<!-- bench: NAME -->` and `<!-- /bench -->`; what was not run here stays as it is.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from typing import Any

import heavy
import workers
from harness import report
from harness.results import newest
from harness.systems import ROOT
from harness.tables import Rows, markdown

PAGE = ROOT / "docs" / "performance.md"
SECTION = re.compile(r"(<!-- bench: ([\w-]+) -->\n).*?(<!-- /bench -->)", re.DOTALL)


def taken(result: dict[str, Any]) -> str:
    """Return when and on what a result was taken."""
    machine = result["machine"]
    day, load = machine["taken"][:10], machine["load_average"][0]
    return f"Taken {day} on {machine['cores']} cores, CPython {machine['python']}, {machine['platform']}; load {load:.1f} at the end."


def targets(result: dict[str, Any]) -> str:
    """Return which targets are met, and how far the others are."""
    met, others = report.distances(result)
    lines = [f"Met ({len(met)}): {'; '.join(met)}." if met else "None is met.", ""]
    return "\n".join([*lines, markdown(others)] if len(others) > 1 else lines[:1])


def soak(result: dict[str, Any]) -> str:
    """Return the verdicts of a soak and its latencies."""
    minutes = result["seconds"] // 60
    lines = [f"{minutes} minutes of mixed traffic. {taken(result)}", ""]
    lines += [f"- {'' if good else '**FAILED** '}{text}" for good, text in result["verdicts"]]
    rows: Rows = [["clients", "whole", "p50, ms", "p99, ms", "longest, ms"]]
    for flow in result["flows"]:
        if flow["completed"]:
            latency = (f"{flow['latency_ms'][name]:,.1f}" for name in ("p50", "p99", "max"))
            rows.append([flow["name"], f"{flow['completed']:,}", *latency])
    return "\n".join([*lines, "", markdown(rows)])


def small(result: dict[str, Any]) -> str:
    """Return the verdicts of the small machine."""
    lines = [f"{'' if good else '**FAILED** '}{text}" for good, text in result["verdicts"]]
    return "\n".join([taken(result), "", *(f"- {line}" for line in lines)])


def missing(result: dict[str, Any]) -> str:
    """Return what a run could not measure, as a list."""
    return "".join(f"\n- {line[:200]}" for line in report.missing(result))


SECTIONS: dict[str, tuple[str, Callable[[dict[str, Any]], str]]] = {
    "cpu": ("bench", lambda result: f"{taken(result)}\n\n{markdown(report.cpu_rows(result))}"),
    "figures": ("bench", lambda result: markdown(report.figure_rows(result))),
    "targets": ("bench", targets),
    "peers": (
        "peers",
        lambda result: f"{taken(result)}\n\n{markdown(report.comparison_rows(result))}\n{missing(result)}",
    ),
    "bodies": ("heavy", lambda result: f"{taken(result)}\n\n{markdown(heavy.body_rows(result))}"),
    "streams": ("heavy", lambda result: markdown(heavy.stream_rows(result))),
    "workers": ("workers", lambda result: f"{taken(result)}\n\n{markdown(workers.rows(result))}"),
    "soak": ("soak", soak),
    "small": ("small", small),
}


def fill(page: str) -> str:
    """Return the page with every table written anew whose result is there."""

    def write(match: re.Match[str]) -> str:
        kind, make = SECTIONS[match[2]]
        result = newest(kind)
        if result is None:
            print(f"{match[2]}: no {kind} result below bench/results, left as it is", file=sys.stderr)
            return match[0]
        return f"{match[1]}{make(result).strip()}\n{match[3]}"

    return SECTION.sub(write, page)


def main() -> None:
    """Write the page."""
    PAGE.write_text(fill(PAGE.read_text("utf-8")), encoding="utf-8")
    print(f"written: {PAGE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
