"""Sums over the request log by group, from the sums that are kept and, for the rest, from its rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, case, func, literal, select

from flowrouter.gateway.ports import RequestFilter, UsageGroup, UsageLine
from flowrouter.storage.request_sums import MILLION
from flowrouter.storage.usage_sums import CHOSEN_BY, GROUPS, SPANS, Part, parts

_TOKENS = ("input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens", "reasoning_tokens")
_MONEY = ("cost", "charge")
_COUNTED = (
    "requests",
    "errors",
    *_TOKENS,
    *(f"{name}_{part}" for name in _MONEY for part in ("high", "low", "unknown")),
)


def usage_lines(
    connection: Connection, which: RequestFilter, *, group_by: UsageGroup, offset_minutes: int
) -> Sequence[UsageLine]:
    """Return sums per group, in the order of the groups; days begin `offset_minutes` before UTC's."""
    found: dict[Any, list[int]] = {}
    if group_by == "total":
        found[None] = [0] * len(_COUNTED)
    for part in parts(which, group_by, offset_minutes):
        for row in connection.execute(_summed(part, which, group_by=group_by, offset_minutes=offset_minutes)):
            # A sum's empty name is a row's missing one.
            group = None if part.kept != "rows" and row[0] == "" else row[0]
            sums = found.setdefault(group, [0] * len(_COUNTED))
            for place, amount in enumerate(row[1:]):
                sums[place] += int(amount)
    return [
        _line(group, found[group]) for group in sorted(found, key=lambda group: (group is not None, group))
    ]


def _summed(part: Part, which: RequestFilter, *, group_by: UsageGroup, offset_minutes: int) -> Select[Any]:
    grouped = _group(part, group_by, offset_minutes)
    statement = select(
        grouped.label("grouped"), *(_row_sums(part) if part.kept == "rows" else _kept_sums(part))
    )
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
    if group_by == "total":
        return statement.having(func.count() > 0)
    return statement.group_by(grouped)


def _group(part: Part, group_by: UsageGroup, offset_minutes: int) -> ColumnElement[Any]:
    if group_by == "total":
        return literal(None)
    if group_by in SPANS:
        return part.time - (part.time + offset_minutes * 60_000) % SPANS[group_by]
    return part.column(GROUPS[group_by])


def _row_sums(part: Part) -> list[ColumnElement[Any]]:
    """Return the sums of `_COUNTED` over rows; money in two halves, since SQLite's sum ends at nine million dollars."""
    columns = part.table.c
    sums: list[ColumnElement[Any]] = [
        func.count(),
        func.coalesce(func.sum(case((columns.outcome == "ok", 0), else_=1)), 0),
    ]
    sums += [func.coalesce(func.sum(columns[name]), 0) for name in _TOKENS]
    for name in _MONEY:
        amount = columns[f"{name}_pusd"]
        sums += [*_halves(amount), func.count() - func.count(amount)]
    return sums


def _kept_sums(part: Part) -> list[ColumnElement[Any]]:
    columns = part.table.c
    sums: list[ColumnElement[Any]] = [func.sum(columns[name]) for name in ("requests", "errors", *_TOKENS)]
    for name in _MONEY:
        sums += [func.sum(columns[f"{name}_{part}"]) for part in ("high", "low", "unknown")]
    return sums


def _halves(amount: ColumnElement[int]) -> list[ColumnElement[Any]]:
    return [func.coalesce(func.sum(amount // MILLION), 0), func.coalesce(func.sum(amount % MILLION), 0)]


def _line(group: Any, sums: Sequence[int]) -> UsageLine:
    found = dict(zip(_COUNTED, sums, strict=True))
    return UsageLine(
        group=group,
        **{name: found[name] for name in ("requests", "errors", *_TOKENS, "cost_unknown", "charge_unknown")},
        cost_pusd=found["cost_high"] * MILLION + found["cost_low"],
        charge_pusd=found["charge_high"] * MILLION + found["charge_low"],
    )


__all__ = ["usage_lines"]
