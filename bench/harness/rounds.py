"""The measuring itself: every case on every system, round after round, so that noise hits all alike."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from harness.cases import ANTHROPIC, CASES, CHUNKS, INTERVAL_MS, OPENAI, Case, model_name, stream_case
from harness.load import Client, Outcome, finish
from harness.meters import Running
from harness.report import LATENCY_CASES

RSS_CHUNKS, RSS_INTERVAL_MS = 40, 100

Samples = dict[str, dict[str, list[dict[str, Any]]]]
"""By system and case: one sample a round."""


@dataclass(frozen=True, kw_only=True)
class Effort:
    """How long each part takes."""

    rounds: int
    seconds: float
    streams: int
    latency_seconds: float
    open_streams: int
    cold_starts: int


FULL = Effort(rounds=5, seconds=2.0, streams=32, latency_seconds=2.0, open_streams=500, cold_starts=5)
QUICK = Effort(rounds=3, seconds=0.5, streams=16, latency_seconds=0.6, open_streams=500, cold_starts=5)
# The slow ones among the peers need 20 ms a request, 1 ms a chunk and half a minute to start.
PEERS = Effort(rounds=3, seconds=2.0, streams=16, latency_seconds=2.0, open_streams=100, cold_starts=5)


@dataclass
class Session:
    """Everything that is up during a run, and the samples taken so far."""

    client: Client
    mock_port: int
    effort: Effort
    systems: list[Running] = field(default_factory=list[Running])
    samples: Samples = field(default_factory=dict[str, dict[str, list[dict[str, Any]]]])
    given_up: dict[str, str] = field(default_factory=dict[str, str])
    """By `system, case`: why it was not measured."""

    def add(self, system: str, case: str, sample: dict[str, Any]) -> None:
        """Keep one sample of a case."""
        self.samples.setdefault(system, {}).setdefault(case, []).append(sample)

    def takes(self, running: Running, case: Case) -> bool:
        """Return whether a system serves a case, and has not failed at it."""
        return case.route in running.system.routes and f"{running.name}, {case.name}" not in self.given_up

    def clean(self, running: Running, case: Case, outcome: Outcome) -> bool:
        """Return whether all went well; a peer that fails is not asked for this case again, others end the run."""
        if outcome.completed and not outcome.failed:
            return True
        name = f"{running.name}, {case.name}"
        text = f"{outcome.failed} of the requests failed: {outcome.first_error}"
        if not running.system.peer:
            raise SystemExit(f"{name}: {text}")
        print(f"NOT MEASURED: {name}: {text}", file=sys.stderr)
        self.given_up[name] = text
        self.samples.get(running.name, {}).pop(case.name, None)
        return False


def measure_case(session: Session, running: Running, case: Case) -> None:
    """Load one system with one case and keep its CPU time per completed request."""
    effort = session.effort
    amount = {"requests": effort.streams} if case.chunks else {"seconds": effort.seconds}
    before = running.tree.cpu_ns()
    outcome = session.client.run(**running.aim(case), **amount)
    spent = running.tree.cpu_ns() - before
    if session.clean(running, case, outcome):
        cost = {"cpu_us": spent / 1000 / outcome.completed}
        session.add(running.name, case.name, cost | _facts(outcome, case))


def _facts(outcome: Outcome, case: Case) -> dict[str, Any]:
    facts = {
        "rps": outcome.rps,
        "completed": outcome.completed,
        "p50_us": outcome.percentile("p50"),
        "p99_us": outcome.percentile("p99"),
        "first_byte_p50_us": outcome.percentile("p50", "first_byte_us"),
    }
    return facts | {"chunks_per_read": outcome.chunks_per_read} if case.chunks else facts


def measure_direct(session: Session, case: Case) -> None:
    """Load the mock itself: the ceiling of the set-up, without CPU figures."""
    outcome = session.client.run(case, session.mock_port, seconds=session.effort.seconds)
    if outcome.failed:
        raise SystemExit(f"the mock failed: {outcome.first_error}")
    session.add("direct", case.name, _facts(outcome, case))


def measure_latency(session: Session, running: Running, case: Case) -> None:
    """Send single requests in turn to the mock and through the system; keep what the detour adds."""
    aim = running.aim(case) | {"port": session.mock_port, "pair_port": running.port}
    outcome = session.client.run(**aim, seconds=session.effort.latency_seconds)
    if session.clean(running, case, outcome):
        added = {
            f"{name}_us": outcome.percentile(name, "pair_latency_us") - outcome.percentile(name)
            for name in ("p50", "p90", "p99")
        }
        session.add(running.name, f"{case.name} added latency", added)


def warm_up(session: Session) -> None:
    """Fill pools and caches before anything is counted."""
    for running in session.systems:
        for case in CASES:
            if session.takes(running, case) and not case.chunks:
                session.clean(running, case, session.client.run(**running.aim(case), seconds=0.2))


def run_rounds(session: Session) -> None:
    """Run every case on every system, interleaved."""
    for number in range(session.effort.rounds):
        print(f"round {number + 1} of {session.effort.rounds}", file=sys.stderr)
        measure_direct(session, CASES[0])
        for case in CASES:
            for running in session.systems:
                if session.takes(running, case):
                    measure_case(session, running, case)
        for running in session.systems:
            for case in LATENCY_CASES:
                if session.takes(running, case):
                    measure_latency(session, running, case)


def measure_memory(session: Session, running: Running, idle_mb: float) -> dict[str, Any]:
    """Hold many streams open, half of them translated where possible, and read the resident memory."""
    count = session.effort.open_streams
    routes = [(OPENAI, OPENAI), (OPENAI, ANTHROPIC)]
    routes = [route for route in routes if route in running.system.routes] or list(running.system.routes)[:1]
    before = running.tree.rss_mb()
    started = [
        session.client.start(
            **running.aim(stream_case(*route, chunks=RSS_CHUNKS, interval_ms=RSS_INTERVAL_MS)),
            connections=count // len(routes),
            requests=count // len(routes),
            ramp_ms=1000,
        )
        for route in routes
    ]
    peak = before
    while any(process.poll() is None for process in started):
        peak = max(peak, running.tree.rss_mb())
        time.sleep(0.1)
    outcomes = [finish(process) for process in started]
    return {
        "idle_mb": idle_mb,
        "before_mb": before,
        "peak_mb": peak,
        "after_mb": running.tree.rss_mb(),
        "open_streams": count,
        "failed": sum(outcome.failed for outcome in outcomes),
        "first_error": next((outcome.first_error for outcome in outcomes if outcome.failed), ""),
        "per_1000_streams_mb": (peak - before) * 1000 / count,
    }


def summary(first: float, later: list[float]) -> dict[str, float]:
    """Return the starts as they are reported."""
    return {"empty_s": first, "best_s": min(later), "median_s": median(later)}


def model_names() -> dict[str, list[str]]:
    """Return every model name the cases use, by upstream dialect."""
    return {
        dialect: [
            model_name(dialect),
            model_name(dialect, CHUNKS, INTERVAL_MS),
            model_name(dialect, RSS_CHUNKS, RSS_INTERVAL_MS),
        ]
        for dialect in (OPENAI, ANTHROPIC)
    }
