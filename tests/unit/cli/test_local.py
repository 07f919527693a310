"""`flow-router local`: what it says, what it hands to `serve`, and that a fault leaves the way open."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from flowrouter.features.local import pull as pulling
from flowrouter.features.local import weights
from flowrouter.features.local.pull import PullError
from tests.unit.cli.conftest import Run


class Machine:
    """What is installed and fetched, and what `pull` does."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.runtime = True
        self.error: BaseException | None = None
        self.pulls = 0
        self.served: list[str] | None = None

    def pull(self, data: Path, *, report: pulling.Report, **_: Any) -> bool:
        self.pulls += 1
        assert data == self.data
        report("downloading", 0, 100)
        report("downloading", 100, 100)
        report("unpacking", 100, 100)
        if self.error is not None:
            raise self.error
        if weights.is_whole(weights.pulled(data)):
            return False
        weights.pulled(data).parent.mkdir(parents=True, exist_ok=True)
        weights.pulled(data).write_bytes(b"GGUF")
        return True

    def serve(self, program: str, arguments: list[str]) -> None:
        assert program == sys.executable
        assert arguments[1:4] == ["-m", "flowrouter.cli.main", "serve"]
        self.served = arguments[4:]


@pytest.fixture
def machine(data: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine(data)
    monkeypatch.setattr(weights, "SIZE", 4)
    monkeypatch.setattr(
        weights, "find_spec", lambda name: object() if name == "xllamacpp" and made.runtime else None
    )
    monkeypatch.setattr(pulling, "pull", made.pull)
    monkeypatch.setattr(os, "execv", made.serve)
    return made


def test_pulling_tells_how_far_it_is_and_where_it_went(machine: Machine, run: Run) -> None:
    done = run("local", "pull")
    assert done.code == 0
    assert str(weights.pulled(machine.data)) in done.out
    assert "Downloading the model: 0 of 0 MB" in done.err
    assert "Unpacking" in done.err
    assert "is there already" in run("local", "pull").out


def test_pulling_without_the_runtime_names_the_other_half(machine: Machine, run: Run) -> None:
    machine.runtime = False
    assert weights.RUNTIME in run("local", "pull").err


def test_a_failed_pull_is_an_error_and_an_interruption_is_said(machine: Machine, run: Run) -> None:
    machine.error = PullError("the disk is full", fix="free some")
    failed = run("local", "pull")
    assert (failed.code, failed.out) == (1, "")
    assert "error: the disk is full (free some)" in failed.err
    machine.error = KeyboardInterrupt()
    stopped = run("local", "pull")
    assert stopped.code == 130
    assert "nothing half-done was left behind" in stopped.err


def test_running_fetches_what_is_missing_once_and_hands_over_to_serve(machine: Machine, run: Run) -> None:
    assert run("local", "run", "--port", "0", "--log-level", "debug").code == 0
    assert machine.served == ["--data", str(machine.data), "--port", "0", "--log-level", "debug", "--local"]
    run("local", "run")
    assert machine.pulls == 1


def test_running_a_file_of_ones_own_fetches_nothing(machine: Machine, run: Run, tmp_path: Path) -> None:
    own = tmp_path / "own.gguf"
    wrong = run("local", "run", "--model", str(own))
    assert wrong.code == 2
    assert "is no model file" in wrong.err
    own.write_bytes(b"GGUF...")
    run("local", "run", "--model", str(own))
    assert machine.served == ["--data", str(machine.data), "--local", "--model", str(own)]
    assert machine.pulls == 0


def test_a_wrong_option_of_serve_is_said_before_the_download(machine: Machine, run: Run) -> None:
    assert run("local", "run", "--prot", "1").code == 2
    assert machine.pulls == 0
    assert machine.served is None


@pytest.mark.parametrize("forged", [False, True])
def test_if_possible_starts_without_the_model_but_not_with_a_forged_one(
    machine: Machine, run: Run, forged: bool
) -> None:
    machine.error = PullError("it did not come", fix="try again", forged=forged)
    assert run("local", "run").code == 1
    assert machine.served is None
    done = run("local", "run", "--if-possible")
    if forged:
        assert (done.code, machine.served) == (1, None)
    else:
        assert done.code == 0
        assert "the gateway starts without the embedded model" in done.err
        assert machine.served == ["--data", str(machine.data)]


def test_a_missing_runtime_is_said_with_the_command(machine: Machine, run: Run) -> None:
    machine.runtime = False
    missing = run("local", "run")
    assert missing.code == 2
    assert weights.RUNTIME in missing.err
    assert machine.pulls == 0, "a model that nothing can run is not fetched"
    assert run("local", "run", "--if-possible").code == 0
    assert machine.served == ["--data", str(machine.data)]


def test_the_state_is_told_with_the_next_step(machine: Machine, run: Run) -> None:
    before = run("local", "status", "--json")
    assert before.code == 1
    assert (before.json["ready"], before.json["next"]) == (False, "flow-router local pull")
    run("local", "pull")
    after = run("local", "status", "--json")
    assert after.code == 0
    assert (after.json["model"], after.json["origin"]) == (weights.MODEL, "pulled")
    assert weights.LABEL in run("local", "status").out
    machine.runtime = False
    assert run("local", "status", "--json").json["next"] == weights.install_command()
    (machine.data / "config.toml").write_text("[local]\nmode = 'off'\n")
    assert "local.mode" in run("local", "status").out


def test_removing_tells_what_it_freed(machine: Machine, run: Run) -> None:
    assert "nothing to remove" in run("local", "remove").out
    run("local", "pull")
    assert "Removed" in run("local", "remove").out
    assert not weights.pulled(machine.data).exists()
