"""`flow-router keys budget`: what a gateway key may spend."""

from __future__ import annotations

from typing import Annotated

import typer

from flowrouter.cli import budget_options, output
from flowrouter.cli.desk import opened
from flowrouter.cli.keys import KeyName
from flowrouter.cli.options import ConfigFile, DataFolder, Detach
from flowrouter.gateway.budgets import told
from flowrouter.gateway.ports import KeyChange
from flowrouter.settings.budgets import Budget

Amounts = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="AMOUNT/PERIOD …",
        help="5usd/day, 2000000tokens/week, 500requests/month; none takes all away. Without any, they are shown.",
    ),
]


def budget(  # noqa: PLR0917 - typer reads the options from here
    name: KeyName,
    amounts: Amounts = None,
    downgrade: budget_options.Downgrade = None,
    zone: budget_options.Zone = None,
    warn: budget_options.Warn = None,
    *,
    hard: budget_options.Hard = None,
    unpriced: budget_options.Unpriced = None,
    detach: Detach = False,
    config: ConfigFile = None,
    data: DataFolder = None,
) -> None:
    """Set what a key may use in a day, week or month; what is not given stays. A gateway follows within a second."""
    with opened(config, data, detach=detach) as desk:
        key = desk.key(name)
        budgets = budget_options.budgets_of(
            amounts or None,
            key.policy.budgets,
            hard=hard,
            downgrade=downgrade,
            zone=zone,
            warn=warn,
            unpriced=unpriced,
        )
        if budgets is not None:
            changed = budget_options.with_budgets(key.policy, budgets)
            key = desk.management.keys.update(key.id, KeyChange(policy=changed), if_version=key.version)
    if not key.policy.budgets:
        output.note(f"{key.name!r} has no budget.")
        return
    rows = [_row(each) for each in key.policy.budgets]
    output.table(("Budget", "Mode", "Begins in", "Warned from", "Used up"), rows)


def _row(budget: Budget) -> tuple[object, ...]:
    ends = f"{budget.downgrade} is asked instead" if budget.downgrade else "requests are refused"
    return (
        f"{told(budget, budget.limit)} a {budget.period}",
        budget.mode,
        budget.zone,
        f"{round(budget.warn * 100)}%",
        ends,
    )


__all__ = ["budget"]
