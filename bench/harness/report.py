"""Turn samples into tables: medians with the minimum beside, ratios to the reference proxy, targets.

The targets were set in multiples of a minimal Go `net/http` proxy that decodes the JSON. That proxy and nginx were
measured once in the same run as our reference (README.md, "The reference and its conversion"); the factors below turn
the targets into multiples of the reference, which every run measures anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median
from typing import Any, NamedTuple

from harness.cases import CASES, CHUNKS, Case
from harness.tables import print_table

SUBJECT = "gateway"
REFERENCE = "proxy"
GO = "go"
COALESCED = 1.05
GLUED_MARK = "*"

GO_PER_REFERENCE = {"plain": 6.0, "agent": 36.8, "chunk": 1.7}
TARGETS = {
    "plain": ("plain", 1.5, 2.5),
    "translated": ("plain", 1.8, 3.0),
    "agent": ("agent", 0.2, 0.5),
    "stream": ("chunk", 1.5, 2.5),
    "stream translated": ("chunk", 2.0, 3.5),
}
"""By a case's group: the factor that converts it, then target and first milestone in multiples of the Go proxy."""


LATENCY_CASES = (CASES[0], CASES[2])
LATENCY_TARGETS = {"p50": (0.4, 0.6), "p99": (1.5, 3.0)}


def print_report(result: dict[str, Any], before: dict[str, Any] | None = None) -> None:
    """Print every table of a finished run; `before` is an earlier one to compare with."""
    machine = result["machine"]
    print(f"\n{machine['platform']}, Python {machine['python']}, load {machine['load_average'][0]:.2f}")
    if machine["system_core"] == machine["client_core"]:
        print("ONE CORE ONLY: mock, client and system share it; latency and RPS say little.")
    print("\nCPU time of the system's process tree, µs per request (streams: per chunk): median (minimum)")
    rows = cpu_rows(result, before)
    print_table(rows)
    if any(cell.startswith(GLUED_MARK) for row in rows for cell in row):
        print(f"{GLUED_MARK} chunks reached the client glued together, which flatters the figure")
    print("\nOther figures (absolute targets are those of the quiet reference machine)")
    print_table(figure_rows(result))
    print(f"direct, without anything between: {_best_rps(result['samples'], 'direct'):,.0f} requests/s")
    if SUBJECT in result["memory"] and len(result["memory"]) > 2:
        print("\nHow many times what the gateway takes, in this run")
        print_table(comparison_rows(result))
    for line in [*result["notes"], *missing(result)]:
        print(line)


def missing(result: dict[str, Any]) -> list[str]:
    """Return what was not measured, with the reasons."""
    lines = [f"NOT MEASURED: {name}: {reason}" for name, reason in result["absent"].items()]
    lines += [f"NOT MEASURED: {name}: {reason}" for name, reason in result["given_up"].items()]
    for name, memory in result["memory"].items():
        if memory["failed"]:
            error = memory["first_error"]
            lines.append(
                f"{name}: {memory['failed']} of the {memory['open_streams']} open streams FAILED: {error}"
            )
    return lines


def costs(samples: dict[str, Any], system: str, case: Case) -> list[float]:
    """Return µs of CPU by round: per request, or per chunk for a stream (less its route's plain request)."""
    values = [sample["cpu_us"] for sample in samples.get(system, {}).get(case.name, [])]
    if not case.chunks:
        return values
    plain = costs(samples, system, _plain_twin(case))
    return (
        [(stream - base) / CHUNKS for stream, base in zip(values, plain, strict=True)]
        if values and plain
        else []
    )


def ratios(samples: dict[str, Any], system: str, case: Case, to: str = REFERENCE) -> list[float]:
    """Return by round a system's cost ÷ the cost of another for the same client without translation."""
    mine = costs(samples, system, case)
    theirs = costs(samples, to, _untranslated(case))
    return [value / base for value, base in zip(mine, theirs, strict=True)] if mine else []


def _plain_twin(case: Case) -> Case:
    return next(
        other for other in CASES if other.route == case.route and other.group in ("plain", "translated")
    )


