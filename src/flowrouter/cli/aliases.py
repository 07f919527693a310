"""`flow-router aliases`: names of one's own for models."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer

from flowrouter.api.models import entries
from flowrouter.cli import completion, output
from flowrouter.cli.desk import Desk, closest, opened
from flowrouter.cli.options import AsJson, ConfigFile, DataFolder, Detach
from flowrouter.errors import ConfigError
from flowrouter.gateway.runtime_settings import RuntimeSettings
from flowrouter.httpkit.keys import LOCAL_OWNER
from flowrouter.routing.names import leads_somewhere

app = typer.Typer(help="Names of your own for models.", no_args_is_help=True)

AliasName = Annotated[str, typer.Argument(help="The name that clients ask for.")]


@app.command("list")
def list_aliases(*, as_json: AsJson = False, config: ConfigFile = None, data: DataFolder = None) -> None:
    """List the aliases, those of the configuration file included."""
    with opened(config, data) as desk:
        file = desk.settings.models.aliases
        rows = [
            {"id": name, "models": _models(models), "source": "config" if name in file else "store"}
            for name, models in sorted(desk.world.facts.aliases.items())
        ]
    if as_json:
        output.as_json(rows)
        return
    if not rows:
        output.note("No alias yet. Make one: flow-router aliases set NAME MODEL")
        return
    output.table(("Alias", "Stands for", "From"), [(row["id"], row["models"], row["source"]) for row in rows])


@app.command("set")
def set_alias(
    name: AliasName,
    models: Annotated[
        list[str],
        typer.Argument(
            metavar="MODEL...",
            help="A model as a client would write it; several are a pool.",
            autocompletion=completion.models,
        ),
    ],
    *,
    detach: Detach = False,
    config: ConfigFile = None,
    data: DataFolder = None,
) -> None:
    """Make an alias, or let it stand for something else."""
    with opened(config, data, detach=detach) as desk:
        _refuse_declared(desk, name)
        change(desk, {"models": {"aliases": {name: models[0] if len(models) == 1 else models}}})
        known = {entry.id for entry in entries(desk.world)}
        lost = [
            model for model in models if model not in known and not leads_somewhere(desk.world.facts, model)
        ]
    print(f"{name!r} stands for {', '.join(models)}.")
    if lost:
        output.note(f"No account answers {', '.join(lost)} yet.")


@app.command()
def remove(
    name: AliasName, *, detach: Detach = False, config: ConfigFile = None, data: DataFolder = None
) -> None:
    """Remove an alias; what it stood for stays."""
    with opened(config, data, detach=detach) as desk:
        _refuse_declared(desk, name)
        if name not in desk.world.facts.aliases:
            fix = closest(name, desk.world.facts.aliases) or "see: flow-router aliases list"
            raise ConfigError(f"there is no alias {name!r}", fix=fix)
        change(desk, {"models": {"aliases": {name: None}}})
    print(f"Removed {name!r}.")


def change(desk: Desk, patch: dict[str, object]) -> None:
    """Merge `patch` into the settings; raises `ConfigError` for what they may not say."""
    try:
        desk.management.settings.patch(
            patch,
            owner_id=LOCAL_OWNER,
            validate=lambda values: msgspec.convert(values, RuntimeSettings),
        )
    except msgspec.ValidationError as error:
        problem, _, place = str(error).partition(" - at ")
        raise ConfigError(
            f"{place.strip('`').removeprefix('$.') or 'the settings'}: {problem.lower()}"
        ) from None


def _models(stands_for: str | tuple[str, ...]) -> list[str]:
    return [stands_for] if isinstance(stands_for, str) else list(stands_for)


def _refuse_declared(desk: Desk, name: str) -> None:
    if name in desk.settings.models.aliases:
        where = desk.settings.file or "the configuration"
        raise ConfigError(f"{name!r} is declared by {where}", fix="change it there")


__all__ = ["app", "change"]
