"""`flow-router audit`: who changed what."""

from __future__ import annotations

from typing import Annotated

import typer

from flowrouter.api.admin.reading import moment_ms
from flowrouter.cli import output
from flowrouter.cli.desk import opened
from flowrouter.cli.options import AsJson, ConfigFile, DataFolder
from flowrouter.gateway.people import AuditFilter
from flowrouter.wire import json

_WIDE = 70


def audit(
    *,
    actor: Annotated[str | None, typer.Option("--actor", metavar="NAME", help="Who did it.")] = None,
    action: Annotated[
        str | None, typer.Option("--action", metavar="NAME", help="What was done: create_key, log_in, …")
    ] = None,
    target: Annotated[str | None, typer.Option("--target", metavar="ID", help="What it was done to.")] = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="TIME", help="2026-01-31, or with a time of day.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="How many, newest first.")] = 30,
    as_json: AsJson = False,
    config: ConfigFile = None,
    data: DataFolder = None,
) -> None:
    """List who changed what, newest first; secrets are hidden."""
    which = AuditFilter(actor=actor, action=action, target=target, since_ms=moment_ms(since, "--since"))
    with opened(config, data) as desk:
        found = desk.management.audit.list(which, limit=limit)
    if as_json:
        output.as_json(found)
        return
    rows = [
        (
            output.moment(each.ts_ms),
            each.actor,
            each.via,
            each.action,
            each.target,
            "" if each.status < 400 else f"refused ({each.status})" if each.status < 500 else "failed",
            _short(each.after),
        )
        for each in found
    ]
    output.table(("When", "Who", "By", "Action", "What", "", "Now"), rows)


def _short(value: object) -> str:
    if value is None:
        return ""
    text = json.dumps(value).decode()
    return text if len(text) <= _WIDE else text[: _WIDE - 1] + "…"


__all__ = ["audit"]
