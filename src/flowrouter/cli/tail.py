"""`flow-router requests`: the latest exchanges, one of them whole, or all of them as they happen."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any

import msgspec
import typer
from typer.core import TyperGroup

from flowrouter.cli import completion, output
from flowrouter.cli.codes import INTERRUPTED
from flowrouter.cli.desk import Desk, opened
from flowrouter.cli.options import AsJson, ConfigFile, DataFolder
from flowrouter.cli.style import Style
from flowrouter.cli.usage import names
from flowrouter.errors import ConfigError
from flowrouter.gateway.ports import NotFoundError, RequestFilter, RequestRow
from flowrouter.gateway.receipt_rows import receipt_of
from flowrouter.wire import json

_POLL_SECONDS = 0.5
_WINDOW_MS = 15 * 60_000
"""A row is written when its exchange ends and dated by its start: this far back ones may still arrive."""

_PAGE = 500
_PAGES = 4
_ID_SHOWN = 12
_ID_WHOLE = 28
_COLOURS = {"ok": "green", "error": "red", "cancelled": "yellow", "partial": "yellow"}
EPILOG = """\b
Examples:
  flow-router requests                 the latest 20
  flow-router requests req_5f3a        one, with its attempts and receipt
  flow-router requests show req_5f3a --bodies
  flow-router requests tail            all, as they happen
  flow-router requests tail --errors --json
"""


class Requests(TyperGroup):
    """A group that also takes no command (then it lists) or an id (then it shows that exchange)."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put in the command that is left out."""
        known = ctx.resilient_parsing  # a shell asks what could stand here
        if not known and not any(word in self.commands or word in ctx.help_option_names for word in args):
            named = any(word.startswith("req_") for word in args)
            strange = args and not args[0].startswith(("-", "req_"))
            if not strange:
                args = ["show" if named else "list", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=Requests, help="The request log: latest, one whole, or live.", no_args_is_help=False, epilog=EPILOG
)

Errors = Annotated[bool, typer.Option("--errors", help="Only those that did not end well.")]


@app.command("list")
def list_requests(
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=1000, help="How many.")] = 20,
    *,
    errors: Errors = False,
    as_json: AsJson = False,
    config: ConfigFile = None,
    data: DataFolder = None,
) -> None:
    """List the latest requests, newest first."""
    with opened(config, data) as desk:
        rows = list(_latest(desk, limit, errors=errors))
        accounts = names(desk, "account")
    if as_json:
        output.as_json([_whole(row) for row in rows])
        return
    if not rows:
        output.note("No request that failed." if errors else "No request yet.")
        return
    style = Style()
    print(_heading(style))
    for row in rows:
        print(line_of(row, accounts, style))


@app.command()
def show(
    request_id: Annotated[
        str,
        typer.Argument(
            metavar="ID", help="Its id, or the beginning of it.", autocompletion=completion.request_ids
        ),
    ],
    *,
    bodies: Annotated[
        bool, typer.Option("--bodies", help="What was recorded of it as well, where it was.")
    ] = False,
    as_json: AsJson = False,  # noqa: ARG001 - what is shown is JSON anyway
    config: ConfigFile = None,
    data: DataFolder = None,
) -> None:
    """Show one request with its attempts and receipt, as JSON."""
    with opened(config, data) as desk:
        shown = _whole(found_request(desk, request_id))
        if bodies:
            try:
                shown["bodies"] = json.loads(desk.management.recordings.get(shown["id"]))
            except NotFoundError:
                shown["bodies"] = None
        output.as_json(shown)


@app.command()
def forget(
    request_id: Annotated[
        str,
        typer.Argument(
            metavar="ID", help="Its id, or the beginning of it.", autocompletion=completion.request_ids
        ),
    ],
    *,
    config: ConfigFile = None,
    data: DataFolder = None,
) -> None:
    """Remove what was recorded of a request; its row in the log stays."""
    with opened(config, data) as desk:
        row = found_request(desk, request_id)
        desk.management.recordings.delete(row.id)
    print(f"The bodies of {row.id} are gone.")


@app.command()
def tail(
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, max=1000, help="How many past ones.")] = 10,
    *,
    errors: Errors = False,
    as_json: AsJson = False,
    config: ConfigFile = None,
    data: DataFolder = None,
) -> None:
    """Show requests as they end, one line each, until Ctrl-C."""
    style = Style()
    with opened(config, data) as desk:
        accounts: Mapping[str, str] = names(desk, "account")

        def begun() -> None:
            if not as_json:
                print(_heading(style, live=True), flush=True)

        try:
            for row in _follow(desk, lines, errors=errors, begun=begun):
                if row.account_id and row.account_id not in accounts:
                    accounts = names(desk, "account")
                text = json.dumps_text(_whole(row)) if as_json else line_of(row, accounts, style, live=True)
                print(text, flush=True)
        except KeyboardInterrupt:
            raise typer.Exit(INTERRUPTED) from None


