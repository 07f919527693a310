"""Inserting many rows in one go, for either store.

What an insert costs is mostly the handing over of values, and of NULL as much as of any other. So rows are given
by columns, those that hold nothing in a whole batch are left out, and the store takes many rows by one statement
(`Place.insert`), each in the way that is cheapest there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec


class Insertion(msgspec.Struct, frozen=True):
    """Which columns of which table are inserted, and what is to be done where the key is there already.

    `kind` tells kinds of rows of one table apart that have little in common.
    """

    table: str
    names: tuple[str, ...]
    rest: str
    kind: str = ""

    def filled(self, columns: Sequence[Sequence[Any]]) -> tuple[tuple[str, ...], list[Sequence[Any]]]:
        """Return the columns that hold anything, with their names; there must be one row at least."""
        kept = [
            (name, column)
            for name, column in zip(self.names, columns, strict=True)
            if column[0] is not None or column.count(None) < len(column)
        ]
        return tuple(name for name, _ in kept), [column for _, column in kept]


def entering(table: str, names: Sequence[str], *, key: Sequence[str], kind: str = "") -> Insertion:
    """Return what enters rows that are not there yet."""
    return Insertion(table, tuple(names), f"ON CONFLICT ({', '.join(key)}) DO NOTHING", kind)


def adding(table: str, *, key: Sequence[str], sums: Sequence[str]) -> Insertion:
    """Return what adds to sums; no two rows of one go may have the same key."""
    added = ", ".join(f"{name} = {table}.{name} + excluded.{name}" for name in sums)
    return Insertion(table, (*key, *sums), f"ON CONFLICT ({', '.join(key)}) DO UPDATE SET {added}")


__all__ = ["Insertion", "adding", "entering"]
