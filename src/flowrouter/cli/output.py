"""How commands print: aligned tables for people, JSON for programs, amounts with their units."""

from __future__ import annotations

import csv
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from flowrouter.wire import json

UNKNOWN = "—"
_PICO = 1_000_000_000_000


def as_json(value: Any) -> None:
    """Print `value` as indented JSON; Structs become objects."""
    print(msgspec.json.format(json.dumps(msgspec.to_builtins(value)), indent=2).decode())


def as_csv(rows: Sequence[msgspec.Struct]) -> None:
    """Print structs of one kind as CSV, its members' names first."""
    if not rows:
        return
    names = rows[0].__struct_fields__
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([[getattr(row, name) for name in names] for row in rows])


def table(headings: Sequence[str], rows: Sequence[Sequence[object]], *, right: Sequence[str] = ()) -> None:
    """Print aligned columns; those named in `right` hold numbers. A pipe gets lines of any length."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    made = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for heading in headings:
        made.add_column(heading, justify="right" if heading in right else "left", overflow="fold")
    for row in rows:
        made.add_row(*(Text(shown(cell)) for cell in row))
    console = Console(width=None if sys.stdout.isatty() else 10_000, highlight=False)
    with console.capture() as captured:
        console.print(made)
    print("\n".join(line.rstrip() for line in captured.get().rstrip().splitlines()))


def shown(value: object) -> str:
    """Return a cell's text: lists joined, nothing as a dash."""
    if value is None or value == "":
        return UNKNOWN
    if isinstance(value, list | tuple):
        return ", ".join(str(item) for item in value) or UNKNOWN
    return str(value)


def note(text: str) -> None:
    """Print a remark for people, on stderr so that it never mixes with data."""
    print(text, file=sys.stderr)


def moment(milliseconds: int | None) -> str:
    """Return a time in the machine's own zone, to the minute."""
    return UNKNOWN if milliseconds is None else _local(milliseconds).strftime("%Y-%m-%d %H:%M")


def time_of_day(milliseconds: int) -> str:
    """Return a time of day in the machine's own zone, to the second."""
    return _local(milliseconds).strftime("%H:%M:%S")


def day(milliseconds: int) -> str:
    """Return a day in the machine's own zone."""
    return _local(milliseconds).strftime("%Y-%m-%d")


def offset_minutes(milliseconds: int) -> int:
    """Return how far the machine's own zone is east of UTC at that time."""
    offset = _local(milliseconds).utcoffset()
    return 0 if offset is None else round(offset.total_seconds() / 60)


def money(pico_usd: int | None, *, unknown: int = 0) -> str:
    """Return an amount: to the cent above a dollar, to four digits below; `≈` where parts are unknown."""
    if pico_usd is None or (unknown and not pico_usd):
        return UNKNOWN
    dollars = pico_usd / _PICO
    text = f"${dollars:,.2f}" if dollars >= 1 or not dollars else f"${dollars:.4f}"
    return f"≥ {text}" if unknown else text


def seconds(milliseconds: int | None) -> str:
    """Return a duration with its unit."""
    if milliseconds is None:
        return UNKNOWN
    return f"{milliseconds} ms" if milliseconds < 1000 else f"{milliseconds / 1000:.1f} s"


def _local(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).astimezone()


__all__ = [
    "UNKNOWN",
    "as_csv",
    "as_json",
    "day",
    "moment",
    "money",
    "note",
    "offset_minutes",
    "seconds",
    "shown",
    "table",
    "time_of_day",
]