def _untranslated(case: Case) -> Case:
    route = (case.client, case.client)
    group = {"translated": "plain"}.get(case.group, case.group.split()[0])
    return next(other for other in CASES if other.route == route and other.group == group)


def cpu_rows(result: dict[str, Any], before: dict[str, Any] | None = None) -> list[list[str]]:
    """Return the table of CPU times, headings first.

    `before` gives the column of the earlier ratio; where the Go proxy ran too, a last column holds the gateway
    against it, beside the target as it was set.
    """
    samples, names = result["samples"], list(result["memory"])
    rows = [["case", *names, "× proxy", *(["before"] if before else []), "target", "first", "verdict"]]
    for case in CASES:
        row = _cpu_row(samples, names, case)
        if before:
            earlier = ratios(before["samples"], SUBJECT, case)
            row.insert(len(names) + 2, f"{median(earlier):.2f}" if earlier else "-")
        rows.append(row)
    if GO in names:
        for row, cell in zip(rows, ["× Go", *(_go_cell(samples, case) for case in CASES)], strict=True):
            row.append(cell)
    return rows


def figure_rows(result: dict[str, Any]) -> list[list[str]]:
    """Return the table of the other figures, headings first."""
    names = list(result["memory"])
    rows = [["figure", *names, "target", "first", "verdict"]]
    return rows + [_figure_row(figure, names) for figure in _figures(result)]


def comparison_rows(result: dict[str, Any]) -> list[list[str]]:
    """Return by case and figure how many times the gateway's each other system takes, headings first."""
    samples = result["samples"]
    names = [name for name in result["memory"] if name != SUBJECT]
    rows = [["", *names]]
    for case in CASES:
        mine = costs(samples, SUBJECT, case)
        theirs = {name: costs(samples, name, case) for name in names}
        rows.append([case.name, *(_times(mine, theirs[name]) for name in names)])
    for figure in _figures(result):
        mine = figure.values.get(SUBJECT)
        values = [figure.values.get(name) for name in names]
        cells = [
            f"{value / mine:.2g}" if mine and value is not None and value > 0 else "-" for value in values
        ]
        rows.append([figure.label, *cells])
    return rows


def _times(mine: list[float], theirs: list[float]) -> str:
    found = [other / own for own, other in zip(mine, theirs, strict=False)]
    return f"{median(found):.2g}" if found else "-"


def _cpu_row(samples: dict[str, Any], names: list[str], case: Case) -> list[str]:
    return [case.name, *(_cell(samples, name, case) for name in names), *_verdict_cells(samples, case)]


def _cell(samples: dict[str, Any], system: str, case: Case) -> str:
    values = costs(samples, system, case)
    if not values:
        return "-"
    mark = GLUED_MARK if case.chunks and _glued(samples, system, case) else ""
    return f"{mark}{median(values):.1f} ({min(values):.1f})"


def _verdict_cells(samples: dict[str, Any], case: Case) -> list[str]:
    found, limits = ratios(samples, SUBJECT, case), _limits(case)
    ratio = f"{median(found):.2f}" if found else "-"
    if limits is None:
        return [ratio, "", "", ""]
    shown = [f"≤ {limit:.2f}" for limit in limits]
    if not found:
        return [ratio, *shown, ""]
    glued = bool(case.chunks) and _glued(samples, SUBJECT, case)
    verdict = "INVALID: chunks were glued" if glued else _verdict(median(found), *limits)
    return [ratio, *shown, verdict]


def _go_cell(samples: dict[str, Any], case: Case) -> str:
    found = ratios(samples, SUBJECT, case, GO)
    if not found or case.group not in TARGETS:
        return f"{median(found):.2f}" if found else "-"
    return f"{median(found):.2f} (≤ {TARGETS[case.group][1]:g})"


def _limits(case: Case) -> tuple[float, float] | None:
    """Return target and first milestone as multiples of the reference."""
    if case.group not in TARGETS:
        return None
    kind, target, first = TARGETS[case.group]
    return target * GO_PER_REFERENCE[kind], first * GO_PER_REFERENCE[kind]


