"""What a shell is offered, asked for as a shell does it: by variables, through the entry point."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from flowrouter.cli import commands
from flowrouter.cli.main import main
from flowrouter.cli.serve import parser
from tests.unit.cli.conftest import Run

Offer = Callable[..., list[str]]


@pytest.fixture
def offer(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], data: Path) -> Offer:
    def asked(*words: str) -> list[str]:
        line = ["flow-router", *words]
        monkeypatch.setenv("FLOW_ROUTER_DATA", str(data))
        monkeypatch.setenv("_FLOW_ROUTER_COMPLETE", "complete_bash")
        monkeypatch.setenv("COMP_WORDS", " ".join(line))
        monkeypatch.setenv("COMP_CWORD", str(len(line) - 1))
        capsys.readouterr()
        assert main([]) == 0
        monkeypatch.delenv("_FLOW_ROUTER_COMPLETE")
        printed = capsys.readouterr()
        assert printed.err == ""
        return printed.out.split()

    return asked


@pytest.fixture
def filled(run: Run) -> None:
    for name, models in (("box", "small,large"), ("den", "other")):
        ran = run("providers", "add", name, "--preset", "custom-openai", "--base-url", "http://127.0.0.1:1/v1",
                  "--models", models)  # fmt: skip
        assert ran.code == 0, ran.err
    assert run("keys", "create", "laptop").code == 0


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["providers", "test", "b"], ["box"]),
        (["providers", "remove", "d"], ["den"]),
        (["providers", "add", "x", "--preset", "anthr"], ["anthropic"]),
        (["keys", "revoke", ""], ["laptop"]),
        (["explain", "sma"], ["small"]),
        (["chat", "box/"], ["box/small", "box/large"]),
        (["explain", "small", "--dialect", "a"], ["anthropic"]),
        (["usage", "--by", "mo"], ["model"]),
        (["requests", "ta"], ["tail"]),
        (["translate", "--from", "open"], ["openai_chat", "openai_responses"]),
        (["serve", "--po"], ["--port"]),
    ],
)
def test_names_are_offered(offer: Offer, words: list[str], offered: list[str]) -> None:
    assert offer(*words) == offered


def test_nothing_is_made_or_said_where_nothing_is(offer: Offer, data: Path) -> None:
    assert offer("providers", "test", "b") == []
    assert not data.exists()


def test_a_broken_configuration_is_no_noise(offer: Offer, data: Path) -> None:
    data.mkdir()
    (data / "config.toml").write_text("[server\n")
    assert offer("providers", "test", "b") == []


def test_the_script_for_a_shell_is_shown(
    run: Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # The shell is looked for among the processes above, and whoever runs the tests may have none there.
    monkeypatch.setattr("shellingham.detect_shell", lambda: ("bash", "/bin/bash"))
    assert main(["--show-completion"]) == 0
    assert "_FLOW_ROUTER_COMPLETE=complete_bash" in capsys.readouterr().out


def test_serve_offers_what_it_takes() -> None:
    """Its own options are read without typer; the list for the shell must not fall behind."""
    import typer

    listed = typer.main.get_command(commands.app).commands["serve"]  # type: ignore[attr-defined]
    offered = {flag for option in listed.params for flag in (*option.opts, *option.secondary_opts)}
    taken = {flag for action in parser()._actions for flag in action.option_strings}
    assert offered == taken - {"-h", "--help"}