def _heading(style: Style, *, live: bool = False) -> str:
    time_width = 8 if live else 11
    id_width = _ID_SHOWN if style.terminal else _ID_WHOLE
    text = f"{'Time':<{time_width}} {'St':<3} {'Took':>7} {'Tokens':>11}  {'Id':<{id_width}}  Asked for, answered by"
    return style.paint(text, "bold")


def line_of(row: RequestRow, accounts: Mapping[str, str], style: Style, *, live: bool = False) -> str:
    """Return one exchange as one line, cut to the terminal's width; a pipe gets it whole.

    `live` tells the seconds instead of the day.
    """
    arrow = "→" if style.unicode else "->"
    asked = row.requested_model or row.endpoint
    answered = _answered(row, accounts)
    told = f"{asked} {arrow} {answered}" if answered else asked
    trouble = "" if row.outcome == "ok" else f"  {row.error_type or row.outcome}"
    when = output.time_of_day(row.ts_ms) if live else output.moment(row.ts_ms)[5:]
    shown_id = row.id[:_ID_SHOWN] if style.terminal else row.id
    head = (
        f"{when} {row.status:<3} {output.seconds(row.duration_ms):>7} {_tokens(row, arrow):>11}  {shown_id}  "
    )
    if style.width is not None:
        room = max(10, style.width - len(head) - 1)
        # Why it failed says more than who was asked.
        told = _cut(told, max(8, room - len(trouble)))
        trouble = _cut(trouble, max(0, room - len(told)))
    colour = _COLOURS.get(row.outcome, "dim")
    coloured = head.replace(f" {row.status} ", f" {style.paint(str(row.status), colour)} ", 1)
    return f"{coloured}{told}{style.paint(trouble, colour)}"


def _answered(row: RequestRow, accounts: Mapping[str, str]) -> str:
    account = accounts.get(row.account_id or "", row.account_id or "")
    return f"{account}/{row.model}" if row.model and row.model != row.requested_model else account


def _tokens(row: RequestRow, arrow: str) -> str:
    if row.input_tokens is None and row.output_tokens is None:
        return output.UNKNOWN
    taken = sum(
        count
        for count in (row.input_tokens, row.cache_read_tokens, row.cache_write_tokens)
        if count is not None
    )
    return f"{taken:,}{arrow}{row.output_tokens or 0:,}"


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: max(0, width - 1)]}…"


def _follow(desk: Desk, past: int, *, errors: bool, begun: Callable[[], None]) -> Iterator[RequestRow]:
    """Yield the last `past` rows, then every row that arrives, each once, for ever.

    `begun` is called when nothing that ends from then on can be missed.
    """
    seen = {row.id for row in _window(desk)}
    first = list(_latest(desk, past, errors=errors))
    seen.update(row.id for row in first)
    begun()
    yield from reversed(first)
    while True:
        time.sleep(_POLL_SECONDS)
        found = _window(desk)
        for row in reversed(found):
            if row.id not in seen and (not errors or row.outcome != "ok"):
                yield row
        seen = {row.id for row in found} | {row.id for row in first}


def _window(desk: Desk) -> list[RequestRow]:
    """Return the rows of the last minutes, newest first."""
    which = RequestFilter(since_ms=int(desk.clock.now() * 1000) - _WINDOW_MS)
    rows: list[RequestRow] = []
    cursor: str | None = None
    for _ in range(_PAGES):
        page = desk.management.requests.list(which, limit=_PAGE, cursor=cursor)
        rows += page.rows
        cursor = page.next_cursor
        if cursor is None:
            break
    return rows


def _latest(desk: Desk, count: int, *, errors: bool) -> Iterator[RequestRow]:
    """Yield the `count` newest rows; with `errors` those that did not end well."""
    cursor: str | None = None
    while count:
        page = desk.management.requests.list(RequestFilter(), limit=_PAGE if errors else count, cursor=cursor)
        for row in page.rows:
            if count and (not errors or row.outcome != "ok"):
                count -= 1
                yield row
        cursor = page.next_cursor
        if cursor is None:
            return


def found_request(desk: Desk, request_id: str) -> RequestRow:
    """Return the row with this id or, if it is the only one, the one that begins with it."""
    stored = desk.management.requests
    try:
        return stored.get(request_id)
    except NotFoundError:
        page = stored.list(RequestFilter(), limit=1000)
        close = [
            row.id for row in page.rows if row.id.startswith(request_id) and len(request_id) > len("req_")
        ]
        if len(close) == 1:
            return stored.get(close[0])
        if close:
            fix = "write more of it: " + ", ".join(close[:5])
            raise ConfigError(f"{len(close)} requests begin with {request_id}", fix=fix) from None
        raise


def _whole(row: RequestRow) -> dict[str, Any]:
    shown = msgspec.to_builtins(row)
    receipt = receipt_of(row)
    shown["receipt"] = None if receipt is None else json.loads(receipt)
    return shown


__all__ = ["EPILOG", "app", "found_request", "line_of"]
