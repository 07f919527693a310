"""`flow-router vault`: the key that seals secrets, and how to change it."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer

from flowrouter import app as program
from flowrouter.cli import output
from flowrouter.cli.codes import FAILED
from flowrouter.cli.desk import opened
from flowrouter.cli.options import AsJson, ConfigFile, DataFolder

app = typer.Typer(help="The key that seals secrets in the store.", no_args_is_help=True)


@app.command()
def status(config: ConfigFile = None, data: DataFolder = None, *, json: AsJson = False) -> None:
    """Show which keys there are, by their ids, and how many sealed values need each."""
    with opened(config, data) as desk:
        found = program.rekeying(desk.application).standing()
    if json:
        output.as_json(msgspec.to_builtins(found))
        return
    known = (found.key_id, *found.older)
    rows = [(found.key_id, "seals", found.sealed.get(found.key_id, 0))]
    rows += [(key, "opens", found.sealed.get(key, 0)) for key in found.older]
    rows += [(key, "missing", count) for key, count in found.sealed.items() if key not in known]
    output.table(("key", "use", "values"), rows, right=("values",))
    output.note(f"The key is from {found.source}.\n")
    if found.unfinished:
        output.note("A change of keys was begun and not ended: flow-router vault rotate\n")


@app.command()
def rotate(config: ConfigFile = None, data: DataFolder = None, *, json: AsJson = False) -> None:
    """Change the key and seal everything again; run it once more if it was interrupted."""
    with opened(config, data) as desk:
        changed = program.rekeying(desk.application).rotate()
    if json:
        output.as_json(msgspec.to_builtins(changed))
    else:
        values = "value" if changed.resealed == 1 else "values"
        print(f"Key {changed.key_id} seals everything now; {changed.resealed} {values} sealed again.")
        if changed.older:
            print(
                f"Older keys ({', '.join(changed.older)}) are kept: backups made before now need them. "
                "Without such backups: flow-router vault forget"
            )
    if changed.unreadable:
        output.note(
            f"{changed.unreadable} values were opened by no key and are as they were: flow-router doctor\n"
        )
        raise typer.Exit(FAILED)


@app.command()
def forget(
    config: ConfigFile = None,
    data: DataFolder = None,
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Delete older keys, which only backups need."""
    with opened(config, data) as desk:
        work = program.rekeying(desk.application)
        older = work.standing().older
        if not older:
            print("There are no older keys.")
            return
        question = f"Delete {', '.join(older)}? Backups sealed with them can never be opened again."
        if not yes and not typer.confirm(question):
            raise typer.Exit(FAILED)
        count = work.forget()
    print(f"Deleted {count} older {'key' if count == 1 else 'keys'}.")


__all__ = ["app", "forget", "rotate", "status"]
