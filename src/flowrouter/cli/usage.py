"""`flow-router usage`: what was asked for, what it took and what it cost, summed up and drawn."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, cast, get_args

import msgspec
import typer

from flowrouter.cli import books, completion, output
from flowrouter.cli.bill import bill
from flowrouter.cli.desk import Desk, closest, opened
from flowrouter.cli.options import AsJson, ConfigFile, DataFolder
from flowrouter.cli.sparkline import sparkline, squeezed
from flowrouter.cli.style import Style
from flowrouter.clock import DAY_MS
from flowrouter.errors import ConfigError
from flowrouter.gateway.ports import RequestFilter, UsageGroup, UsageLine

_HOUR_MS = 3_600_000
_NUMBERS = ("Requests", "Errors", "Input", "Cached", "Output", "Cost")
_SPAN = re.compile(r"(\d+)([hdw])")
_HOURS = {"h": 1, "d": 24, "w": 168}
_FIELDS = {
    "model": "model",
    "preset": "preset",
    "account": "account_id",
    "key": "key_id",
    "outcome": "outcome",
    "session": "session_id",
    "dialect": "client_dialect",
}
_TRENDS_MAX = 25
_TREND_WIDTH = 12
_CHART_WIDTH = 60
app = typer.Typer(help="What was asked for, what it took and what it cost.")

EPILOG = """\b
Examples:
  flow-router usage                        per day, the last 30 days
  flow-router usage --by model --since 7d
  flow-router usage --by key --since 2026-11-01
  flow-router usage --session 0f3c         what one session cost, and why
