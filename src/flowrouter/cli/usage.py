"""`flow-router usage` and `flow-router requests`: what was asked for, what it took, what it cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, cast, get_args

import typer

from flowrouter.cli import output
from flowrouter.cli.desk import Desk, closest, opened
from flowrouter.cli.options import AsJson, ConfigFile, DataFolder
from flowrouter.errors import ConfigError
from flowrouter.gateway.ports import RequestFilter, RequestRow, UsageGroup, UsageLine

_DAY_MS = 86_400_000
_NUMBERS = ("Requests", "Errors", "Input", "Cached", "Output", "Cost")


def usage(
    by: Annotated[
        str, typer.Option("--by", help="day, hour, model, preset, account, key, client, outcome or total.")
    ] = "day",
    days: Annotated[int, typer.Option("--days", min=1, help="How many days back, today included.")] = 30,
    *,
    as_json: AsJson = False,
    config: ConfigFile = None,
    data: DataFolder = None,
) -> None:
    """Sum up tokens and cost per day, model, account, key and so on."""
    groups = get_args(UsageGroup)
    if by not in groups:
        raise ConfigError(f"usage cannot be grouped by {by!r}", fix=closest(by, groups) or ", ".join(groups))
    with opened(config, data) as desk:
        now_ms = int(desk.clock.now() * 1000)
        offset = output.offset_minutes(now_ms)
        today = now_ms - (now_ms + offset * 60_000) % _DAY_MS
        which = RequestFilter(since_ms=today - (days - 1) * _DAY_MS)
        lines = desk.management.requests.usage(which, group_by=cast(UsageGroup, by), offset_minutes=offset)
        names = _names(desk, by)
    if as_json:
        output.as_json(lines)
        return
    if not any(line.requests for line in lines):
        output.note(f"No request in the last {days} days.")
        return
    rows = [_row(line, by, names) for line in lines]
    output.table((by.capitalize(), *_NUMBERS), rows, right=_NUMBERS)


def requests(
    request_id: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="Show this one whole.", show_default=False)
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="How many to list.")] = 20,
    *,
    as_json: AsJson = False,
    config: ConfigFile = None,
    data: DataFolder = None,
) -> None:
    """List the latest requests, or show one with its attempts and receipt."""
    with opened(config, data) as desk:
        stored = desk.management.requests
        if request_id is not None:
            output.as_json(_whole(stored.get(request_id)))
            return
        rows = stored.list(RequestFilter(), limit=limit).rows
        names = _names(desk, "account")
    if as_json:
        output.as_json([_whole(row) for row in rows])
        return
    if not rows:
        output.note("No request yet.")
        return
    headings = ("Time", "Id", "Status", "Asked for", "Answered by", "Tokens in", "Out", "Took", "Error")
    output.table(headings, [_request(row, names) for row in rows], right=("Tokens in", "Out", "Took"))


def _names(desk: Desk, by: str) -> Mapping[str, str]:
    """Return what people call the ids that a group is made of."""
    if by == "account":
        return {account.id: account.name for account in desk.world.accounts.values()}
    if by == "key":
        return {key.id: key.name for key in desk.management.keys.list()}
    return {}


def _row(line: UsageLine, by: str, names: Mapping[str, str]) -> tuple[object, ...]:
    group: object = line.group
    match by:
        case "day":
            group = output.day(cast(int, line.group))
        case "hour":
            group = output.moment(cast(int, line.group))
        case "total":
            group = "all"
        case _:
            group = names.get(str(line.group), line.group)
    return (
        group,
        f"{line.requests:,}",
        f"{line.errors:,}",
        f"{line.input_tokens:,}",
        f"{line.cache_read_tokens:,}",
        f"{line.output_tokens:,}",
        output.money(line.cost_pusd, unknown=line.cost_unknown),
    )


def _request(row: RequestRow, names: Mapping[str, str]) -> tuple[object, ...]:
    account = names.get(row.account_id or "", row.account_id or "")
    return (
        output.moment(row.ts_ms),
        row.id,
        row.status,
        row.requested_model,
        f"{account}/{row.model}" if row.model else account,
        row.input_tokens,
        row.output_tokens,
        output.seconds(row.duration_ms),
        row.error_type if row.outcome != "ok" else "",
    )


def _whole(row: RequestRow) -> dict[str, object]:
    import msgspec

    from flowrouter.wire import json

    shown = msgspec.to_builtins(row)
    shown["receipt"] = json.loads(row.receipt) if row.receipt else None
    return shown


__all__ = ["requests", "usage"]
