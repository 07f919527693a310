"""Measure Flow Router against a reference proxy on loopback and print the figures beside their targets.

All systems are up at once and are loaded in turn, round after round, so that noise hits all alike. The system under
test has one core, the mock upstream and the client share another. `python bench/run.py --help` lists the options.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness.build import compile_all, compile_go
from harness.load import Client
from harness.meters import Running, cold_starts, cores, free_port, raise_file_limit
from harness.peers import AbsentError, all_peers, load_peer
from harness.report import print_report
from harness.results import machine, newest, save
from harness.rounds import (
    FULL,
    PEERS,
    QUICK,
    Session,
    measure_memory,
    model_names,
    run_rounds,
    summary,
    warm_up,
)
from harness.systems import (
    Place,
    System,
    bare,
    gateway,
    go_proxy,
    mock_upstream,
    nginx,
    reference_proxy,
)


def choose_systems(
    options: argparse.Namespace, programs: dict[str, str], absent: dict[str, str]
) -> list[System]:
    """Return the systems of this run; the reference proxy is always among them, `absent` learns who cannot be."""
    chosen = [reference_proxy(programs)]
    if beside := nginx(options.nginx):
        chosen.append(beside)
    else:
        absent["nginx"] = (
            "not installed (a package of its name is in every distribution), so nothing checks the reference"
        )
    if options.go and (program := compile_go()):
        chosen.append(go_proxy(program))
    elif options.go:
        absent["go"] = "no Go on the path, so the targets stand on the conversion alone"
    if options.bare:
        chosen.append(bare())
    if not options.without_gateway:
        chosen.append(gateway())
    for path in [*options.peer, *(all_peers() if options.peers else [])]:
        try:
            chosen.append(load_peer(path))
        except AbsentError as reason:
            absent[path.stem] = str(reason)
    return chosen


def start(system: System, place: Place, *, core: int) -> Running:
    """Start one system; raises `AbsentError` if it is a peer and does not come up."""
    running = Running(system, place, core=core)
    try:
        running.start()
    except (SystemExit, AbsentError) as reason:
        running.kill()
        if not system.peer:
            raise
        raise AbsentError(str(reason)) from None
    return running


def measure(options: argparse.Namespace, base: Path) -> dict[str, Any]:
    """Start everything, measure, stop everything; return all samples."""
    effort = QUICK if options.quick else PEERS if options.peers else FULL
    programs = compile_all()
    system_core, client_core = cores()
    os.sched_setaffinity(0, {client_core})
    absent: dict[str, str] = {}
    systems = choose_systems(options, programs, absent)
    mock_port = free_port()

    def place(name: str, *, upstream: int = mock_port) -> Place:
        return Place(directory=base / name, port=free_port(), upstream_port=upstream, models=model_names())

    mock_place = Place(directory=base / "mock", port=mock_port, upstream_port=0, models={})
    mock = Running(mock_upstream(programs), mock_place, core=client_core)
    session = Session(client=Client(programs["load"], core=client_core), mock_port=mock_port, effort=effort)
    result: dict[str, Any] = {"memory": {}, "cold_start": {}, "absent": absent, "given_up": session.given_up}
    try:
        mock.start()
        for system in systems:
            try:
                session.systems.append(start(system, place(system.name), core=system_core))
            except AbsentError as reason:
                absent[system.name] = str(reason)
        result["notes"] = [each.launch.note for each in session.systems if each.launch.note]
        time.sleep(1.0)
        idle = {running.name: running.tree.rss_mb() for running in session.systems}
        warm_up(session)
        run_rounds(session)
        for running in session.systems:
            result["memory"][running.name] = measure_memory(session, running, idle[running.name])
        for running in session.systems:
            running.stop()
        result["cold_start"] = _cold_starts(session, place, core=system_core)
    finally:
        for running in [*session.systems, mock]:
            running.stop()
    return result | {"samples": session.samples, "machine": machine(system_core, client_core)}


def _cold_starts(session: Session, place: Callable[[str], Place], *, core: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for running in session.systems:
        print(f"cold starts of {running.name}", file=sys.stderr)
        times = 1 if running.system.peer else session.effort.cold_starts
        try:
            found[running.name] = summary(
                *cold_starts(running.system, place(f"{running.name}-cold"), core=core, times=times)
            )
        except SystemExit as reason:
            if not running.system.peer:
                raise
            session.given_up[f"{running.name}, cold start"] = str(reason)
    return found


def main() -> None:
    """Read the options, measure, report, save."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="about a minute instead of five")
    parser.add_argument("--save", type=Path, metavar="FILE", help="also write the JSON result there")
    parser.add_argument("--nginx", metavar="PATH", help="the nginx program, if it is not on the path")
    parser.add_argument(
        "--peer", type=Path, action="append", default=[], metavar="TOML", help="measure this too"
    )
    parser.add_argument("--peers", action="store_true", help="install the pinned peers and measure them too")
    parser.add_argument(
        "--bare",
        action="store_true",
        help="measure the gateway's own server and HTTP client too, with nothing between them",
    )
    parser.add_argument(
        "--go", action="store_true", help="measure the Go proxy too that the targets are multiples of"
    )
    parser.add_argument("--without-gateway", action="store_true", help="only the reference and the peers")
    options = parser.parse_args()
    raise_file_limit()
    kind = "peers" if options.peers else "bench"
    before = newest(kind)
    with tempfile.TemporaryDirectory(prefix="flow-router-bench-") as base:
        result = measure(options, Path(base))
    save(kind, result, options.save)
    print_report(result, before)


if __name__ == "__main__":
    main()
