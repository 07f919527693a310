"""Commands as users start them, each in a new interpreter; what `tests.support.commands` forks does the same."""

from __future__ import annotations

import pytest

from tests.e2e.conftest import Stand
from tests.support.commands import run

WORDS = [
    ("keys", "list"),
    ("usage", "verify", "--json"),
    ("providers", "test", "nobody"),
    ("backup", "list"),
    ("admin", "sessions"),
    ("apply", "-", "--dry-run"),
]


@pytest.mark.parametrize("words", WORDS, ids=" ".join)
def test_a_forked_command_is_a_started_one(stand: Stand, words: tuple[str, ...]) -> None:
    folder = stand.gateway.data
    line = [*words, "--data", str(folder), "--config", str(folder / "config.toml")]
    given = '[routing.combos.both]\nmembers = [{ model = "chat/gpt-4.1" }, { model = "claude/m" }]\n'
    forked, started = (run(*line, given=given, started=kind) for kind in (False, True))
    assert (forked.returncode, forked.stdout, forked.stderr) == (
        started.returncode,
        started.stdout,
        started.stderr,
    )
    assert started.stdout + started.stderr


def test_a_forked_command_has_its_own_environment_and_fails_alone(stand: Stand) -> None:
    folder = str(stand.gateway.data)
    for kind in (False, True):
        wrong = run("keys", "list", "--data", folder, environ={"FLOW_ROUTER_SERVER_PORT": "no"}, started=kind)
        assert wrong.returncode == 2, wrong.stderr
        assert "FLOW_ROUTER_SERVER_PORT" in wrong.stderr
    assert run("keys", "list", "--data", folder).returncode == 0
