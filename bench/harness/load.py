"""Drive the C load client and turn its JSON into a value."""

from __future__ import annotations

import json
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.cases import Case
from harness.meters import on_core


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What one run of the load client saw; latencies in microseconds, `raw` is all it printed."""

    completed: int
    failed: int
    seconds: float
    rps: float
    first_error: str
    raw: dict[str, Any]

    @property
    def chunks_per_read(self) -> float:
        """Text events per read that brought any: 1.0 means nothing was glued together."""
        reads = self.raw["marker_reads"]
        return self.raw["markers"] / reads if reads else 0.0

    def percentile(self, name: str, series: str = "latency_us") -> float:
        """Return a percentile such as `p50` of a series, 0 if it is empty."""
        values = self.raw[series]
        return float(values[name]) if values else 0.0


class Client:
    """The load client on its core, with a directory for the bodies it sends."""

    def __init__(self, program: str, *, core: int | None) -> None:
        self._program = program
        self._core = core
        self._bodies = tempfile.TemporaryDirectory(prefix="flow-router-bench-")

    def close(self) -> None:
        """Remove the bodies."""
        self._bodies.cleanup()

    def start(
        self,
        case: Case,
        port: int,
        *,
        headers: tuple[str, ...] = (),
        connections: int = 16,
        requests: int | None = None,
        seconds: float | None = None,
        pair_port: int | None = None,
        ramp_ms: int = 0,
        cut_ms: int = 0,
        rate: float = 0.0,
        hangup_ms: int = 0,
        slow: int = 0,
        interval_ms: int = 0,
        record: Path | None = None,
    ) -> subprocess.Popen[bytes]:
        """Start one run in the background; `finish` collects it. Rates per second, `slow` in bytes per second."""
        body = Path(self._bodies.name) / f"{abs(hash(case.body)):x}.json"
        if not body.exists():  # an earlier run may still be reading it
            body.write_bytes(case.body)
        options: dict[str, Any] = {
            "port": port,
            "path": case.path,
            "body": body,
            "expect": case.expect,
            "connections": connections,
            "requests": requests,
            "seconds": seconds,
            "pair-port": pair_port,
            "chunks": case.chunks,
            "ramp-ms": ramp_ms,
            "cut-ms": cut_ms,
            "rate": rate,
            "hangup-ms": hangup_ms,
            "slow": slow,
            "interval-ms": interval_ms,
            "record": record,
        }
        command = [self._program]
        for name, value in options.items():
            if value:
                command += [f"--{name}", str(value)]
        for header in (*headers, *_dialect_headers(case)):
            command += ["--header", header]
        return subprocess.Popen(command, stdout=subprocess.PIPE, preexec_fn=on_core(self._core))

    def run(self, case: Case, port: int, **options: Any) -> Outcome:
        """Run to the end; the options are those of `start`."""
        return finish(self.start(case, port, **options))


def finish(process: subprocess.Popen[bytes]) -> Outcome:
    """Wait for a started run and read its result."""
    output, _ = process.communicate()
    if process.returncode:
        raise SystemExit(f"the load client failed with status {process.returncode}")
    raw = json.loads(output)
    names = ("completed", "failed", "seconds", "rps", "first_error")
    return Outcome(raw=raw, **{name: raw[name] for name in names})


def _dialect_headers(case: Case) -> tuple[str, ...]:
    return ("anthropic-version: 2023-06-01",) if case.client == "anthropic" else ()
