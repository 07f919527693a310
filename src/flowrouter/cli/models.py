"""`flow-router models` and `flow-router explain`: what can be asked for, and who would answer."""

from __future__ import annotations

from typing import Any, cast

import typer

from flowrouter.canonical.dialect import Dialect
from flowrouter.cli import output
from flowrouter.cli.codes import FAILED
from flowrouter.cli.desk import opened
from flowrouter.cli.options import AsJson, ClientDialect, ConfigFile, DataFolder, ModelName
from flowrouter.dialects import available
from flowrouter.errors import ConfigError
from flowrouter.gateway.world import World
from flowrouter.routing import AccountFacts
from flowrouter.routing.plan import Plan, build_plan


def models(
    *,
    as_json: AsJson = False,
    config: ConfigFile = None,
    data: DataFolder = None,
) -> None:
    """List every model that can be asked for, and by whom it is answered."""
    with opened(config, data) as desk:
        world = desk.world
    rows = _routable(world)
    if as_json:
        output.as_json(rows)
        return
    if rows:
        output.table(("Model", "Accounts"), [(row["id"], row["accounts"]) for row in rows])
    else:
        output.note("No model can be asked for yet.")
    for account in world.facts.accounts:
        if account.enabled and not account.problem and not account.names:
            output.note(_nameless(account))
    if not world.facts.accounts:
        output.note("Add an account: flow-router providers add")


def explain(
    model: ModelName,
    dialect: ClientDialect = "openai_chat",
    *,
    as_json: AsJson = False,
    config: ConfigFile = None,
    data: DataFolder = None,
) -> None:
    """Show who would be asked for MODEL, in which order, and why.

    No provider is asked.
    """
    if dialect not in available():
        raise ConfigError(f"{dialect!r} is no dialect of a client", fix=f"known: {', '.join(available())}")
    with opened(config, data) as desk:
        plan = build_plan(desk.world.facts, model, dialect=cast(Dialect, dialect))
    if as_json:
        output.as_json(plan)
    else:
        _print_plan(plan, dialect)
    if not plan.targets:
        raise typer.Exit(FAILED)


def _nameless(account: AccountFacts) -> str:
    """Say how to ask an account that has no plain model names to show."""
    ask = f"ask it by {account.name}/MODEL"
    if account.patterns:
        return f"{account.name}: takes {', '.join(account.patterns)}; {ask}"
    return f"{account.name}: its models are not known yet; the running gateway fetches them; {ask} meanwhile"


def _routable(world: World) -> list[dict[str, Any]]:
    """Return each id once, with its accounts in the order they are tried."""
    found: dict[str, list[str]] = {}
    for account in world.facts.accounts:
        if account.enabled and not account.problem:
            for name in account.names:
                found.setdefault(name, []).append(account.name)
    rows = [{"id": name, "accounts": found[name], "alias_of": None} for name in sorted(found)]
    aliases = [
        {"id": name, "accounts": found.get(target, []), "alias_of": target}
        for name, target in sorted(world.facts.aliases.items())
    ]
    return [*aliases, *rows]


def _print_plan(plan: Plan, dialect: str) -> None:
    if plan.targets:
        print(f"{plan.asked}  ({plan.step})")
        rows = [
            (
                number,
                target.account,
                target.preset,
                target.model,
                target.dialect,
                "passthrough" if target.dialect == dialect else "translate",
            )
            for number, target in enumerate(plan.targets, start=1)
        ]
        output.table(("#", "Account", "Preset", "Model there", "Dialect", "Lane"), rows, right=("#",))
    else:
        print(f"Nobody answers {plan.asked!r}.")
        if plan.suggestions:
            print(f"Close to it: {', '.join(plan.suggestions)}")
    if plan.notes:
        print()
    for note in plan.notes:
        print(f"  {'+' if note.taken else '-'} {note.account}: {note.reason}")


__all__ = ["explain", "models"]
