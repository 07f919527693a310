"""CSV for spreadsheets: lines that none of them takes for formulas."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable

SHEET = "text/csv; charset=utf-8"

# Behind what some countries' spreadsheets take for the end of a cell, too.
_FORMULA = re.compile(r"(^|[;\t\r\n])(?=\s*[=+\-@\uff1d\uff0b\uff0d\uff20])")


def line(values: Iterable[object]) -> bytes:
    """Return one line of a table."""
    table = io.StringIO()
    csv.writer(table, lineterminator="\r\n").writerow([_cell(value) for value in values])
    return table.getvalue().encode()


def named(name: str) -> dict[str, str]:
    """Return the headers that let a browser save a table as `name`."""
    return {"content-disposition": f'attachment; filename="{name}"'}


def _cell(value: object) -> object:
    """Return a value that no spreadsheet takes for a formula."""
    if isinstance(value, str):
        return _FORMULA.sub(r"\1'", value)
    return "" if value is None else value


__all__ = ["SHEET", "line", "named"]
