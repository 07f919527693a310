"""What an endurance run happens on: mock, system under test and client, with a look at the gateway from outside."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from harness.build import compile_all
from harness.cases import ANTHROPIC, OPENAI, plain_case
from harness.load import Client
from harness.meters import Running, cores, free_port, http_get, raise_file_limit
from harness.systems import Place, System, gateway, mock_upstream, reference_proxy

METRICS = "[metrics]\npublic = true\n"
"""Lets a soak count the tasks of the event loop."""

_TASKS_PATH = "/metrics"
_TASKS = re.compile(rb"^\w*asyncio_tasks\w*(?:\{[^}]*\})? (\d+)", re.MULTILINE)


class Failures:
    """What went wrong, printed at once and counted for the exit status."""

    def __init__(self) -> None:
        self.verdicts: list[tuple[bool, str]] = []

    @property
    def count(self) -> int:
        """How many checks failed."""
        return sum(not good for good, _ in self.verdicts)

    def check(self, good: bool, text: str) -> None:
        """Print one line of the verdict."""
        self.verdicts.append((good, text))
        print(f"{'ok  ' if good else 'FAIL'} {text}", flush=True)


class Scene:
    """The mock, the system under test and the client, up together; models by upstream dialect."""

    def __init__(
        self,
        base: Path,
        models: dict[str, Iterable[str]],
        *,
        settings: str = "",
        reference: bool = False,
        system: System | None = None,
    ) -> None:
        raise_file_limit()
        self.programs = programs = compile_all()
        self.system_core, self.client_core = cores()
        os.sched_setaffinity(0, {self.client_core})
        mock_place = Place(directory=base / "mock", port=free_port(), upstream_port=0, models={})
        self.mock = Running(mock_upstream(programs), mock_place, core=self.client_core)
        if system is None:
            system = reference_proxy(programs) if reference else gateway(settings=METRICS + settings)
        self.routes = sorted(system.routes)
        self.place = Place(
            directory=base / system.name,
            port=free_port(),
            upstream_port=self.mock.port,
            models={OPENAI: [*models.get(OPENAI, ())], ANTHROPIC: [*models.get(ANTHROPIC, ())]},
        )
        self.client = Client(programs["load"], core=self.client_core)
        self.mock.wait_ready()
        self.subject = Running(system, self.place, core=self.system_core)
        self.subject.start()
        if self.subject.launch.note:
            print(self.subject.launch.note)

    def mock_stats(self) -> dict[str, int]:
        """Return the mock's counters."""
        return json.loads(http_get(self.mock.port, "/__stats")[1])

    def look(self) -> dict[str, Any]:
        """Return memory, descriptors, threads, tasks and the mock's view at this moment."""
        tree, stats = self.subject.tree, self.mock_stats()
        found = _TASKS.search(http_get(self.subject.port, _TASKS_PATH)[1])
        return {
            "rss_mb": round(tree.rss_mb(), 1),
            "descriptors": tree.descriptors(),
            "sockets": tree.sockets(),
            "threads": tree.threads(),
            "tasks": int(found[1]) if found else None,
            "mock_connections": stats["connections_open"] - 1,
            "mock_streams": stats["streams_active"],
        }

    def state(self, moment: str) -> dict[str, Any]:
        """Look, print it, return it."""
        state = self.look()
        shown = (f"{name} {'?' if value is None else value}" for name, value in state.items())
        print(f"     {moment:<22}" + "  ".join(shown), flush=True)
        return state

    def warm_up(self) -> None:
        """Send a few plain requests on every route, so that the first figures are of a gateway in use."""
        for route in self.routes:
            outcome = self.client.run(**self.subject.aim(plain_case(*route)), seconds=0.3)
            if outcome.failed:
                raise SystemExit(f"the warm-up failed: {outcome.first_error}")

    def check_nothing_left(self, failures: Failures, before: dict[str, Any]) -> None:
        """Check that streams, descriptors, tasks and threads are back where they were."""
        deadline = time.monotonic() + 10
        while self.mock_stats()["streams_active"] and time.monotonic() < deadline:
            time.sleep(0.1)
        time.sleep(1.0)
        after = self.state("when all is over")
        failures.check(after["mock_streams"] == 0, f"{after['mock_streams']} streams left open upstream")
        kept = after["descriptors"] - after["mock_connections"]
        had = before["descriptors"] - before["mock_connections"]
        failures.check(
            kept <= had + 8, f"{kept} descriptors besides pooled upstream connections (before: {had})"
        )
        for name in ("tasks", "threads"):
            if after[name] is not None:
                failures.check(
                    after[name] <= before[name] + 8, f"{after[name]} {name} (before: {before[name]})"
                )

    def stop(self) -> None:
        """Stop everything."""
        self.subject.stop()
        self.mock.stop()
