"""The worst that may come at once, on a machine with 512 MB.

The gateway's processes may take so much memory of their own and not a byte more (`ulimit -d`, which counts what a process
has for itself and may write: past it an allocation fails, as it would be killed on a real small machine). Where this user
may mount (root), the file that tells a container its limit says 512 MB too, so that the gateway sets its own bounds by it.
Then all at once: plain requests at a steady rate, 500 open streams, bodies of 10 MB passed through and translated, errors of
100 MB. It must live, every small request must be answered, and a large one may be refused with 503 but not be lost.
"""

from __future__ import annotations

import shlex
import subprocess
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.cases import ANTHROPIC, OPENAI, plain_case, stream_case
from harness.load import finish
from harness.results import machine, save
from harness.scene import METRICS, Failures, Scene
from harness.systems import Launch, Place, System, gateway
from heavy import ERRORS, error_case, image_case, settings, text_case

LIMIT_MB = 512
SECONDS = 30
STREAMS = 500
LIMIT_FILES = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


def confined(system: System, limit: Path) -> System:
    """Return `system` with the memory of a small machine; `limit` becomes the file that tells so."""
    limit.write_text(f"{LIMIT_MB * 1024 * 1024}\n")
    told = next((path for path in LIMIT_FILES if Path(path).exists()), None)
    script = f'ulimit -d {LIMIT_MB * 1024}; exec "$@"'
    command = ["sh", "-c", script, "sh"]
    if told:
        mount = f"mount --bind {shlex.quote(str(limit))} {told}"
        with_mount = ["unshare", "--mount", "sh", "-c", f"{mount}; {script}", "sh"]
        if not subprocess.run(
            ["unshare", "--mount", "sh", "-c", mount], capture_output=True, check=False
        ).returncode:
            command = with_mount
        else:
            told = None

    def prepare(place: Place) -> Launch:
        launch = system.prepare(place)
        note = launch.note if told else f"{launch.note} It cannot be told its limit here: that takes root."
        return replace(launch, command=[*command, *launch.command], note=note.strip())

    return replace(system, prepare=prepare)


def measure(base: Path, failures: Failures) -> dict[str, Any]:
    """Let everything come at once; return memory and what became of each kind."""
    chunks = SECONDS * 1000 // 250
    models = {OPENAI: ["oa", f"oa-c{chunks}-i250"], ANTHROPIC: ["an", f"an-c{chunks}-i250"]}
    # One mock for all: nobody is timed here.
    system = gateway(settings=METRICS + settings("{upstream}"))
    scene = Scene(base, models, system=confined(system, base / "limit"))
    try:
        scene.warm_up()
        before = scene.state("before")
        aim = scene.subject.aim
        few = {"seconds": SECONDS, "rate": 0.25, "connections": 4}
        kinds = {
            "small": (plain_case(OPENAI, OPENAI), {"seconds": SECONDS, "rate": 50, "connections": 16}),
            "streams": (
                stream_case(OPENAI, ANTHROPIC, chunks=chunks, interval_ms=250),
                {"requests": STREAMS, "connections": STREAMS, "ramp_ms": 2000},
            ),
            "text": (text_case(OPENAI), few),
            "text, translated": (text_case(ANTHROPIC), few),
            "pictures": (image_case(OPENAI), few),
            "pictures, translated": (image_case(ANTHROPIC), few),
            "errors": (error_case(ERRORS[0]), few),
        }
        started = {
            name: scene.client.start(**aim(case), **options) for name, (case, options) in kinds.items()
        }
        for model in ERRORS[1:]:
            scene.client.run(**aim(error_case(model)), requests=1, connections=1)
        while any(process.poll() is None for process in started.values()):
            time.sleep(0.5)
        outcomes = {name: finish(process) for name, process in started.items()}
        peak = scene.subject.tree.peak_mb()
        for name, outcome in outcomes.items():
            others = set(outcome.raw["errors"]) - {"status"}
            good = not (outcome.failed if name in {"small", "streams"} else others)
            told = f"{name}: {outcome.completed} whole, {outcome.failed} answered with an error"
            failures.check(
                good, told if good else f"{told}: {outcome.raw['errors']} {outcome.first_error[:160]}"
            )
        failures.check(scene.subject.process.poll() is None, "the gateway lives")
        failures.check(peak < LIMIT_MB, f"{peak:.0f} MB at most ({before['rss_mb']} before)")
        short = scene.subject.log.read_text("utf-8", "replace").count("MemoryError")
        failures.check(not short, f"{short} allocations failed")
        scene.check_nothing_left(failures, before)
    finally:
        scene.stop()
    return {
        "limit_mb": LIMIT_MB,
        "peak_mb": peak,
        "before_mb": before["rss_mb"],
        "flows": {
            name: {"completed": each.completed, "failed": each.failed} for name, each in outcomes.items()
        },
        "machine": machine(scene.system_core, scene.client_core),
    }


def main() -> None:
    """Measure, save, exit with 1 if a check failed."""
    failures = Failures()
    with tempfile.TemporaryDirectory(prefix="flow-router-small-") as base:
        result = measure(Path(base), failures)
    save("small", result | {"verdicts": failures.verdicts})
    raise SystemExit(1 if failures.count else 0)


if __name__ == "__main__":
    main()
