"""Mixed traffic for minutes or an hour: everything a day brings, and everything flat.

Flows run side by side: plain and streamed requests on every route, big ones, providers that refuse every fourth request,
break every third stream off or keep their head back, clients that hang up, clients that read slowly. A provider with faults
stands first in a combo and a sound one behind it, so that those clients must have whole answers all the same.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field, replace
from statistics import median
from typing import Any

from harness.cases import ANTHROPIC, OPENAI, Case, agent_case, dump, plain_case, stream_case
from harness.load import Outcome, finish
from harness.scene import Failures, Scene
from harness.systems import ALL, PLACEHOLDER_KEY

CHUNKS, INTERVAL_MS = 60, 50
REFUSING, BREAKING, SLOW_HEAD = "oa-e4", f"oa-c{CHUNKS}-i{INTERVAL_MS}-x3", "oa-h700"
REFUSED = "oa-e1"
LONG = (2000, 3)
MODELS = {
    OPENAI: ["oa", f"oa-c{CHUNKS}-i{INTERVAL_MS}", f"oa-c{LONG[0]}-i{LONG[1]}", "oa-c200-i20", SLOW_HEAD],
    ANTHROPIC: ["an", f"an-c{CHUNKS}-i{INTERVAL_MS}", "an-c200-i20"],
}
SETTINGS = f"""
[[accounts]]
name = "flaky"
preset = "custom-openai"
base_url = "http://127.0.0.1:{{upstream}}/v1"
api_key = "{PLACEHOLDER_KEY}"
models = ["{REFUSING}", "{BREAKING}", "{REFUSED}"]
dialects = ["openai_chat"]

[routing.combos.soak-refusing]
members = [{{ model = "flaky/{REFUSING}" }}, {{ model = "bench-oa/oa" }}]

