"""Where runs keep what they measured: one JSON a run, by kind, so that later runs and the docs find the last one."""

from __future__ import annotations

import json
import os
import platform
import time
from pathlib import Path
from typing import Any

from harness.build import BENCH

RESULTS = BENCH / "results"


def machine(system_core: int, client_core: int) -> dict[str, Any]:
    """Return what a figure depends on."""
    return {
        "platform": platform.platform(),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "system_core": system_core,
        "client_core": client_core,
        "load_average": os.getloadavg(),
        "taken": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }


def save(kind: str, result: dict[str, Any], also: Path | None = None) -> None:
    """Write a run's result under its kind, and to `also`."""
    RESULTS.mkdir(exist_ok=True)
    for target in (RESULTS / f"{kind}-{time.strftime('%Y%m%d-%H%M%S')}.json", also):
        if target:
            target.write_text(json.dumps(result, indent=1), encoding="utf-8")
            print(f"written: {target}")


def newest(kind: str) -> dict[str, Any] | None:
    """Return the last result of a kind."""
    found = sorted(RESULTS.glob(f"{kind}-*.json"))
    return json.loads(found[-1].read_text("utf-8")) if found else None