"""


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """The time that is looked at, in ms since the epoch, and how far east of UTC its days begin."""

    since_ms: int
    now_ms: int
    offset: int

    def steps(self, length: int) -> list[int]:
        """Return the start of every step of `length` ms in it, in local time."""
        first = self.since_ms - (self.since_ms + self.offset * 60_000) % length
        return list(range(first, self.now_ms + 1, length))


@app.callback(epilog=EPILOG, invoke_without_command=True)
def usage(  # noqa: PLR0917 - typer reads the options from here
    ctx: typer.Context,
    by: Annotated[
        str,
        typer.Option(
            "--by",
            help="day, hour, model, preset, account, key, combo, client, session, dialect, outcome or total.",
            autocompletion=completion.groups,
        ),
    ] = "day",
    days: Annotated[
        int | None,
        typer.Option("--days", min=1, help="How many days back, today included; default 30, by hour 1."),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="WHEN", help="From then on: 12h, 7d, 4w or a date, 2026-11-01."),
    ] = None,
    session: Annotated[
        str | None,
        typer.Option("--session", metavar="ID", help="What one session cost, turn by turn, and why."),
    ] = None,
    *,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print the sums as CSV.")] = False,
    as_json: AsJson = False,
    config: ConfigFile = None,
    data: DataFolder = None,
) -> None:
    """Sum up tokens and cost per day, model, account, key and so on."""
    if ctx.invoked_subcommand is not None:
        return
    if session is not None:
        bill(session, as_json=as_json, config=config, data=data)
        return
    groups = get_args(UsageGroup)
    if by not in groups:
        raise ConfigError(f"usage cannot be grouped by {by!r}", fix=closest(by, groups) or ", ".join(groups))
    if since is not None and days is not None:
        raise ConfigError("--days and --since say the same thing twice", fix="give one of them")
    with opened(config, data) as desk:
        span = _span(int(desk.clock.now() * 1000), days or (1 if by == "hour" else 30), since)
        lines = _sums(desk, span, by)
        if as_json:
            output.as_json(lines)
            return
        if as_csv:
            output.as_csv(lines)
            return
        if not any(line.requests for line in lines):
            output.note(f"No request since {output.moment(span.since_ms)}.")
            return
        _show(desk, span, lines, by=by)


def names(desk: Desk, by: str) -> Mapping[str, str]:
    """Return what people call the ids that a group is made of."""
    if by == "account":
        return {account.id: account.name for account in desk.world.accounts.values()}
    if by == "key":
        return {key.id: key.name for key in desk.management.keys.list()}
    return {}


def _show(desk: Desk, span: Span, lines: Sequence[UsageLine], *, by: str) -> None:
    style = Style()
    known = names(desk, by)
    trends = _trends(desk, span, lines, by=by, style=style)
    rows = [(*_row(line, by, known), *trends[number : number + 1]) for number, line in enumerate(lines)]
    if len(lines) > 1:
        rows.append(_row(_total(lines), "sum", known))
    headings = (by.capitalize(), *_NUMBERS, *(("Trend",) if trends else ()))
    width = len(headings)
    output.table(headings, [(*row, *[" "] * (width - len(row))) for row in rows], right=_NUMBERS)
    if by in ("day", "hour") and len(span.steps(DAY_MS if by == "day" else _HOUR_MS)) > 1:
        print()
        _chart(span, by, lines, style=style)


def _chart(span: Span, by: str, lines: Sequence[UsageLine], *, style: Style) -> None:
    """Draw requests, tokens and cost over the whole span, the empty steps included."""
    starts = span.steps(DAY_MS if by == "day" else _HOUR_MS)
    found = {cast(int, line.group): line for line in lines}
    steps = [found.get(start) for start in starts]
    tokens = [_tokens(line) if line else 0 for line in steps]
    charts: list[tuple[str, list[float]]] = [
        ("Requests", [line.requests if line else 0 for line in steps]),
        ("Tokens", [float(count) for count in tokens]),
        ("Cost", [line.cost_pusd if line else 0 for line in steps]),
    ]
    width = min(_CHART_WIDTH, len(starts))
    for title, values in charts:
        if any(values):
            line = sparkline(squeezed(values, width), unicode=style.unicode)
            print(f"{title:<9} {style.paint(line, 'cyan')}")
    shown = output.day if by == "day" else output.moment
    dash = "–" if style.unicode else "-"
    print(f"{'':<9} {shown(starts[0])} {dash} {shown(starts[-1])}")


def _trends(desk: Desk, span: Span, lines: Sequence[UsageLine], *, by: str, style: Style) -> list[str]:
    """Return a small chart of tokens per day for each line, nothing where groups are times already."""
    field = _FIELDS.get(by)
    starts = span.steps(DAY_MS)
    if field is None or len(starts) < 2 or not lines:
        return []
    drawn: list[str] = []
    for line in lines[:_TRENDS_MAX]:
        if line.group is None:
            drawn.append(" ")
            continue
        which = msgspec.structs.replace(_since(span), **{field: line.group})
        found = {
            each.group: _tokens(each)
            for each in desk.management.requests.usage(which, group_by="day", offset_minutes=span.offset)
        }
        values = [float(found.get(start, 0)) for start in starts]
        drawn.append(sparkline(squeezed(values, _TREND_WIDTH), unicode=style.unicode))
    return drawn


def _sums(desk: Desk, span: Span, by: str) -> Sequence[UsageLine]:
    return desk.management.requests.usage(
        _since(span), group_by=cast(UsageGroup, by), offset_minutes=span.offset
    )


def _since(span: Span) -> RequestFilter:
    return RequestFilter(since_ms=span.since_ms)


def _span(now_ms: int, days: int, since: str | None) -> Span:
    offset = output.offset_minutes(now_ms)
    today = now_ms - (now_ms + offset * 60_000) % DAY_MS
    start = today - (days - 1) * DAY_MS if since is None else _start(since.strip(), now_ms)
    return Span(since_ms=start, now_ms=max(now_ms, start), offset=offset)


def _start(since: str, now_ms: int) -> int:
    """Return when `since` was: a span before now, or a date or time in the machine's own zone."""
    found = _SPAN.fullmatch(since.lower())
    if found is not None:
        return now_ms - int(found[1]) * _HOURS[found[2]] * _HOUR_MS
    try:
        return int(datetime.fromisoformat(since).astimezone().timestamp() * 1000)
    except ValueError:
        raise ConfigError(f"{since!r} is no time", fix="write 12h, 7d, 4w or a date, 2026-11-01") from None


def _tokens(line: UsageLine) -> int:
    return line.input_tokens + line.cache_read_tokens + line.cache_write_tokens + line.output_tokens


def _total(lines: Sequence[UsageLine]) -> UsageLine:
    kinds = [kind for kind in UsageLine.__struct_fields__ if kind != "group"]
    return UsageLine(group=None, **{kind: sum(getattr(line, kind) for line in lines) for kind in kinds})


def _row(line: UsageLine, by: str, known: Mapping[str, str]) -> tuple[object, ...]:
    group: object = line.group
    match by:
        case "day":
            group = output.day(cast(int, line.group))
        case "hour":
            group = output.moment(cast(int, line.group))
        case "total":
            group = "all"
        case "sum":
            group = "Total"
        case _:
            group = known.get(str(line.group), line.group)
    return (
        group,
        f"{line.requests:,}",
        f"{line.errors:,}",
        f"{line.input_tokens:,}",
        f"{line.cache_read_tokens:,}",
        f"{line.output_tokens:,}",
        output.money(line.cost_pusd, unknown=line.cost_unknown),
    )


app.command("verify")(books.verify)
app.command("budgets")(books.budgets)
app.command("release")(books.release)

__all__ = ["EPILOG", "app", "names", "usage"]
