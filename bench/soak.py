"""Hold hundreds of streams open through the gateway and check every one; or kill the gateway under load.

The default run holds N streams of 100 ms chunks for S seconds on all four routes. The mock numbers its chunks, the
client checks order, number and terminator of each stream; memory, descriptors and the mock's connections are stated
before, during and after, and again after a wave of clients that hang up. With `--kill` the gateway is killed with
SIGKILL under load and restarted, and the request log is compared with what the client has seen answered.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import sqlite3
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from harness.build import compile_all
from harness.cases import ANTHROPIC, OPENAI, model_name, plain_case, stream_case
from harness.load import Client, Outcome, finish
from harness.meters import Running, cores, free_port, http_get, raise_file_limit
from harness.systems import ALL, Place, gateway, mock_upstream, reference_proxy

INTERVAL_MS = 100
RAMP_MS = 2000
CUT_CHUNKS = 600
CANCEL_LIMIT_SECONDS = 2.0

DATABASE = "data/flow-router.sqlite"
TABLE, ID_COLUMN = "requests", "id"
LOSS_WINDOW_SECONDS = 0.2
KILL_AFTER_SECONDS = 3.0
JOURNAL_SECONDS = 2.0

TASKS_PATH = "/metrics"
TASKS_PATTERN = re.compile(rb"^\w*asyncio_tasks\w*(?:\{[^}]*\})? (\d+)", re.MULTILINE)


class Failures:
    """What went wrong, printed at once and counted for the exit status."""

    def __init__(self) -> None:
        self.count = 0

    def check(self, good: bool, text: str) -> None:
        """Print one line of the verdict."""
        self.count += not good
        print(f"{'ok  ' if good else 'FAIL'} {text}")


class Scene:
    """The mock, the system under test and the client, up together."""

    def __init__(self, base: Path, *, chunks: int, reference: bool) -> None:
        programs = compile_all()
        system_core, client_core = cores()
        os.sched_setaffinity(0, {client_core})
        models = {
            dialect: [
                model_name(dialect),
                *(model_name(dialect, count, INTERVAL_MS) for count in (chunks, CUT_CHUNKS)),
            ]
            for dialect in (OPENAI, ANTHROPIC)
        }
        mock_port, port = free_port(), free_port()
        mock_place = Place(directory=base / "mock", port=mock_port, upstream_port=0, models={})
        self.mock = Running(mock_upstream(programs), mock_place, core=client_core)
        system = reference_proxy(programs) if reference else gateway()
        self.routes = sorted(system.routes & ALL)
        self.place = Place(directory=base / system.name, port=port, upstream_port=mock_port, models=models)
        self.client = Client(programs["load"], core=client_core)
        self.mock.wait_ready()
        self.subject = Running(system, self.place, core=system_core)
        self.subject.wait_ready()
        if self.subject.launch.note:
            print(self.subject.launch.note)

    def start_streams(self, count: int, chunks: int, **options: Any) -> list[subprocess.Popen[bytes]]:
        """Start `count` streams spread over the routes, one to a connection."""
        started: list[subprocess.Popen[bytes]] = []
        for index, route in enumerate(self.routes):
            share = count // len(self.routes) + (index < count % len(self.routes))
            case = stream_case(*route, chunks=chunks, interval_ms=INTERVAL_MS)
            amount = {"connections": share, "requests": share, "ramp_ms": RAMP_MS}
            headers = self.subject.headers
            started.append(self.client.start(case, self.subject.port, headers=headers, **amount, **options))
        return started

    def mock_stats(self) -> dict[str, int]:
        """Return the mock's counters."""
        return json.loads(http_get(self.mock.port, "/__stats")[1])

    def state(self, moment: str) -> dict[str, Any]:
        """Print and return memory, descriptors, tasks and the mock's view at this moment."""
        tree, stats = self.subject.tree, self.mock_stats()
        found = TASKS_PATTERN.search(http_get(self.subject.port, TASKS_PATH)[1])
        state = {
            "rss_mb": round(tree.rss_mb(), 1),
            "descriptors": tree.descriptors(),
            "threads": tree.threads(),
            "asyncio_tasks": int(found[1]) if found else "not visible",
            "mock_connections": stats["connections_open"] - 1,
            "mock_streams": stats["streams_active"],
        }
        print(f"     {moment:<22}" + "  ".join(f"{name} {value}" for name, value in state.items()))
        return state

    def stop(self) -> None:
        """Stop everything."""
        self.subject.stop()
        self.mock.stop()