def distances(result: dict[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Return the names of the figures whose target is met, and the table of the others with their distance."""
    met: list[str] = []
    rows = [["not met", "measured", "target", "first milestone", "distance to the target"]]
    for label, value, form, limits, larger in _judged(result):
        target, first = limits
        times = target / value if larger else value / target
        if times <= 1:
            met.append(label)
            continue
        reached = first <= value if larger else value <= first
        shown = [form.format(each) for each in (value, target, first)]
        rows.append(
            [label, shown[0], shown[1], f"{shown[2]}{' (met)' if reached else ''}", f"{times:.2f} times"]
        )
    return met, rows


def _judged(result: dict[str, Any]) -> Iterator[tuple[str, float, str, tuple[float, float], bool]]:
    for case in CASES:
        found, limits = ratios(result["samples"], SUBJECT, case), _limits(case)
        if found and limits:
            unit = "× reference, a chunk" if case.chunks else "× reference"
            yield f"{case.name}, {unit}", median(found), "{:.2f}", limits, False
    for figure in _figures(result):
        if figure.limits and SUBJECT in figure.values:
            yield figure.label, figure.values[SUBJECT], figure.form, figure.limits, figure.larger


def _glued(samples: dict[str, Any], system: str, case: Case) -> bool:
    return median(sample["chunks_per_read"] for sample in samples[system][case.name]) > COALESCED


def _verdict(value: float, target: float, first: float) -> str:
    if value <= target:
        return "target met"
    return "first milestone met" if value <= first else "OVER"


class _Figure(NamedTuple):
    """One row: values by system, and limits; `larger` means that more is better, no limits mean no verdict."""

    label: str
    values: dict[str, float]
    form: str
    limits: tuple[float, float] | None = None
    larger: bool = False


def _figures(result: dict[str, Any]) -> list[_Figure]:
    samples, memory, cold = result["samples"], result["memory"], result["cold_start"]
    found: list[_Figure] = []
    for case in LATENCY_CASES:
        for name, limits in LATENCY_TARGETS.items():
            label = f"added latency {name}, {case.name}, ms"
            found.append(_Figure(label, _added_latency(samples, case, name), "{:.3f}", limits))
    per_thousand = _column(memory, "per_1000_streams_mb")
    rates = {name: rate for name in memory if (rate := _best_rps(samples, name))}
    return [
        *found,
        _Figure("RSS idle, MB", _column(memory, "idle_mb"), "{:.1f}", (70, 90)),
        _Figure("RSS per 1,000 open streams, MB", per_thousand, "{:.1f}", (20, 35)),
        _Figure("cold start, median, s", _column(cold, "median_s"), "{:.3f}", (0.6, 1.0)),
        _Figure("cold start, best, s", _column(cold, "best_s"), "{:.3f}"),
        _Figure("first start ever, s", _column(cold, "empty_s"), "{:.3f}"),
        _Figure("best RPS, one core, oa→oa plain", rates, "{:,.0f}", (9000, 6000), larger=True),
    ]


def _figure_row(figure: _Figure, names: list[str]) -> list[str]:
    cells = [figure.form.format(figure.values[name]) if name in figure.values else "-" for name in names]
    if figure.limits is None:
        return [figure.label, *cells, "", "", ""]
    sign, relation = (-1, "≥") if figure.larger else (1, "≤")
    shown = [f"{relation} {figure.form.format(limit)}" for limit in figure.limits]
    mine = figure.values.get(SUBJECT)
    verdict = "" if mine is None else _verdict(sign * mine, *(sign * limit for limit in figure.limits))
    return [figure.label, *cells, *shown, verdict]


def _column(table: dict[str, dict[str, float]], key: str) -> dict[str, float]:
    return {name: row[key] for name, row in table.items()}


def _added_latency(samples: dict[str, Any], case: Case, percentile: str) -> dict[str, float]:
    series = f"{case.name} added latency"
    return {
        name: median(sample[f"{percentile}_us"] for sample in cases[series]) / 1000
        for name, cases in samples.items()
        if series in cases
    }


def _best_rps(samples: dict[str, Any], name: str) -> float:
    return max((sample["rps"] for sample in samples.get(name, {}).get(CASES[0].name, [])), default=0.0)
