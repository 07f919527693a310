"""What `apply` and `export` share: reading files and passphrases, asking a running gateway or the store."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from flowrouter import config
from flowrouter.api.admin.declaration.references import ENV, FILE
from flowrouter.cli import output
from flowrouter.errors import ConfigError

STDIN = "-"
_LARGEST = 64 * 1024

PassphraseFile = Annotated[
    str | None,
    typer.Option(
        "--passphrase-file", metavar="FILE", help="Where the passphrase stands; else it is asked for."
    ),
]


def text_of(file: str) -> str:
    """Return the text of a declaration, `-` from stdin; raises `ConfigError`."""
    try:
        return sys.stdin.read() if file == STDIN else Path(file).read_text("utf-8")
    except FileNotFoundError:
        raise ConfigError(f"there is no file {file}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read {file}: {error}") from None


def looked_up(references: Iterable[str], *, folder: Path) -> dict[str, str]:
    """Return what references stand for where this runs; one that stands for nothing is left out."""
    found: dict[str, str] = {}
    names = set(references)
    variables = config.environment(name.removeprefix(ENV) for name in names if name.startswith(ENV))
    for name in names:
        if name.startswith(FILE):
            value = _secret_in(folder / Path(name.removeprefix(FILE)).expanduser())
        else:
            value = variables.get(name.removeprefix(ENV))
        if value:
            found[name] = value
    return found


def passphrase(file: str | None, *, again: bool = False) -> str:
    """Return the passphrase in `file`, or ask for it, twice where a mistake would lock everybody out."""
    if file is not None:
        found = _secret_in(Path(file).expanduser())
        if not found:
            raise ConfigError(f"there is no passphrase in {file}")
        return found
    if not sys.stdin.isatty():
        raise ConfigError("a passphrase is needed", fix="--passphrase-file FILE")
    given: str = typer.prompt("Passphrase", hide_input=True, confirmation_prompt=again, err=True)
    return given


def print_changes(applied: Any) -> None:
    """Print a difference as the API tells it, one thing a line and what changes of it below."""
    for change in applied["changes"]:
        print(_line(change))
        if change["action"] == "changed":
            for field in change["fields"]:
                name = "" if field["field"] == "value" else f"{field['field']}: "
                print(f"      {name}{_value(field['before'])} -> {_value(field['after'])}")
    for name in applied["left"]:
        output.note(f"note: {name} is no longer in {applied['file']} and stays; --prune removes it")


def counted(applied: Any, *, done: bool) -> str:
    """Return how much a difference comes to, as a sentence."""
    parts = [(applied[name], name) for name in ("added", "changed", "removed")]
    told = ", ".join(f"{count} {name if done else _TO_COME[name]}" for count, name in parts if count)
    return f"{told}, {applied['unchanged']} as they are."


_SIGNS = {"added": "+", "changed": "~", "removed": "-", "taken_over": "="}
_TO_COME = {"added": "to add", "changed": "to change", "removed": "to remove"}


def _line(change: Any) -> str:
    told = f"  {_SIGNS[change['action']]} {change['kind']} {change['name']}"
    if change["action"] == "added":
        fields = [
            _value(field["after"])
            if field["field"] == "value"
            else f"{field['field']} {_value(field['after'])}"
            for field in change["fields"]
        ]
        told += f": {', '.join(fields)}" if fields else ""
    if change.get("was_managed_by"):
        told += f" (was managed by {change['was_managed_by']})"
    return told


def _value(value: Any) -> str:
    """Return a value as TOML would have it, short enough for a line."""
    match value:
        case None:
            return "nothing"
        case bool():
            return str(value).lower()
        case list():
            return "[" + ", ".join(_value(each) for each in value) + "]"
        case dict():
            return "{" + ", ".join(f"{name} = {_value(each)}" for name, each in value.items()) + "}"
        case _:
            return str(value)


def _secret_in(path: Path) -> str | None:
    """Return the one line of a file that holds a secret, None where there is none."""
    try:
        with path.open("rb") as file:
            return file.read(_LARGEST).decode().strip("\r\n") or None
    except (OSError, UnicodeDecodeError):
        return None


__all__ = ["STDIN", "PassphraseFile", "counted", "looked_up", "passphrase", "print_changes", "text_of"]