def warm_up(scene: Scene) -> None:
    """Send a few plain requests on every route, so that the first figures are of a gateway in use."""
    for route in scene.routes:
        outcome = scene.client.run(
            plain_case(*route), scene.subject.port, headers=scene.subject.headers, seconds=0.3
        )
        if outcome.failed:
            raise SystemExit(f"the warm-up failed: {outcome.first_error}")


def soak(scene: Scene, failures: Failures, *, streams: int, chunks: int) -> None:
    """Hold the streams to their end and check each; then let a fifth of them hang up in the middle."""
    warm_up(scene)
    before = scene.state("before")
    started = scene.start_streams(streams, chunks)
    peak = before["rss_mb"]
    printed = time.monotonic()
    while any(process.poll() is None for process in started):
        peak = max(peak, scene.subject.tree.rss_mb())
        if time.monotonic() - printed > 10:
            scene.state("during")
            printed = time.monotonic()
        time.sleep(0.25)
    _check_streams([finish(process) for process in started], failures, streams=streams, chunks=chunks)
    time.sleep(1.0)
    after = scene.state("after")
    failures.check(after["mock_streams"] == 0, f"{after['mock_streams']} streams left open upstream")
    growth = (peak - before["rss_mb"]) * 1000 / streams
    print(
        f"     RSS {before['rss_mb']} MB before, {peak:.1f} at most, {after['rss_mb']} after: {growth:.1f} MB per 1,000"
    )
    hang_up(scene, failures, max(streams // 5, 4), before)


def _check_streams(outcomes: list[Outcome], failures: Failures, *, streams: int, chunks: int) -> None:
    completed = sum(outcome.completed for outcome in outcomes)
    failed = sum(outcome.failed for outcome in outcomes)
    error = next((outcome.first_error for outcome in outcomes if outcome.failed), "")
    failures.check(failed == 0, f"{failed} streams failed {error}".rstrip())
    failures.check(
        completed == streams, f"{completed} of {streams} streams whole and in order, {chunks} chunks each"
    )
    gap = max(outcome.percentile("max", "gap_us") for outcome in outcomes) / 1000
    typical = max(outcome.percentile("p99", "gap_us") for outcome in outcomes) / 1000
    markers = sum(outcome.raw["markers"] for outcome in outcomes)
    reads = sum(outcome.raw["marker_reads"] for outcome in outcomes)
    print(
        f"     {markers} chunks in {reads} reads; gap between reads p99 {typical:.0f} ms, longest {gap:.0f} ms"
    )


def hang_up(scene: Scene, failures: Failures, count: int, before: dict[str, Any]) -> None:
    """Cut `count` clients in the middle and time until the last upstream stream is given up."""
    started = scene.start_streams(count, CUT_CHUNKS, cut_ms=RAMP_MS + 2000)
    cut = sum(finish(process).raw["cut"] for process in started)
    gone = time.monotonic()
    while scene.mock_stats()["streams_active"] and time.monotonic() - gone < CANCEL_LIMIT_SECONDS:
        time.sleep(0.005)
    waited = (time.monotonic() - gone) * 1000
    failures.check(cut == count, f"{cut} of {count} clients hung up in the middle")
    left = scene.mock_stats()["streams_active"]
    failures.check(
        left == 0, f"{left} upstream streams left {waited:.0f} ms after the last client went (aim: 100 ms)"
    )
    time.sleep(1.0)
    after = scene.state("after the hang-ups")
    kept = after["descriptors"] - after["mock_connections"]
    allowed = before["descriptors"] - before["mock_connections"] + 8
    failures.check(
        kept <= allowed, f"{kept} descriptors besides pooled upstream connections (before: {allowed - 8})"
    )
    if isinstance(after["asyncio_tasks"], int):
        tasks, limit = after["asyncio_tasks"], before["asyncio_tasks"] + 8
        failures.check(tasks <= limit, f"{tasks} asyncio tasks (before: {before['asyncio_tasks']})")


def kill(scene: Scene, failures: Failures, *, times: int) -> None:
    """Kill the gateway under load, start it again, and look for every request answered early enough."""
    for number in range(1, times + 1):
        records = [
            scene.place.directory / f"answered-{number}-{index}.txt" for index in range(len(scene.routes))
        ]
        started = [
            scene.client.start(
                plain_case(*route),
                scene.subject.port,
                headers=scene.subject.headers,
                connections=8,
                seconds=60,
                record=file,
            )
            for route, file in zip(scene.routes, records, strict=True)
        ]
        time.sleep(KILL_AFTER_SECONDS)
        killed_at = time.time()
        scene.subject.kill()
        for process in started:
            process.send_signal(signal.SIGTERM)
        outcomes = [finish(process) for process in started]
        seconds = scene.subject.restart()
        time.sleep(JOURNAL_SECONDS)
        print(f"kill {number}: up again after {seconds:.2f} s")
        refused = [outcome for outcome in outcomes if "status" in outcome.raw["errors"]]
        failures.check(not refused, f"no error replies {refused[0].first_error if refused else ''}".rstrip())
        _check_log(scene.place.directory / DATABASE, records, killed_at, failures)


def _check_log(database: Path, records: list[Path], killed_at: float, failures: Failures) -> None:
    lines = "".join(file.read_text(encoding="ascii") for file in records).splitlines()
    pairs = [line.partition(" ") for line in lines]
    answered = {request_id: int(stamp) / 1e6 for stamp, _, request_id in pairs}
    unnamed = len(lines) - len(answered) + ("" in answered)
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        stored = {row[0] for row in connection.execute(f"SELECT {ID_COLUMN} FROM {TABLE}")}
        sound = connection.execute("PRAGMA integrity_check").fetchone()[0]
    connection.close()
    missing = [killed_at - at for request_id, at in answered.items() if request_id not in stored]
    old = [age for age in missing if age > LOSS_WINDOW_SECONDS]
    failures.check(
        bool(lines) and unnamed == 0, f"{len(lines)} answers, {unnamed} without an id of their own"
    )
    oldest = f", the oldest {max(missing) * 1000:.0f} ms before the kill" if missing else ""
    failures.check(not old, f"{len(old)} rows older than 200 ms are missing ({len(missing)} in all{oldest})")
    failures.check(sound == "ok", f"integrity check: {sound}")


def main() -> None:
    """Read the options, run, exit with 1 if a check failed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--streams", type=int, default=500, metavar="N", help="concurrent streams (500)")
    parser.add_argument("--seconds", type=int, default=60, metavar="S", help="length of each stream (60)")
    parser.add_argument("--kill", action="store_true", help="kill the gateway under load instead")
    parser.add_argument("--times", type=int, default=3, metavar="K", help="how often to kill it (3)")
    parser.add_argument(
        "--reference", action="store_true", help="soak the reference proxy, to check the tool itself"
    )
    options = parser.parse_args()
    if options.kill and options.reference:
        parser.error("the reference proxy keeps no request log")
    raise_file_limit()
    failures = Failures()
    chunks = options.seconds * 1000 // INTERVAL_MS
    with tempfile.TemporaryDirectory(prefix="flow-router-soak-") as base:
        scene = Scene(Path(base), chunks=chunks, reference=options.reference)
        try:
            if options.kill:
                kill(scene, failures, times=options.times)
            else:
                soak(scene, failures, streams=options.streams, chunks=chunks)
        finally:
            scene.stop()
    raise SystemExit(1 if failures.count else 0)


if __name__ == "__main__":
    main()
