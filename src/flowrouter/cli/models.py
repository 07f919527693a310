"""`flow-router models`: what can be asked for, and who answers."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from flowrouter.api.models import entries
from flowrouter.cli import completion, output
from flowrouter.cli.aliases import change
from flowrouter.cli.desk import Desk, closest, opened
from flowrouter.cli.options import AsJson, ConfigFile, DataFolder
from flowrouter.errors import ConfigError
from flowrouter.gateway.world import World
from flowrouter.routing import AccountFacts, build_plan
from flowrouter.routing.facts import matches

app = typer.Typer(help="What can be asked for, and who answers.")

ModelName = Annotated[
    str, typer.Argument(metavar="MODEL", help="The model.", autocompletion=completion.models)
]


@app.callback(invoke_without_command=True)
def models(
    ctx: typer.Context,
    *,
    as_json: AsJson = False,
    config: ConfigFile = None,
    data: DataFolder = None,
) -> None:
    """List every model that can be asked for, and who answers."""
    if ctx.invoked_subcommand is not None:
        return
    with opened(config, data) as desk:
        world = desk.world
    rows = _routable(world)
    if as_json:
        output.as_json(rows)
        return
    if rows:
        named = any(row["alias_of"] for row in rows)
        headings = ("Model", "Accounts", "Stands for")[: 3 if named else 2]
        output.table(
            headings,
            [(row["id"], row["accounts"], row["alias_of"] or "")[: len(headings)] for row in rows],
        )
    else:
        output.note("No model can be asked for yet.")
    for account in world.facts.accounts:
        if account.enabled and not account.problem and not account.names:
            output.note(_nameless(account))
    if not world.facts.accounts:
        output.note("Add an account: flow-router providers add")


@app.command()
def hide(model: ModelName, *, config: ConfigFile = None, data: DataFolder = None) -> None:
    """Take a model out of every list; nobody may ask for it."""
    with opened(config, data) as desk:
        globs = desk.world.routing.disabled_models
        if not any(model in account.names for account in desk.world.facts.accounts):
            raise ConfigError(f"no account has a model {model!r}", fix="see: flow-router models")
        _disable(desk, [*(glob for glob in globs if glob != model), model])
    print(f"{model!r} is hidden; bring it back: flow-router models show {model}")


@app.command()
def show(model: ModelName, *, config: ConfigFile = None, data: DataFolder = None) -> None:
    """Bring a hidden model back."""
    with opened(config, data) as desk:
        globs = desk.world.routing.disabled_models
        others = [glob for glob in globs if glob != model]
        by = next((glob for glob in others if matches(model, glob)), None)
        if by is not None:
            fix = "change `routing.disabled_models`"
            raise ConfigError(f"{model!r} is hidden by {by!r}", fix=fix)
        if len(others) == len(globs):
            raise ConfigError(f"{model!r} is not hidden", fix=closest(model, globs))
        _disable(desk, others)
    print(f"{model!r} can be asked for again.")


def _disable(desk: Desk, globs: list[str]) -> None:
    change(desk, {"routing": {"disabled_models": globs}})


def _nameless(account: AccountFacts) -> str:
    """Say how to ask an account that has no plain model names to show."""
    ask = f"ask it by {account.name}/MODEL"
    if account.patterns:
        return f"{account.name}: takes {', '.join(account.patterns)}; {ask}"
    return f"{account.name}: its models are not known yet; the running gateway fetches them; {ask} meanwhile"


def _routable(world: World) -> list[dict[str, Any]]:
    """Return each name once, with its accounts in the order they are tried; those people gave come first."""
    rows: list[dict[str, Any]] = []
    for entry in entries(world):
        named = entry.owned_by in ("alias", "combo") and not entry.accounts
        accounts = _behind(world, entry.id) if named else entry.accounts
        stands_for = _stands_for(world, entry.id) if named else None
        rows.append({"id": entry.id, "accounts": list(accounts), "alias_of": stands_for})
    return sorted(rows, key=lambda row: row["alias_of"] is None)


def _behind(world: World, name: str) -> list[str]:
    """Return the accounts that a name of people's own may lead to."""
    plan = build_plan(world.facts, name, dialect="openai_chat")
    return list(dict.fromkeys(target.account for target in plan.targets))


def _stands_for(world: World, name: str) -> str | list[str]:
    alias = world.facts.aliases.get(name)
    if alias is not None:
        return alias if isinstance(alias, str) else list(alias)
    combo = world.facts.combo(name)
    return [member.model for member in combo.config.members] if combo is not None else []


__all__ = ["app", "models"]
