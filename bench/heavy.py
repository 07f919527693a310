"""What large bodies and many streams do to everybody else.

Bodies: plain requests leave at a steady rate, first alone, then while others send 10 MB or get an error of 100 MB; the
difference is what the large ones cost the small ones. Streams: 2,000 at once with 250 ms chunks, and how much later than
its turn each chunk comes (by its stream's own pace: a gap alone would not tell of chunks that come in heaps, all late);
then 500 streams ever faster, until one chunk in a hundred is 50 ms late. The reference goes through the same in the
same run: what it shows too is the machine's, the mock's and the client's doing.
"""

from __future__ import annotations

import argparse
import base64
import random
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.cases import ANTHROPIC, OPENAI, Case, dump, plain_case, stream_case
from harness.load import Client, Outcome, finish
from harness.meters import Running, free_port
from harness.results import machine, newest, save
from harness.scene import Scene
from harness.systems import PLACEHOLDER_KEY, Place, mock_upstream, reference_proxy
from harness.tables import print_table

MEGABYTES = 10
RATE, STEADY_SECONDS = 100, 10.0
HEAVY_RATE = 2
ERRORS = [f"oa-z100-v{number}" for number in range(16)]
"""Names by which the mock errs at length: many, since a model that failed is not asked again for a while."""

STREAMS, STREAM_INTERVAL_MS, STREAM_SECONDS = 2000, 250, 25
OPENING_MS = 4
"""A stream is opened so often; all at once would measure what opening costs."""
SCAN_STREAMS, SCAN_SECONDS = 500, 6
SCAN_INTERVALS_MS = (100, 70, 50, 40, 33, 28, 24, 20, 17, 14, 12, 10)
LATE_MS = 50.0
DELAY_TARGET_MS, GAP_TARGET_MS, RSS_TARGET_MB = 20.0, 10.0, 20.0


@dataclass(frozen=True, kw_only=True)
class Subject:
    """One of the two that are compared: where small requests go, and where large ones do."""

    name: str
    small: Running
    large: Running
    translates: bool


def settings(port: int | str) -> str:
    """Return the account for large bodies: a mock of its own, or that one's work would delay the small ones."""
    models = ", ".join(f'"{name}"' for name in ("big", *ERRORS))
    return (
        f'\n[[accounts]]\nname = "large"\npreset = "custom-openai"\nbase_url = "http://127.0.0.1:{port}/v1"\n'
        f'api_key = "{PLACEHOLDER_KEY}"\nmodels = [{models}]\ndialects = ["openai_chat"]\n'
    )


def text_case(client: str) -> Case:
    """Return 10 MB of messages of 1 KB each."""
    source = random.Random(3)
    text = "".join(source.choice("abcdefghij klmno\n") for _ in range(1000))
    roles = ("user", "assistant")
    messages = [
        {"role": roles[number % 2], "content": f"{number} {text}"} for number in range(MEGABYTES * 960 + 1)
    ]
    return _large(f"{MEGABYTES} MB of text", client, messages)


def image_case(client: str) -> Case:
    """Return 10 MB of pictures of 1 MB each."""
    picture = base64.b64encode(random.Random(5).randbytes(745_000)).decode()
    if client == OPENAI:
        part: Any = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{picture}"}}
    else:
        part = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": picture}}
    content = [{"type": "text", "text": "Compare."}, *([part] * MEGABYTES)]
    return _large(f"{MEGABYTES} MB of pictures", client, [{"role": "user", "content": content}])


def _large(name: str, client: str, messages: list[Any]) -> Case:
    body = {"model": "big", "max_tokens": 100, "messages": messages}
    lane = "passed through" if client == OPENAI else "translated"
    return Case(name=f"{name}, {lane}", group="large", client=client, upstream=OPENAI, body=dump(body))


def error_case(model: str) -> Case:
    """Return a request that is answered with an error of 100 MB."""
    body = {"model": model, "messages": [{"role": "user", "content": "hi"}]}
    return Case(name="error of 100 MB", group="large", client=OPENAI, upstream=OPENAI, body=dump(body))


Trouble = Callable[[Client, Running], Any]


def send_large(case: Case) -> Trouble:
    """Return what sends a large request twice a second."""

    def trouble(client: Client, running: Running) -> Outcome:
        return client.run(**running.aim(case), seconds=STEADY_SECONDS, rate=HEAVY_RATE, connections=2)

    return trouble


def get_errors(client: Client, running: Running) -> None:
    """Ask for one large error after the other."""
    begun = time.monotonic()
    for model in ERRORS:
        if time.monotonic() - begun < STEADY_SECONDS - 1:
            client.run(**running.aim(error_case(model)), requests=1, connections=1)


