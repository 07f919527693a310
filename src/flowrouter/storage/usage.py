"""Sums over the request log by group, from the sums that are kept and, for the rest, from its rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Null, Select, func, null, select

from flowrouter.gateway.ports import RequestFilter, UsageGroup, UsageLine
from flowrouter.storage.request_sums import MILLION, SUMS, TOKENS
from flowrouter.storage.sum_tables import of_rows
from flowrouter.storage.usage_sums import CHOSEN_BY, GROUPS, SPANS, Part, parts

Sums = dict[tuple[Any, ...], list[int]]
"""The sums of `SUMS`, in their order, by what they are grouped by."""


def usage_lines(
    connection: Connection, which: RequestFilter, *, group_by: UsageGroup, offset_minutes: int
) -> Sequence[UsageLine]:
    """Return sums per group, in the order of the groups; days begin `offset_minutes` before UTC's."""
    found: Sums = {}
    if group_by == "total":
        found[(None,)] = [0] * len(SUMS)
    for part in parts(which, group_by, offset_minutes):
        statement = summed(part, which, by=[grouped(part, group_by, offset_minutes)])
        add_sums(found, connection, part=part, statement=statement)
    return [
        line_of(group, found[group,])
        for (group,) in sorted(found, key=lambda group: (group[0] is not None, group[0]))
    ]


def summed(part: Part, which: RequestFilter, *, by: Sequence[ColumnElement[Any]]) -> Select[Any]:
    """Return the statement for the sums in one stretch of what `which` chooses, for each value of `by`."""
    sums = of_rows() if part.kept == "rows" else [func.sum(part.table.c[name]) for name in SUMS]
    statement = select(*by, *sums)
    for name in CHOSEN_BY:
        if (wanted := getattr(which, name)) is not None:
            statement = statement.where(part.column(name) == wanted)
    if part.kept == "slots":
        statement = statement.where(part.table.c.width_ms == part.width_ms, part.table.c.kind == part.kind)
    if which.session_id is not None:
        statement = statement.where(part.table.c.session_id == which.session_id)
    if part.since_ms is not None:
        statement = statement.where(part.time >= part.since_ms)
    if part.until_ms is not None:
        statement = statement.where(part.time < part.until_ms)
    if any(isinstance(each, Null) for each in by):
        return statement.having(func.count() > 0)
    return statement.group_by(*by)


def add_sums(found: Sums, connection: Connection, *, part: Part, statement: Select[Any]) -> None:
    """Add what a statement of `summed` finds to what other parts had."""
    for row in connection.execute(statement):
        named, amounts = row[: -len(SUMS)], map(int, row[-len(SUMS) :])
        if part.kept != "rows" and "" in named:  # a sum's empty name is a row's missing one
            named = tuple(None if name == "" else name for name in named)
        had = found.get(named)
        found[named] = list(amounts) if had is None else [*map(int.__add__, had, amounts)]


def grouped(part: Part, group_by: UsageGroup, offset_minutes: int) -> ColumnElement[Any]:
    """Return what the rows of a part are grouped by."""
    if group_by == "total":
        return null()
    if group_by in SPANS:
        return part.time - (part.time + offset_minutes * 60_000) % SPANS[group_by]
    return part.column(GROUPS[group_by])


def line_of(group: Any, sums: Sequence[int]) -> UsageLine:
    """Return sums in the order of `SUMS` as a line."""
    found = dict(zip(SUMS, sums, strict=True))
    return UsageLine(
        group=group,
        **{name: found[name] for name in ("requests", "errors", *TOKENS, "cost_unknown", "charge_unknown")},
        cost_pusd=found["cost_high"] * MILLION + found["cost_low"],
        charge_pusd=found["charge_high"] * MILLION + found["charge_low"],
    )


__all__ = ["Sums", "add_sums", "grouped", "line_of", "summed", "usage_lines"]
