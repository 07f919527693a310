"""Mixed traffic with faults, hang-ups and slow readers for minutes or an hour; many streams at once; kills under load.

The default run sends mixed traffic for five minutes (`--hour`: an hour) and checks that memory, tasks, sockets,
descriptors and threads stay flat. `--streams` holds N streams of 100 ms chunks for S seconds on all four routes: the
mock numbers its chunks, the client checks order, number and terminator of each; then a fifth as many clients hang up.
With `--kill` the gateway is killed with SIGKILL under load and restarted, and the request log is compared with what
the client has seen answered.
"""

from __future__ import annotations

import argparse
import signal
import sqlite3
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from harness.cases import ANTHROPIC, OPENAI, model_name, plain_case, stream_case
from harness.endurance import HOUR, MODELS, SETTINGS, SHORT, endure
from harness.load import Outcome, finish
from harness.results import machine, save
from harness.scene import Failures, Scene

INTERVAL_MS = 100
RAMP_MS = 2000
CUT_CHUNKS = 600
CANCEL_LIMIT_SECONDS = 2.0

DATABASE = "data/flow-router.sqlite"
TABLE, ID_COLUMN = "requests", "id"
LOSS_WINDOW_SECONDS = 0.2
KILL_AFTER_SECONDS = 3.0
JOURNAL_SECONDS = 2.0


def models(chunks: int) -> dict[str, list[str]]:
    """Return the models of the streams, by upstream dialect."""
    counts = (chunks, CUT_CHUNKS)
    return {
        dialect: [model_name(dialect), *(model_name(dialect, count, INTERVAL_MS) for count in counts)]
        for dialect in (OPENAI, ANTHROPIC)
    }


def start_streams(scene: Scene, count: int, chunks: int, **options: Any) -> list[subprocess.Popen[bytes]]:
    """Start `count` streams spread over the routes, one to a connection."""
    started: list[subprocess.Popen[bytes]] = []
    for index, route in enumerate(scene.routes):
        share = count // len(scene.routes) + (index < count % len(scene.routes))
        case = stream_case(*route, chunks=chunks, interval_ms=INTERVAL_MS)
        amount = {"connections": share, "requests": share, "ramp_ms": RAMP_MS}
        started.append(scene.client.start(**scene.subject.aim(case), **amount, **options))
    return started


def hold(scene: Scene, failures: Failures, *, streams: int, chunks: int) -> None:
    """Hold the streams to their end and check each; then let a fifth of them hang up in the middle."""
    scene.warm_up()
    before = scene.state("before")
    started = start_streams(scene, streams, chunks)
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
    started = start_streams(scene, count, CUT_CHUNKS, cut_ms=RAMP_MS + 2000)
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
    scene.check_nothing_left(failures, before)


def kill(scene: Scene, failures: Failures, *, times: int) -> None:
    """Kill the gateway under load, start it again, and look for every request answered early enough."""
    for number in range(1, times + 1):
        records = [
            scene.place.directory / f"answered-{number}-{index}.txt" for index in range(len(scene.routes))
        ]
        started = [
            scene.client.start(
                **scene.subject.aim(plain_case(*route)),
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
    parser.add_argument(
        "--hour", action="store_true", help="an hour of mixed traffic instead of five minutes"
    )
    parser.add_argument(
        "--streams", type=int, nargs="?", const=500, metavar="N", help="hold N (500) streams at once instead"
    )
    parser.add_argument("--seconds", type=int, default=60, metavar="S", help="length of each stream (60)")
    parser.add_argument("--kill", action="store_true", help="kill the gateway under load instead")
    parser.add_argument("--times", type=int, default=3, metavar="K", help="how often to kill it (3)")
    parser.add_argument(
        "--reference",
        action="store_true",
        help="with --streams: the reference proxy, to check the tool itself",
    )
    options = parser.parse_args()
    if options.reference and not options.streams:
        parser.error("only --streams works with the reference proxy")
    failures = Failures()
    chunks = options.seconds * 1000 // INTERVAL_MS
    mixed = not options.kill and not options.streams
    with tempfile.TemporaryDirectory(prefix="flow-router-soak-") as base:
        scene = Scene(
            Path(base),
            MODELS if mixed else models(chunks),
            settings=SETTINGS if mixed else "",
            reference=options.reference,
        )
        result: dict[str, Any] = {}
        try:
            if options.kill:
                kill(scene, failures, times=options.times)
            elif options.streams:
                hold(scene, failures, streams=options.streams, chunks=chunks)
            else:
                result = endure(scene, failures, HOUR if options.hour else SHORT)
        finally:
            scene.stop()
    if mixed:
        cores = machine(scene.system_core, scene.client_core)
        save("soak", result | {"machine": cores, "verdicts": failures.verdicts})
    raise SystemExit(1 if failures.count else 0)


if __name__ == "__main__":
    main()
