"""`flow-router usage verify`, `budgets` and `release`: whether the books add up, and how budgets stand."""

from __future__ import annotations

import typer

from flowrouter.cli import output
from flowrouter.cli.codes import FAILED
from flowrouter.cli.desk import opened
from flowrouter.cli.options import AsJson, ConfigFile, DataFolder
from flowrouter.gateway.budget_states import all_limits, state_of
from flowrouter.gateway.budgets import told
from flowrouter.gateway.periods import span_of


def verify(*, as_json: AsJson = False, config: ConfigFile = None, data: DataFolder = None) -> None:
    """Check the ledger: sums, gaps, roll-ups, budgets. Ends with 1 where something does not add up."""
    with opened(config, data) as desk:
        found = desk.management.ledger.verify(now_ms=int(desk.clock.now() * 1000))
    if as_json:
        output.as_json(found)
    else:
        print(
            f"{found.exchanges:,} exchanges in {found.lines:,} lines, {found.rollups:,} sums by day, "
            f"{found.budgets:,} budget counters."
        )
        if found.unknown:
            print(f"{found.unknown:,} amounts are unknown: their model has no price.")
        for budget_id, amount in found.uncertain.items():
            print(
                f"{budget_id}: {amount:,} was drawn by a process that is no more, and counts as spent "
                "(flow-router usage release)."
            )
        for finding in found.findings:
            print(f"{finding.check}: {finding.subject}: {finding.message}")
        print("All adds up." if not found.faults else f"{found.faults:,} things do not add up.")
    if found.faults:
        raise typer.Exit(FAILED)


def release(*, as_json: AsJson = False, config: ConfigFile = None, data: DataFolder = None) -> None:
    """Give back what crashed processes had drawn of budgets, once you know that they did not spend it."""
    with opened(config, data) as desk:
        released = desk.management.ledger.release(now_ms=int(desk.clock.now() * 1000))
    if as_json:
        output.as_json(released)
        return
    for budget_id, amount in released.items():
        print(f"{budget_id}: {amount:,} given back.")
    if not released:
        output.note("Nothing to give back. (A process counts as gone after a minute without a sign of life.)")


def budgets(*, as_json: AsJson = False, config: ConfigFile = None, data: DataFolder = None) -> None:
    """Show every budget: what is spent, what is left, when it begins anew."""
    with opened(config, data) as desk:
        now, ledger = desk.clock.now(), desk.management.ledger
        named = all_limits(desk.management.keys.list(), desk.world, whole=True)
        states = []
        for each in named:
            start_ms = span_of(each.limit.budget, now).start_ms
            stands = ledger.standing(each.limit.id, start_ms, now_ms=int(now * 1000))
            states.append(state_of(each, stands, stands.others, now=now))
    if as_json:
        output.as_json(states)
        return
    if not states:
        output.note("No budget is set. Give a key one: flow-router keys budget NAME 5usd/day")
        return
    rows = [
        (
            each.name,
            each.summary,
            told(each.budget, each.left),
            each.budget.mode,
            each.state.replace("_", " "),
            output.moment(each.resets_at_ms),
        )
        for each in states
    ]
    output.table(("Of", "Used", "Left", "Mode", "State", "Begins anew"), rows, right=("Left",))


__all__ = ["budgets", "release", "verify"]