def steady(client: Client, subject: Subject, trouble: Trouble | None) -> dict[str, Any]:
    """Return the latencies of small requests at a steady rate, in ms, while `trouble` goes on."""
    process = client.start(
        **subject.small.aim(plain_case(OPENAI, OPENAI)), seconds=STEADY_SECONDS, rate=RATE, connections=16
    )
    large = trouble(client, subject.large) if trouble else None
    outcome = finish(process)
    if outcome.failed:
        print(
            f"{subject.name}: {outcome.failed} small requests FAILED: {outcome.first_error}", file=sys.stderr
        )
    found: dict[str, Any] = {name: outcome.percentile(name) / 1000 for name in ("p50", "p99", "max")}
    if isinstance(large, Outcome):
        found |= {
            "large": large.completed,
            "large_p50": large.percentile("p50") / 1000,
            "failed": large.failed,
        }
        if large.failed:
            print(f"{subject.name}: {large.failed} large ones FAILED: {large.first_error}", file=sys.stderr)
    return found


def measure_bodies(client: Client, subjects: list[Subject]) -> dict[str, Any]:
    """Return by trouble and subject the latencies of the small requests."""
    passing, translated = (
        [text_case(OPENAI), image_case(OPENAI)],
        [text_case(ANTHROPIC), image_case(ANTHROPIC)],
    )
    troubles: list[tuple[str, bool, Trouble | None]] = [("none", False, None)]
    troubles += [(case.name, False, send_large(case)) for case in passing]
    troubles += [(case.name, True, send_large(case)) for case in translated]
    troubles += [("error of 100 MB", False, get_errors)]
    found: dict[str, Any] = {}
    for name, translates, trouble in troubles:
        print(f"small requests beside: {name}", file=sys.stderr)
        found[name] = {
            subject.name: steady(client, subject, trouble)
            for subject in subjects
            if subject.translates or not translates
        }
    return found


def measure_streams(client: Client, subject: Subject, *, count: int, interval_ms: int, seconds: float) -> Any:
    """Hold streams open on as many routes as the subject has; return how late chunks came, and the memory."""
    routes = [(OPENAI, OPENAI), (OPENAI, ANTHROPIC)] if subject.translates else [(OPENAI, OPENAI)]
    chunks = int(seconds * 1000 / interval_ms)
    before = subject.small.tree.rss_mb()
    started = [
        client.start(
            **subject.small.aim(stream_case(*route, chunks=chunks, interval_ms=interval_ms)),
            connections=count // len(routes),
            requests=count // len(routes),
            ramp_ms=count * OPENING_MS,
            interval_ms=interval_ms,
        )
        for route in routes
    ]
    peak = before
    while any(process.poll() is None for process in started):
        peak = max(peak, subject.small.tree.rss_mb())
        time.sleep(0.2)
    outcomes = [finish(process) for process in started]
    late = {
        name: max(outcome.percentile(name, "late_us") for outcome in outcomes) / 1000
        for name in ("p50", "p99", "max")
    }
    return {
        "interval_ms": interval_ms,
        "streams": count,
        "failed": sum(outcome.failed for outcome in outcomes),
        "first_error": next((outcome.first_error for outcome in outcomes if outcome.failed), ""),
        "late_ms": late,
        "rss_before_mb": before,
        "rss_peak_mb": peak,
        "per_1000_mb": (peak - before) * 1000 / count,
    }


def scan(client: Client, subjects: list[Subject]) -> dict[str, list[Any]]:
    """Speed streams up until their chunks come 50 ms late; return all steps by subject."""
    found: dict[str, list[Any]] = {}
    for subject in subjects:
        plain = Subject(name=subject.name, small=subject.small, large=subject.large, translates=False)
        for interval in SCAN_INTERVALS_MS:
            # The better of two: one hiccup of the machine is not the end of what is possible.
            steps = [
                measure_streams(client, plain, count=SCAN_STREAMS, interval_ms=interval, seconds=SCAN_SECONDS)
            ]
            if steps[0]["late_ms"]["p99"] > LATE_MS:
                steps.append(
                    measure_streams(
                        client, plain, count=SCAN_STREAMS, interval_ms=interval, seconds=SCAN_SECONDS
                    )
                )
            step = min(steps, key=lambda each: each["late_ms"]["p99"])
            found.setdefault(subject.name, []).append(step)
            late = step["late_ms"]["p99"]
            rate = SCAN_STREAMS * 1000 // interval
            print(f"{subject.name}: {rate} chunks/s, p99 {late:.1f} ms late", file=sys.stderr)
            if late > LATE_MS:
                break
    return found


def body_rows(result: dict[str, Any]) -> list[list[str]]:
    """Return the table of delays: what each trouble adds, less what it adds behind the reference."""
    bodies = result["bodies"]
    quiet = bodies["none"]
    rows = [
        [
            "beside",
            "large ones take, p50",
            "p50 +",
            "p99 +",
            "max +",
            "behind the reference: p99 +",
            "max +",
            "verdict",
        ]
    ]
    for name, found in bodies.items():
        if name == "none":
            continue
        mine = {key: found["gateway"][key] - quiet["gateway"][key] for key in ("p50", "p99", "max")}
        other = found.get("proxy")
        noise = {key: other[key] - quiet["proxy"][key] for key in ("p99", "max")} if other else None
        took = found["gateway"].get("large_p50")
        added = mine["p99"] - (max(0.0, noise["p99"]) if noise else 0.0)
        rows.append(
            [
                name,
                f"{took:,.0f} ms" if took else "-",
                *(f"{mine[key]:.1f}" for key in ("p50", "p99", "max")),
                *([f"{noise[key]:.1f}" for key in ("p99", "max")] if noise else ["-", "-"]),
                _verdict(added, DELAY_TARGET_MS, "ms"),
            ]
        )
    return rows


