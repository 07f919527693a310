"""`flow-router models` and `flow-router explain`: what can be asked for, and who would answer."""

from __future__ import annotations

from typing import Annotated, Any, cast

import typer

from flowrouter.canonical.dialect import Dialect
from flowrouter.cli import completion, output
from flowrouter.cli.codes import FAILED
from flowrouter.cli.desk import opened
from flowrouter.cli.options import AsJson, ClientDialect, ConfigFile, DataFolder
from flowrouter.cli.receipts import explain_request
from flowrouter.dialects import available
from flowrouter.errors import ConfigError
from flowrouter.gateway.world import World
from flowrouter.routing import AccountFacts, Facts
from flowrouter.routing.plan import Plan, build_plan


def models(
    *,
    as_json: AsJson = False,
    config: ConfigFile = None,
    data: DataFolder = None,
) -> None:
    """List every model that can be asked for, and who answers."""
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
    model: Annotated[
        str | None,
        typer.Argument(help="The model, as a client would write it.", autocompletion=completion.models),
    ] = None,
    dialect: ClientDialect = "openai_chat",
    *,
    request: Annotated[
        str | None,
        typer.Option(
            "--request",
            metavar="ID",
            help="Explain a request that was answered, by its id.",
            autocompletion=completion.request_ids,
        ),
    ] = None,
    as_json: AsJson = False,
    config: ConfigFile = None,
    data: DataFolder = None,
) -> None:
    """Show who would be asked for MODEL, in which order, and why; or what became of a request.

    No provider is asked.
    """
    if request is not None:
        explain_request(request, as_json=as_json, config=config, data=data)
        return
    if model is None:
        raise ConfigError("name a model, or a request", fix="flow-router explain MODEL, or --request ID")
    if dialect not in available():
        raise ConfigError(f"{dialect!r} is no dialect of a client", fix=f"known: {', '.join(available())}")
    with opened(config, data) as desk:
        facts = desk.world.facts
        plan = build_plan(facts, model, dialect=cast(Dialect, dialect))
    if as_json:
        output.as_json(plan)
    else:
        _print_plan(plan, facts, dialect=dialect)
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


def _print_plan(plan: Plan, facts: Facts, *, dialect: str) -> None:
    why = {note.account: note.reason for note in plan.notes if note.taken}
    if plan.targets:
        print(f"{plan.asked}: found by {plan.step}")
        print()
        rows = [
            (
                number,
                target.account,
                target.model,
                target.dialect,
                "passthrough" if target.dialect == dialect else "translate",
                why.get(target.account),
            )
            for number, target in enumerate(plan.targets, start=1)
        ]
        output.table(("#", "Account", "Model there", "Dialect", "Lane", "Why"), rows, right=("#",))
    else:
        print(f"Nobody answers {plan.asked!r}.")
        if plan.suggestions:
            print(f"Close to it: {', '.join(plan.suggestions)}")
    left_out = _left_out(plan, facts)
    if left_out:
        print("\nNot asked:")
        width = max(len(account) for account, _ in left_out)
        for account, reason in left_out:
            print(f"  {account:<{width}}  {reason}")


def _left_out(plan: Plan, facts: Facts) -> list[tuple[str, str]]:
    """Return every account that is not in the plan, with the reason."""
    told = {note.account: note.reason for note in plan.notes if not note.taken}
    asked = {target.account for target in plan.targets}
    found: list[tuple[str, str]] = []
    for account in facts.accounts:
        if account.name in asked:
            continue
        reason = "does not list this name"
        if plan.step.endswith("prefix"):
            reason = "not named"
        elif account.reserved:
            reason = "answers to its own name only"
        elif "*" in account.patterns or (account.models is None and not account.patterns):
            reason = "takes every name, but only where no other account has it"
        found.append((account.name, told.get(account.name, reason)))
    return found


__all__ = ["explain", "models"]