[routing.combos.soak-breaking]
members = [{{ model = "flaky/{BREAKING}" }}, {{ model = "bench-oa/oa-c{CHUNKS}-i{INTERVAL_MS}" }}]
"""


@dataclass(frozen=True, kw_only=True)
class Length:
    """How long a run is, and what it may conclude: `growth_mb` is what memory may grow behind the warm-up."""

    seconds: int
    warm_up: int
    every: float
    print_every: int
    growth_mb: float


# The law is a slope below 1 MB an hour. Three minutes cannot see that: readings of a loaded process differ by about
# a megabyte, so all they can show is a leak of some 40 MB an hour.
SHORT = Length(seconds=300, warm_up=120, every=1.0, print_every=30, growth_mb=2.0)
HOUR = Length(seconds=3600, warm_up=900, every=5.0, print_every=180, growth_mb=0.75)


@dataclass(frozen=True, kw_only=True)
class Flow:
    """One kind of client; `strict` ones must get every answer whole."""

    name: str
    case: Case
    options: dict[str, Any] = field(default_factory=dict[str, Any])
    strict: bool = True


def flows() -> list[Flow]:
    """Return all kinds of clients."""
    found: list[Flow] = []
    for route in sorted(ALL):
        case = plain_case(*route)
        found.append(Flow(name=case.name, case=case, options={"rate": 20, "connections": 8}))
        case = stream_case(*route, chunks=CHUNKS, interval_ms=INTERVAL_MS)
        found.append(Flow(name=case.name, case=case, options={"connections": 12, "ramp_ms": 3000}))
    plain, stream = plain_case(OPENAI, OPENAI), stream_case(OPENAI, OPENAI, chunks=CHUNKS)
    hung, slow = (
        stream_case(OPENAI, ANTHROPIC, chunks=200, interval_ms=20),
        stream_case(OPENAI, OPENAI, chunks=LONG[0], interval_ms=LONG[1]),
    )
    few = {"connections": 8, "ramp_ms": 1000}
    return [
        *found,
        Flow(
            name="120 KB translated",
            case=agent_case(ANTHROPIC, OPENAI),
            options={"rate": 2, "connections": 4},
        ),
        Flow(
            name="refusals, rescued",
            case=_named(plain, "soak-refusing"),
            options={"rate": 20, "connections": 8},
        ),
        Flow(name="cut streams, rescued", case=_named(stream, "soak-breaking"), options=few),
        Flow(name="slow heads", case=_named(plain, SLOW_HEAD), options={"rate": 4, "connections": 8}),
        Flow(
            name="refusals", case=_named(plain, REFUSED), options={"rate": 2, "connections": 2}, strict=False
        ),
        Flow(name="hang-ups", case=hung, options={**few, "hangup_ms": 900}, strict=False),
        Flow(name="slow readers", case=slow, options={"connections": 3, "slow": 50_000}),
    ]


def _named(case: Case, model: str) -> Case:
    return replace(case, body=dump(json.loads(case.body) | {"model": model}))


def endure(scene: Scene, failures: Failures, length: Length) -> dict[str, Any]:
    """Run all flows for the time given; return the series and what became of each flow."""
    scene.warm_up()
    before = scene.state("before")
    kinds = flows()
    started = [
        scene.client.start(**scene.subject.aim(flow.case), seconds=length.seconds, **flow.options)
        for flow in kinds
    ]
    begun = time.monotonic()
    series: list[dict[str, Any]] = []
    printed = 0.0
    while any(process.poll() is None for process in started):
        at = time.monotonic() - begun
        if at >= length.seconds:
            time.sleep(0.2)
            continue
        series.append({"at": round(at, 1), **scene.look()})
        if at - printed >= length.print_every:
            printed = at
            scene.state(f"after {at / 60:.1f} min")
        time.sleep(max(0.0, length.every - (time.monotonic() - begun - at)))
    outcomes = [finish(process) for process in started]
    report = [_told(flow, outcome) for flow, outcome in zip(kinds, outcomes, strict=True)]
    for flow, outcome in zip(kinds, outcomes, strict=True):
        told = (
            f"{flow.name}: {outcome.completed} whole, {outcome.failed} failed {outcome.first_error}".rstrip()
        )
        failures.check(not flow.strict or (outcome.completed > 0 and not outcome.failed), told)
    faults = scene.mock_stats()["faults"]
    failures.check(
        faults > 0, f"{faults} faults of the provider, {outcomes[-2].raw['hung_up']} clients hung up"
    )
    slope = check_flat(series, failures, length)
    scene.check_nothing_left(failures, before)
    return {
        "seconds": length.seconds,
        "before": before,
        "series": series,
        "flows": report,
        "slope_mb_h": slope,
    }


def check_flat(series: list[dict[str, Any]], failures: Failures, length: Length) -> float:
    """Check memory, tasks, sockets, descriptors and threads behind the warm-up; return the slope of memory in MB/h."""
    later = [row for row in series if row["at"] >= length.warm_up]
    hours = (length.seconds - length.warm_up) / 3600
    slope = trend([(row["at"] / 3600, row["rss_mb"]) for row in later])
    limit = length.growth_mb / hours
    failures.check(
        slope < limit,
        f"memory: {slope:+.2f} MB/h behind the warm-up of {length.warm_up} s (limit {limit:.0f}; "
        f"{later[0]['rss_mb']} to {later[-1]['rss_mb']} MB)",
    )
    third = max(1, len(later) // 3)
    for name in ("tasks", "sockets", "descriptors", "threads"):
        if later[0][name] is None:
            print(f"     {name}: not visible")
            continue
        first, last = (median(row[name] for row in part) for part in (later[:third], later[-third:]))
        failures.check(last <= first * 1.1 + 4, f"{name}: {first:g} in the first third, {last:g} in the last")
    return slope


def trend(points: list[tuple[float, float]], parts: int = 24) -> float:
    """Return the slope through `points`: the median of the slopes between medians of parts (Theil and Sen)."""
    size = max(1, len(points) // parts)
    groups = [points[index : index + size] for index in range(0, len(points), size)]
    middles = [(median(x for x, _ in group), median(y for _, y in group)) for group in groups]
    slopes = [
        (y2 - y1) / (x2 - x1)
        for index, (x1, y1) in enumerate(middles)
        for x2, y2 in middles[index + 1 :]
        if x2 > x1
    ]
    return median(slopes) if slopes else 0.0


def _told(flow: Flow, outcome: Outcome) -> dict[str, Any]:
    row = {
        "name": flow.name,
        "completed": outcome.completed,
        "failed": outcome.failed,
        "hung_up": outcome.raw["hung_up"],
        "latency_ms": {name: outcome.percentile(name) / 1000 for name in ("p50", "p90", "p99", "max")},
        "gap_p99_ms": outcome.percentile("p99", "gap_us") / 1000,
    }
    latency = "  ".join(f"{name} {value:.1f}" for name, value in row["latency_ms"].items())
    print(f"     {flow.name:<22} {latency} ms", flush=True)
    return row
