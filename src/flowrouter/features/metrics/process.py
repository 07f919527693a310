"""What the operating system tells of this process; the names are those every Prometheus client uses."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from flowrouter.features.metrics.families import Family, Kind, Sample

_STAT = Path("/proc/self/stat")
_BOOT = Path("/proc/stat")
_FDS = Path("/proc/self/fd")


def families() -> list[Family]:
    """Return what can be had here: everything on Linux, elsewhere the processor's time. Asked in the event loop."""
    found = [_family("cpu_seconds", "User and system processor time.", _cpu_seconds(), kind="counter")]
    try:
        fields = _STAT.read_text("ascii", "replace").rpartition(")")[2].split()
        boot = next(line for line in _BOOT.read_text("ascii").splitlines() if line.startswith("btime"))
        open_files = sum(1 for _ in _FDS.iterdir())
    except (OSError, StopIteration):
        return found
    page, tick = os.sysconf("SC_PAGE_SIZE"), os.sysconf("SC_CLK_TCK")
    # Fields 20, 22, 23 and 24 of proc(5), of which the first two stand before the bracket.
    started = float(boot.split()[1]) + int(fields[19]) / tick
    return [
        *found,
        _family("resident_memory_bytes", "Memory in use.", int(fields[21]) * page),
        _family("virtual_memory_bytes", "Address space in use.", int(fields[20])),
        _family("threads", "Threads.", int(fields[17])),
        _family("open_fds", "Open file descriptors.", open_files),
        _family("asyncio_tasks", "Tasks of the event loop.", len(asyncio.all_tasks())),
        _family("start_time_seconds", "When the process began, in seconds since the epoch.", started),
    ]


def _cpu_seconds() -> float:
    taken = os.times()
    return taken.user + taken.system


def _family(name: str, told: str, value: float, *, kind: Kind = "gauge") -> Family:
    return Family(name=f"process_{name}", kind=kind, help=told, samples=(Sample((), value),))


__all__ = ["families"]
