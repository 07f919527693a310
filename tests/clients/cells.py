"""The cells of the table: what each test says of one, and the file that gathers them."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import pytest

from tests.clients.lab import Place
from tests.clients.roster import INSTALLED

State = Literal["ok", "n/a", "limit", "failed"]
GATHERED = INSTALLED / "cells.json"
PROPERTY = "cell"


@dataclass
class Cell:
    """One client over one upstream dialect in one scenario; failed until the test says otherwise."""

    client: str
    upstream: str
    scenario: str
    state: State = "failed"
    note: str = ""

    @property
    def key(self) -> str:
        """Return what tells the cell from all others."""
        return f"{self.client} | {self.upstream} | {self.scenario}"

    def passed(self, place: Place, note: str = "") -> None:
        """Note success with what is to be said of it, and what the gateway had to learn for it."""
        lessons = place.lessons()
        learned = f"asked again without what the vendor refused: {lessons}" if lessons else ""
        self.state, self.note = "ok", "; ".join(filter(None, (note, learned)))


class Gathered:
    """A plugin that takes the cells from the reports of all workers and writes them at the end."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._cells: dict[str, dict[str, Any]] = {}

    @pytest.hookimpl
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when != "call":
            return
        for name, value in report.user_properties:
            if name == PROPERTY:
                cell = Cell(**json.loads(str(value)))
                self._cells[cell.key] = asdict(cell)

    @pytest.hookimpl
    def pytest_sessionfinish(self) -> None:
        if not self._cells or not self._path.parent.exists():
            return
        before = json.loads(self._path.read_text()) if self._path.exists() else {}
        self._path.write_text(json.dumps({**before, **self._cells}, indent=1, ensure_ascii=False))
