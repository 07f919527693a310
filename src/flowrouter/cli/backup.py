"""`flow-router backup`: copies of the store, made beside a running gateway and put back where none runs."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
import typer

from flowrouter import config as configuration
from flowrouter import logs
from flowrouter.accounts.vault import KEY_FILE, KEY_VARIABLE
from flowrouter.app import backups as work
from flowrouter.cli import output
from flowrouter.cli.bookkeeping import operator
from flowrouter.cli.codes import FAILED
from flowrouter.cli.options import AsJson, ConfigFile, DataFolder
from flowrouter.clock import SystemClock
from flowrouter.config import Config
from flowrouter.gateway.backups import Backup, Restored

app = typer.Typer(help="Backups of the store: make, list, prove, put back.", no_args_is_help=True)

Which = Annotated[str, typer.Argument(metavar="ID", help="See: backup list.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


@app.command()
def create(
    config: ConfigFile = None,
    data: DataFolder = None,
    *,
    note: Annotated[str, typer.Option("--note", metavar="TEXT", help="What it is for.")] = "",
    json: AsJson = False,
) -> None:
    """Make a backup now; the gateway may run meanwhile."""
    settings = _settings(config, data)
    made = work.shelf_of(settings, clock=SystemClock()).create("manual", note=note)
    work.write_down(settings, "create_backup", made.id, actor=operator(), via="cli")
    if json:
        output.as_json(_row(made))
    else:
        print(f"Made {made.id} ({_size(made.bytes)}) in {made.path.parent}")
    _warn_of_key(settings)


@app.command("list")
def list_(config: ConfigFile = None, data: DataFolder = None, *, json: AsJson = False) -> None:
    """List the backups, newest first."""
    settings = _settings(config, data)
    shelf = work.shelf_of(settings, clock=SystemClock())
    found = shelf.list()
    if json:
        output.as_json([_row(backup) for backup in found])
        return
    if not found:
        print("There are no backups: flow-router backup create")
        return
    rows = [
        (
            backup.id,
            output.moment(backup.created_at_ms),
            _size(backup.bytes),
            backup.manifest.schema if backup.manifest else None,
            backup.manifest.key_id if backup.manifest else None,
            backup.manifest.note if backup.manifest else None,
        )
        for backup in found
    ]
    output.table(("id", "made", "size", "schema", "key", "note"), rows, right=("size", "schema"))
    staged = shelf.staged()
    if staged is not None:
        text = f"{staged.id} is put back at the next start" if staged.error is None else staged.error
        output.note(text)


@app.command()
def verify(which: Which, config: ConfigFile = None, data: DataFolder = None, *, json: AsJson = False) -> None:
    """Prove a backup: its bytes, its structure, its rows, and that the keys at hand open it; exit code 1 if not."""
    settings = _settings(config, data)
    verdict = work.verify(settings, which, clock=SystemClock())
    if json:
        output.as_json(verdict)
    else:
        output.table(
            ("check", "", "found"),
            [(each.name, "ok" if each.ok else "FAILED", each.found) for each in verdict.checks],
        )
        print(f"{verdict.id} can be put back." if verdict.ok else f"{verdict.id} cannot be put back.")
        if verdict.fix:
            output.note(f"To do: {verdict.fix}")
    if not verdict.ok:
        raise typer.Exit(FAILED)


@app.command()
def restore(
    which: Annotated[str, typer.Argument(metavar="ID", help="Or the path of a backup that lies elsewhere.")],
    config: ConfigFile = None,
    data: DataFolder = None,
    *,
    at_next_start: Annotated[
        bool, typer.Option("--at-next-start", help="Let the gateway do it when it starts the next time.")
    ] = False,
    cancel: Annotated[
        bool, typer.Option("--cancel", help="Do not do it at the next start after all.")
    ] = False,
    yes: Yes = False,
    json: AsJson = False,
) -> None:
    """Put a backup in the place of the store; what the store holds now is backed up first."""
    settings = _settings(config, data)
    configuration.prepare_data_dir(settings)
    shelf = work.shelf_of(settings, clock=SystemClock())
    if cancel:
        staged = shelf.unstage()
        print(f"{staged.id} is not put back." if staged else "Nothing waits to be put back.")
        return
    if at_next_start:
        staged = shelf.stage(which)
        print(f"{staged.id} is put back when the gateway starts the next time.")
        return
    found = work.find(shelf, which)
    question = f"Put the store back to {output.moment(found.created_at_ms)} ({found.id})?"
    if not yes and not typer.confirm(question):
        raise typer.Exit(FAILED)
    done = work.restore(settings, which, actor=operator(), via="cli")
    if json:
        output.as_json(done)
    else:
        _tell(done)


@app.command()
def delete(which: Which, config: ConfigFile = None, data: DataFolder = None, *, yes: Yes = False) -> None:
    """Remove a backup for good."""
    settings = _settings(config, data)
    shelf = work.shelf_of(settings, clock=SystemClock())
    found = shelf.get(which)
    if not yes and not typer.confirm(f"Remove {found.id} ({_size(found.bytes)}) for good?"):
        raise typer.Exit(FAILED)
    shelf.delete(which)
    work.write_down(settings, "delete_backup", which, actor=operator(), via="cli")
    print(f"Removed {which}.")


def _settings(file: str | None, data: str | None) -> Config:
    settings = configuration.load({"config": file, "data": data}, secrets=False)
    logs.configure("error", format="text")
    return settings


def _row(backup: Backup) -> dict[str, Any]:
    return {
        "id": backup.id,
        "kind": backup.kind,
        "created_at_ms": backup.created_at_ms,
        "bytes": backup.bytes,
        "path": str(backup.path),
        "manifest": msgspec.to_builtins(backup.manifest),
    }


def _tell(done: Restored) -> None:
    upgraded = (
        f", brought from schema {done.from_schema} to {done.schema}"
        if done.from_schema != done.schema
        else ""
    )
    print(f"Put {done.id} back{upgraded}.")
    if done.before:
        print(f"What the store held is kept: {done.before}")
    if done.revived:
        output.note(
            f"Revoked since then, valid again: {', '.join(done.revived)} (flow-router keys revoke NAME)"
        )


def _warn_of_key(settings: Config) -> None:
    where = KEY_VARIABLE if settings.master_key else str(settings.data_dir / KEY_FILE)
    output.note(
        f"The key that seals its secrets is not in it. It is in {where}: keep a copy of that somewhere else."
    )


def _size(count: int) -> str:
    return f"{count / 1_000_000:.1f} MB" if count >= 100_000 else f"{count / 1000:.1f} kB"


__all__ = ["app", "create", "delete", "list_", "restore", "verify"]