def stream_rows(result: dict[str, Any]) -> list[list[str]]:
    """Return the table of streams: lateness of chunks, memory, and the rate where they come too late."""
    mine, other = result["streams"]["gateway"], result["streams"]["proxy"]
    label = f"{mine['streams']:,} streams, {mine['interval_ms']} ms: chunks late by"
    rows = [["figure", "gateway", "reference", "target", "verdict"]]
    for name in ("p50", "p99", "max"):
        own, its = mine["late_ms"][name], other["late_ms"][name]
        target = name == "p99"
        rows.append(
            [
                f"{label}, {name}, ms",
                f"{own:.1f}",
                f"{its:.1f}",
                f"≤ {GAP_TARGET_MS:.0f} above the reference" if target else "",
                _verdict(own - max(0.0, its), GAP_TARGET_MS, "ms") if target else "",
            ]
        )
    memory = mine["per_1000_mb"]
    target = [f"≤ {RSS_TARGET_MB:.0f}", _verdict(memory, RSS_TARGET_MB, "MB")]
    rows.append(["RSS per 1,000 streams, MB", f"{memory:.1f}", f"{other['per_1000_mb']:.1f}", *target])
    rates = [f"{_bound(result['scan'][name]):,}" for name in ("gateway", "proxy")]
    rows.append([f"chunks a second with p99 less than {LATE_MS:.0f} ms late, passed through", *rates, "", ""])
    return rows


def _bound(steps: list[Any]) -> int:
    good = [step for step in steps if step["late_ms"]["p99"] <= LATE_MS and not step["failed"]]
    return max((step["streams"] * 1000 // step["interval_ms"] for step in good), default=0)


def _verdict(value: float, target: float, unit: str) -> str:
    return "met" if value < target else f"OVER by {value - target:.0f} {unit}"


def model_names() -> dict[str, list[str]]:
    """Return the models of the small requests and the streams."""
    intervals = {STREAM_INTERVAL_MS: STREAM_SECONDS} | dict.fromkeys(SCAN_INTERVALS_MS, SCAN_SECONDS)
    tags = [f"-c{int(seconds * 1000 / interval)}-i{interval}" for interval, seconds in intervals.items()]
    return {OPENAI: ["oa", *(f"oa{tag}" for tag in tags)], ANTHROPIC: ["an", *(f"an{tag}" for tag in tags)]}


def measure(base: Path) -> dict[str, Any]:
    """Start two mocks, the gateway and two proxies, and run all parts."""
    large_port = free_port()
    scene = Scene(base, model_names(), settings=settings(large_port))
    programs = scene.programs
    place = Place(directory=base / "large", port=large_port, upstream_port=0, models={})
    others = [Running(mock_upstream(programs), place, core=scene.client_core)]
    for name, upstream in (("proxy", scene.mock.port), ("large-proxy", large_port)):
        place = Place(directory=base / name, port=free_port(), upstream_port=upstream, models={})
        others.append(Running(reference_proxy(programs), place, core=scene.system_core))
    try:
        for running in others:
            running.start()
        _, small_proxy, large_proxy = others
        subjects = [
            Subject(name="gateway", small=scene.subject, large=scene.subject, translates=True),
            Subject(name="proxy", small=small_proxy, large=large_proxy, translates=False),
        ]
        scene.warm_up()
        result: dict[str, Any] = {"streams": {}}
        for subject in subjects:
            print(f"{STREAMS} streams through {subject.name}", file=sys.stderr)
            result["streams"][subject.name] = measure_streams(
                scene.client, subject, count=STREAMS, interval_ms=STREAM_INTERVAL_MS, seconds=STREAM_SECONDS
            )
        result["scan"] = scan(scene.client, subjects)
        result["bodies"] = measure_bodies(scene.client, subjects)
        result["peak_mb"] = scene.subject.tree.peak_mb()
    finally:
        scene.stop()
        for running in others:
            running.stop()
    return result | {"machine": machine(scene.system_core, scene.client_core)}


def print_report(result: dict[str, Any]) -> None:
    """Print both tables."""
    print(f"\nDelay of small requests ({RATE} a second) beside large ones, ms more than without")
    print_table(body_rows(result))
    print("\nMany streams")
    print_table(stream_rows(result))
    for name, found in result["streams"].items():
        if found["failed"]:
            print(f"{name}: {found['failed']} streams FAILED: {found['first_error']}")
    print(f"most memory the gateway had: {result['peak_mb']:.0f} MB")


def main() -> None:
    """Read the options, measure, report, save."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--show", action="store_true", help="only print the last run's tables")
    options = parser.parse_args()
    if options.show:
        print_report(newest("heavy") or {})
        return
    with tempfile.TemporaryDirectory(prefix="flow-router-heavy-") as base:
        result = measure(Path(base))
    save("heavy", result)
    print_report(result)


if __name__ == "__main__":
    main()
