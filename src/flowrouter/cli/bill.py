"""`flow-router usage --session ID`: what one session cost, turn by turn, and why."""

from __future__ import annotations

from flowrouter.cli import output
from flowrouter.cli.desk import opened
from flowrouter.errors import ConfigError
from flowrouter.gateway.ports import RequestFilter
from flowrouter.gateway.session_bills import TURNS_MAX, bill_of
from flowrouter.usage.sessions import SessionBill

_NUMBERS = ("Turn", "New", "Cached", "Output", "Cost")


def bill(session: str, *, as_json: bool, config: str | None, data: str | None) -> None:
    """Print the bill of a session; raises `ConfigError` where there is none."""
    with opened(config, data) as desk:
        which = RequestFilter(session_id=session)
        rows = desk.management.requests.list(which, limit=TURNS_MAX).rows
        if not rows:
            fix = "see: flow-router usage --by session"
            raise ConfigError(f"there is no request of a session {session!r}", fix=fix)
        found = bill_of(session, rows, desk.world, now=desk.clock.now())
    if as_json:
        output.as_json(found)
        return
    print(found.sentence)
    print()
    _table(found)


def _table(found: SessionBill) -> None:
    rows = [
        (
            line.number,
            output.moment(line.ts_ms),
            line.model,
            f"{line.fresh_tokens:,}",
            f"{line.cached_tokens:,}",
            f"{line.output_tokens:,}",
            output.money(line.charge_pusd, unknown=int(line.charge_pusd is None)),
            line.cause.replace("_", " ") + (f" ({line.tool})" if line.cause == "tool" else ""),
        )
        for line in found.lines
    ]
    headings = ("Turn", "When", "Model", "New", "Cached", "Output", "Cost", "Mostly for")
    output.table(headings, rows, right=_NUMBERS)


__all__ = ["bill"]
