"""`flow-router apply`: make the gateway what a file says, after showing what that changes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from flowrouter import logs, strict_toml
from flowrouter.api.admin.declaration.applying import ApplyQuestion
from flowrouter.api.admin.declaration.applying import apply as apply_here
from flowrouter.api.admin.declaration.references import references
from flowrouter.api.admin.declaration.sealing import is_sealed
from flowrouter.api.admin.declaration.sealing import opened as unsealed
from flowrouter.cli import bookkeeping, output, running
from flowrouter.cli.codes import FAILED
from flowrouter.cli.declaring import (
    STDIN,
    PassphraseFile,
    counted,
    looked_up,
    passphrase,
    print_changes,
    text_of,
)
from flowrouter.cli.desk import Desk, opened
from flowrouter.cli.options import AsJson, ConfigFile, DataFolder
from flowrouter.errors import CallerError, ConfigError

EPILOG = """\b
Examples:
  flow-router apply gateway.toml --dry-run    what would change
  flow-router apply gateway.toml              show it, ask, do it
  flow-router apply gateway.toml --yes --prune
  other-program | flow-router apply - --yes
"""


def apply(
    file: Annotated[str, typer.Argument(metavar="FILE", help="What there shall be; `-` is stdin.")],
    known_as: Annotated[
        str | None,
        typer.Option("--as", metavar="NAME", help="What to call the file; its own name is the default."),
    ] = None,
    passphrase_file: PassphraseFile = None,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would change.")] = False,
    prune: Annotated[
        bool,
        typer.Option(
            "--prune", help="Remove what an earlier version of the file brought and this one lacks."
        ),
    ] = False,
    prune_all: Annotated[
        bool,
        typer.Option("--prune-all", help="Remove everything the file does not mention, whoever made it."),
    ] = False,
    take_over: Annotated[bool, typer.Option("--take-over", help="Take what another file owns.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: AsJson = False,
    config: ConfigFile = None,
    data: DataFolder = None,
) -> None:
    """Make the gateway what FILE says: accounts, combos, settings, keys, users. All of it or nothing."""
    name = known_as or ("stdin" if file == STDIN else Path(file).name)
    question = _question(file, name, passphrase_file=passphrase_file)
    question = msgspec.structs.replace(
        question, prune="all" if prune_all else "file" if prune else "none", take_over=take_over
    )
    with opened(config, data) as desk:
        planned = _ask(desk, msgspec.structs.replace(question, dry_run=True))
        if dry_run or not planned["changes"]:
            _show(planned, as_json=as_json, done=False)
            return
        if not as_json:
            print_changes(planned)
        _agree(planned, file, yes=yes)
        applied = _ask(desk, question)
    _show_done(applied, as_json=as_json)


def _question(file: str, name: str, *, passphrase_file: str | None) -> ApplyQuestion:
    """Return what to ask for: the text unsealed, with what its references stand for."""
    text = text_of(file)
    tables = strict_toml.parse(text, file=name)
    if is_sealed(tables):
        try:
            text = unsealed(tables, passphrase(passphrase_file), text=text, file=name)
        except CallerError as error:
            raise ConfigError(error.message) from None
        tables = strict_toml.parse(text, file=name)
    folder = Path() if file == STDIN else Path(file).parent
    secrets = looked_up(references(tables).values(), folder=folder)
    logs.hide(*secrets.values())
    return ApplyQuestion(text=text, file=name, secrets=secrets)


def _ask(desk: Desk, question: ApplyQuestion) -> Any:
    """Return the answer of the running gateway, or of the store where none runs."""
    body: Any = msgspec.to_builtins(question)
    answer = running.change(desk, "/api/apply", body)
    if answer is not None:
        return answer
    store = desk.application.management
    try:
        if question.dry_run:
            applied = apply_here(store, question, catalog=desk.catalog, config=desk.settings)
        else:
            with store.together():
                applied = apply_here(store, question, catalog=desk.catalog, config=desk.settings)
                bookkeeping.record(
                    store, desk.clock, action="apply_declaration", target=question.file, after=applied
                )
    except CallerError as error:
        fix = (error.details or {}).get("fix")
        raise ConfigError(error.message, fix=str(fix) if fix else None) from None
    return msgspec.to_builtins(applied)


def _agree(planned: Any, file: str, *, yes: bool) -> None:
    """Return if the change is wanted; without a terminal to ask on only `--yes` says so."""
    if yes:
        return
    if file == STDIN or not sys.stdin.isatty():
        output.note(f"{counted(planned, done=False)} Nothing was changed: add --yes to do it without asking.")
        raise typer.Exit(FAILED)
    if not typer.confirm(f"{counted(planned, done=False)} Do it?"):
        raise typer.Exit(FAILED)


def _show(planned: Any, *, as_json: bool, done: bool) -> None:
    if as_json:
        output.as_json(planned)
        return
    print_changes(planned)
    if planned["changes"]:
        print(counted(planned, done=done))
    else:
        print(f"Nothing to change: {planned['unchanged']} things are as {planned['file']} says.")


def _show_done(applied: Any, *, as_json: bool) -> None:
    if as_json:
        output.as_json(applied)
        return
    print(counted(applied, done=True))
    for minted in applied["minted"]:
        output.note(f"Key {minted['name']!r} — store it now, it is not shown again:")
        print(minted["token"])


__all__ = ["EPILOG", "apply"]
