"""The one command that is run is examined alone, and is what it is among all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import typer.main

from flowrouter.cli.commands import app, named

WHOLE: Any = typer.main.get_command(app)


def paths(group: Any, before: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, command in group.commands.items():
        yield (*before, name)
        if hasattr(command, "commands"):
            yield from paths(command, (*before, name))


def known(command: Any) -> list[Any]:
    """Return what is said of a command, and of each of its options."""
    said = [command.name, command.help, command.epilog, command.context_settings, command.callback.__doc__]
    parts = ("name", "opts", "secondary_opts", "nargs", "required", "help", "default", "metavar")
    return [*said, *([getattr(one, part, None) for part in parts] for one in command.params)]


@pytest.mark.parametrize("path", [*paths(WHOLE)], ids=" ".join)
def test_a_command_alone_is_the_command_among_all(path: tuple[str, ...]) -> None:
    alone: Any = typer.main.get_command(named(app, [*path, "--an-option"]))
    among = WHOLE
    assert known(alone) == known(among)
    for name in path:
        assert list(alone.commands) == [name]
        alone, among = alone.commands[name], among.commands[name]
        assert known(alone) == known(among)
    if hasattr(among, "commands"):
        assert list(alone.commands) == list(among.commands), "whoever names a group is shown all of it"


@pytest.mark.parametrize("words", [[], ["--help"], ["kyes"], ["serve-it", "keys"]], ids=str)
def test_without_its_name_all_are_there(words: list[str]) -> None:
    assert named(app, words) is app


def test_all_of_a_group_are_there_for_a_wrong_name() -> None:
    alone: Any = typer.main.get_command(named(app, ["keys", "crate"]))
    assert list(alone.commands["keys"].commands) == list(WHOLE.commands["keys"].commands)
