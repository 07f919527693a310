"""Measure Flow Router against a reference proxy on loopback and print the figures beside their targets.

All systems are up at once and are loaded in turn, round after round, so that noise hits all alike. The system under
test has one core, the mock upstream and the client share another. `python bench/run.py --help` lists the options.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from harness.build import BENCH, compile_all
from harness.cases import ANTHROPIC, CASES, CHUNKS, INTERVAL_MS, OPENAI, Case, model_name, stream_case
from harness.load import Client, Outcome, finish
from harness.meters import Running, cold_starts, cores, free_port, raise_file_limit
from harness.report import LATENCY_CASES, print_report
from harness.systems import Place, System, gateway, load_peer, mock_upstream, nginx, reference_proxy

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


@dataclass
class Session:
    """Everything that is up during a run, and the samples taken so far."""

    client: Client
    mock_port: int
    systems: list[Running]
    effort: Effort
    samples: Samples = field(default_factory=dict[str, dict[str, list[dict[str, Any]]]])

    def add(self, system: str, case: str, sample: dict[str, Any]) -> None:
        """Keep one sample of a case."""
        self.samples.setdefault(system, {}).setdefault(case, []).append(sample)


def measure_case(session: Session, running: Running, case: Case) -> None:
    """Load one system with one case and keep its CPU time per completed request."""
    effort = session.effort
    amount = {"requests": effort.streams} if case.chunks else {"seconds": effort.seconds}
    before = running.tree.cpu_ns()
    outcome = session.client.run(case, running.port, headers=running.headers, **amount)
    spent = running.tree.cpu_ns() - before
    _require_clean(running.name, case, outcome)
    session.add(
        running.name, case.name, {"cpu_us": spent / 1000 / outcome.completed, **_facts(outcome, case)}
    )


def _facts(outcome: Outcome, case: Case) -> dict[str, Any]:
    facts = {
        "rps": outcome.rps,
        "completed": outcome.completed,
        "p50_us": outcome.percentile("p50"),
        "p99_us": outcome.percentile("p99"),
        "first_byte_p50_us": outcome.percentile("p50", "first_byte_us"),
    }
    return facts | {"chunks_per_read": outcome.chunks_per_read} if case.chunks else facts


def _require_clean(name: str, case: Case, outcome: Outcome) -> None:
    if outcome.failed or not outcome.completed:
        raise SystemExit(
            f"{name}, {case.name}: {outcome.failed} of the requests failed: {outcome.first_error}"
        )


def measure_direct(session: Session, case: Case) -> None:
    """Load the mock itself: the ceiling of the set-up, without CPU figures."""
    outcome = session.client.run(case, session.mock_port, seconds=session.effort.seconds)
    _require_clean("direct", case, outcome)
    session.add("direct", case.name, _facts(outcome, case))


def measure_latency(session: Session, running: Running, case: Case) -> None:
    """Send single requests in turn to the mock and through the system; keep what the detour adds."""
    seconds = session.effort.latency_seconds
    outcome = session.client.run(
        case, session.mock_port, pair_port=running.port, headers=running.headers, seconds=seconds
    )
    _require_clean(running.name, case, outcome)
    added = {
        f"{name}_us": outcome.percentile(name, "pair_latency_us") - outcome.percentile(name)
        for name in ("p50", "p90", "p99")
    }
    session.add(running.name, f"{case.name} added latency", added)


def warm_up(session: Session) -> None:
    """Fill pools and caches before anything is counted."""
    for running in session.systems:
        for case in CASES:
            if case.route in running.system.routes and not case.chunks:
                outcome = session.client.run(case, running.port, headers=running.headers, seconds=0.2)
                _require_clean(running.name, case, outcome)


def run_rounds(session: Session) -> None:
    """Run every case on every system, interleaved."""
    for number in range(session.effort.rounds):
        print(f"round {number + 1} of {session.effort.rounds}", file=sys.stderr)
        measure_direct(session, CASES[0])
        for case in CASES:
            for running in session.systems:
                if case.route in running.system.routes:
                    measure_case(session, running, case)
        for running in session.systems:
            for case in LATENCY_CASES:
                if case.route in running.system.routes:
                    measure_latency(session, running, case)


def measure_memory(session: Session, running: Running, idle_mb: float) -> dict[str, Any]:
    """Hold many streams open, half of them translated where possible, and read the resident memory."""
    count = session.effort.open_streams
    routes = [(OPENAI, OPENAI), (OPENAI, ANTHROPIC)]
    routes = [route for route in routes if route in running.system.routes]
    before = running.tree.rss_mb()
    started = [
        session.client.start(
            stream_case(*route, chunks=RSS_CHUNKS, interval_ms=RSS_INTERVAL_MS),
            running.port,
            headers=running.headers,
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
    failed = sum(outcome.failed for outcome in outcomes)
    return {
        "idle_mb": idle_mb,
        "before_mb": before,
        "peak_mb": peak,
        "after_mb": running.tree.rss_mb(),
        "open_streams": count,
        "failed": failed,
        "first_error": next((outcome.first_error for outcome in outcomes if outcome.failed), ""),
        "per_1000_streams_mb": (peak - before) * 1000 / count,
    }


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


def choose_systems(options: argparse.Namespace, programs: dict[str, str]) -> list[System]:
    """Return the systems of this run; the reference proxy is always among them."""
    chosen = [reference_proxy(programs)]
    if beside := nginx(options.nginx):
        chosen.append(beside)
    else:
        print("note: nginx is not installed, so it is not measured beside the reference", file=sys.stderr)
    chosen += [load_peer(path) for path in options.peer]
    if not options.without_gateway:
        chosen.append(gateway())
    return chosen


def measure(options: argparse.Namespace, base: Path) -> dict[str, Any]:
    """Start everything, measure, stop everything; return all samples."""
    effort = QUICK if options.quick else FULL
    programs = compile_all()
    system_core, client_core = cores()
    os.sched_setaffinity(0, {client_core})
    client = Client(programs["load"], core=client_core)
    mock_port = free_port()
    mock = Running(mock_upstream(programs), _place(base, "mock", mock_port, upstream=0), core=client_core)
    mock.wait_ready()
    session = Session(client=client, mock_port=mock_port, systems=[], effort=effort)
    systems = choose_systems(options, programs)
    result: dict[str, Any] = {"memory": {}, "cold_start": {}, "notes": []}
    try:
        for system in systems:
            running = Running(
                system, _place(base, system.name, free_port(), upstream=mock_port), core=system_core
            )
            session.systems.append(running)
            running.wait_ready()
            result["notes"] += [running.launch.note] if running.launch.note else []
        time.sleep(1.0)
        idle = {running.name: running.tree.rss_mb() for running in session.systems}
        warm_up(session)
        run_rounds(session)
        for running in session.systems:
            result["memory"][running.name] = measure_memory(session, running, idle[running.name])
        for running in session.systems:
            running.stop()
        for system in systems:
            place = _place(base, f"{system.name}-cold", free_port(), upstream=mock_port)
            first, later = cold_starts(system, place, core=system_core, times=effort.cold_starts)
            result["cold_start"][system.name] = {
                "empty_s": first,
                "best_s": min(later),
                "median_s": median(later),
            }
    finally:
        for running in [*session.systems, mock]:
            running.stop()
    return result | {"samples": session.samples, "machine": _machine(system_core, client_core)}


def _place(base: Path, name: str, port: int, *, upstream: int) -> Place:
    return Place(directory=base / name, port=port, upstream_port=upstream, models=model_names())


def _machine(system_core: int, client_core: int) -> dict[str, Any]:
    return {
        "platform": platform.platform(),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "system_core": system_core,
        "client_core": client_core,
        "load_average": os.getloadavg(),
        "taken": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }


def main() -> None:
    """Read the options, measure, report, save."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="about a minute instead of five")
    parser.add_argument("--save", type=Path, metavar="FILE", help="also write the JSON result there")
    parser.add_argument("--nginx", metavar="PATH", help="the nginx program, if it is not on the path")
    parser.add_argument(
        "--peer", type=Path, action="append", default=[], metavar="TOML", help="measure this too"
    )
    parser.add_argument("--without-gateway", action="store_true", help="only the reference and the peers")
    options = parser.parse_args()
    raise_file_limit()
    with tempfile.TemporaryDirectory(prefix="flow-router-bench-") as base:
        result = measure(options, Path(base))
    print_report(result)
    text = json.dumps(result, indent=1)
    results = BENCH / "results"
    results.mkdir(exist_ok=True)
    for target in (results / time.strftime("%Y%m%d-%H%M%S.json"), options.save):
        if target:
            target.write_text(text, encoding="utf-8")
            print(f"written: {target}")


if __name__ == "__main__":
    main()
