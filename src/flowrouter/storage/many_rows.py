"""Inserting many rows into SQLite: many by each statement, and what is the same in all of them handed over once.

Handing a value over costs about as much as entering it. Rows of one batch mostly come from the same few clients
and go to the same few models, so their statements give such columns one value by its number (`?1`), and leave
out what no row has.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from flowrouter.storage.columns import varies
from flowrouter.storage.insertion import Insertion

MANY = 64
"""Rows of one statement, at most."""

VALUES = 999
"""Values of one statement, at most: an older SQLite takes no more."""

FEW = 8
"""Of fewer rows it is chance what they share."""

RENEWED = 256
"""After so many batches it is forgotten what the columns of earlier ones held."""

SHARES = not (3, 12) <= sys.version_info < (3, 12, 4)
"""Whether values have numbers: those versions of Python warn of each, as if a number were a name."""


class ManyRows:
    """Inserts rows, and remembers what columns held.

    One that varied in a batch, or held anything, counts as such in the next ones too: preparing a statement costs
    more than it saves by fitting one batch a little better.
    """

    def __init__(self) -> None:
        self._seen: dict[Insertion, tuple[frozenset[str], frozenset[str], int]] = {}

    def insert(self, connection: Any, into: Insertion, columns: Sequence[Sequence[Any]]) -> int:
        """Insert rows, given by columns; return how many were inserted or changed."""
        form = _form(into, *self._columns(into, columns))
        alike = [_bindable(columns[at][:1])[0] for at in form.alike]
        width, count = len(form.own), len(columns[0])
        own: list[Any] = [None] * (width * count)
        for place, at in enumerate(form.own):
            own[place::width] = _bindable(columns[at])
        done = at = 0
        size = form.most
        while at < count:
            while at + size > count:
                size //= 2
            values = [*alike, *own[at * width : (at + size) * width]]
            done += connection.execute(form.statement(size), values).rowcount
            at += size
        return done

    def _columns(
        self, into: Insertion, columns: Sequence[Sequence[Any]]
    ) -> tuple[frozenset[str], frozenset[str]]:
        """Return the columns that vary, and those that hold anything, here or lately."""
        if len(columns[0]) < FEW:
            return frozenset(into.names), frozenset(into.names)
        each = list(zip(into.names, columns, strict=True))
        varying = frozenset([into.names[0], *(name for name, column in each if varies(column))])
        holding = varying.union([name for name, column in each if column[0] is not None])
        varied, held, batches = self._seen.get(into, (varying, holding, 0))
        if batches < RENEWED:
            varying, holding = varying | varied, holding | held
        else:
            batches = 0
        self._seen[into] = varying, holding, batches + 1
        return varying if SHARES else holding, holding


class _Form:
    """How rows are inserted: the places of the columns with one value for all, of those with their own, and by what."""

    def __init__(self, into: Insertion, varying: frozenset[str], holding: frozenset[str]) -> None:
        names = into.names
        self.alike = [at for at, name in enumerate(names) if name in holding and name not in varying]
        self.own = [at for at, name in enumerate(names) if name in varying]
        self.most = max(1, min(MANY, (VALUES - len(self.alike)) // len(self.own)))
        listed = ", ".join(names[at] for at in (*self.alike, *self.own))
        # `OR FAIL`: else SQLite would copy every page that a statement touches, to undo that statement alone.
        self._head = f"INSERT OR FAIL INTO {into.table} ({listed}) VALUES "  # noqa: S608 our own names
        shared = [f"?{number}" for number in range(1, len(self.alike) + 1)]
        self._marks = f"({', '.join([*shared, *['?'] * len(self.own)])})"
        self._rest = into.rest
        self._statements: dict[int, str] = {}

    def statement(self, rows: int) -> str:
        """Return the statement that inserts so many."""
        found = self._statements.get(rows)
        if found is None:
            found = f"{self._head}{', '.join([self._marks] * rows)} {self._rest}"
            self._statements[rows] = found
        return found


_form = lru_cache(maxsize=64)(_Form)


def _bindable(column: Sequence[Any]) -> Sequence[Any]:
    """Return `column` with numbers for booleans, for which `sqlite3` would look up every time what to make of it."""
    return list(map(int, column)) if type(column[0]) is bool else column


__all__ = ["FEW", "MANY", "RENEWED", "SHARES", "VALUES", "ManyRows"]
