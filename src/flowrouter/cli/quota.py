"""`flow-router quota`: what is left of every account at its provider, until when, and whether it lasts.

The running gateway is asked, which knows best. Without one the store tells what was heard last; a refresh then asks
the providers from here.
"""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import msgspec
import typer

from flowrouter.cli import completion, output, running
from flowrouter.cli.desk import Desk, opened
from flowrouter.cli.options import AsJson, ConfigFile, DataFolder
from flowrouter.cli.style import Style
from flowrouter.gateway.blame import spoken

_WIDTH = 16
_UNITS = {"usd": "$", "cny": "CNY ", "percent": ""}
_STATES = {"used_up": "used up", "reserve": "kept back", "low": "low", "ok": "ok", "unknown": "not known"}


def quota(
    name: Annotated[
        str | None,
        typer.Argument(
            help="The account; default: all.", autocompletion=completion.accounts, show_default=False
        ),
    ] = None,
    *,
    refresh: Annotated[
        bool, typer.Option("--refresh", help="Ask the providers that tell; at most once a minute each.")
    ] = False,
    as_json: AsJson = False,
    config: ConfigFile = None,
    data: DataFolder = None,
) -> None:
    """Show what is left of accounts: each window with its reset, and when it runs out at this pace."""
    with opened(config, data) as desk:
        wanted = None if name is None else desk.account(name).id
        rows, notes = _rows(desk, wanted, refresh=refresh)
        now = desk.clock.now()
    for note in notes:
        output.note(note)
    if as_json:
        output.as_json(rows)
        return
    lines = [_line(row, window, now) for row in rows for window in row["windows"]]
    if lines:
        output.table(
            ("Account", "Window", "Left", "", "Resets in", "At this pace", "Told by", "State"), lines
        )
    silent = [row["account"] for row in rows if not row["windows"]]
    if silent:
        output.note(f"Nothing is known of: {', '.join(silent)}")
        output.note("Limits of your own: flow-router providers add NAME --replace --quota 500requests/5h")


def _rows(desk: Desk, wanted: str | None, *, refresh: bool) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the accounts' quotas, and remarks about what was asked."""
    found = running.pages(desk, "/api/quotas")
    if found is None:
        return asyncio.run(_from_store(desk, wanted, refresh=refresh))
    rows: list[dict[str, Any]] = [row for row in found if wanted in (None, row["account_id"])]
    notes: list[str] = []
    for place, row in enumerate(rows):
        if refresh and row["tells"]:
            answer = running.ask(desk, f"/api/accounts/{row['account_id']}/quota/refresh", {})
            if answer is not None:
                rows[place] = answer["quota"]
                notes += _remark(row["account"], answer["result"], answer["message"])
    return rows, notes


async def _from_store(
    desk: Desk, wanted: str | None, *, refresh: bool
) -> tuple[list[dict[str, Any]], list[str]]:
    application, notes = desk.application, list[str]()
    accounts = [each for each in desk.world.accounts.values() if wanted in (None, each.id)]
    try:
        await application.state.open()
        await application.quota_keeping.load()
        await application.quota_keeping.recount()
        for account in accounts:
            if refresh and application.quota_fetch.can(account.id):
                done = await application.quota_states.refresh(account)
                notes += _remark(account.name, done.result, done.message)
        if refresh:
            await application.quota_keeping.write()
        states = [application.quota_states.of(account) for account in accounts]
    finally:
        await application.tasks.close(grace=1.0)
        await application.transport.close()
        await application.state.close()
    return msgspec.to_builtins(states), notes


def _remark(account: str, result: str, message: str) -> list[str]:
    match result:
        case "failed" | "waiting":
            return [f"{account}: {message}"]
        case "recent":
            return [f"{account}: asked within the last minute; that answer is shown"]
        case _:
            return []


def _line(row: dict[str, Any], window: dict[str, Any], now: float) -> tuple[object, ...]:
    resets, whose = window["resets_at_ms"], f" {window['models']}" if window["models"] else ""
    return (
        row["account"],
        window["name"] + whose,
        _left(window),
        _bar(window),
        "anew" if window["reset"] else None if resets is None else spoken(resets / 1000 - now),
        _pace(window, now),
        window["source"],
        _STATES[window["state"]],
    )


def _left(window: dict[str, Any]) -> str | None:
    left, limit, unit = window["remaining"], window["limit"], window["unit"]
    if left is None:
        return None
    if unit == "percent":
        return f"{left:.0f}%"
    sign, digits = _UNITS.get(unit, ""), 2 if unit in ("usd", "cny") else 0
    whole = "" if limit is None else f" of {sign}{limit:,.{digits}f}"
    kind = "" if sign else f" {unit.replace('_', ' ')}"
    return f"{sign}{left:,.{digits}f}{whole}{kind}"


def _bar(window: dict[str, Any]) -> str:
    """Return what is left as a bar; what is kept back of it is marked."""
    share = window["remaining_share"]
    if share is None:
        return ""
    full, empty, kept = "█░▒" if Style().unicode else "#.+"
    marks = min(_WIDTH, max(0, round(share * _WIDTH)))
    back = min(marks, round(_WIDTH * window["kept_back"] / window["limit"])) if window["limit"] else 0
    return kept * back + full * (marks - back) + empty * (_WIDTH - marks)


def _pace(window: dict[str, Any], now: float) -> str | None:
    if window["lasts"]:
        return "lasts"
    ends = window["runs_out_at_ms"]
    return None if ends is None else f"ends in {spoken(ends / 1000 - now)}"


__all__ = ["quota"]
