"""What a batch of finished exchanges adds to the sums over the request log, which lists and charts go by.

They are sums of the rows themselves, so that they say what the rows say; the ledger has sums of its own. Days
are kept for every way to choose at once; days and hours for each way alone, and quarters of an hour over all,
so that the days of any time zone can be made of them.
"""

from __future__ import annotations

from collections.abc import Iterable

from flowrouter.clock import DAY_MS
from flowrouter.gateway.records import RequestRow
from flowrouter.storage.place import Connection

HOUR_MS = 3_600_000
QUARTER_MS = 900_000
DAY_KEY = ("day_ms", "owner_id", "key_id", "account_id", "preset", "model", "client_dialect", "outcome")
SLOT_KEY = ("width_ms", "kind", "name", "slot_ms", "owner_id")
KINDS = DAY_KEY[2:]
SLOT_KINDS = (*KINDS, "client", "combo")
TOKENS = ("input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens", "reasoning_tokens")
"""The kinds that the books count apart; no token is of two."""

MONEY = ("cost", "charge")
SUMS = (
    "requests",
    "errors",
    *TOKENS,
    *(f"{amount}_{part}" for amount in MONEY for part in ("high", "low", "unknown")),
)
MILLION = 1_000_000
"""What divides the two halves of money."""

_Sums = dict[tuple[object, ...], list[int]]


def _adding(table: str, key: tuple[str, ...]) -> str:
    names = (*key, *SUMS)
    return (
        f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"  # noqa: S608 our own names
        f" ON CONFLICT ({', '.join(key)}) DO UPDATE SET "
        + ", ".join(f"{name} = {table}.{name} + excluded.{name}" for name in SUMS)
    )


_ADD_DAYS = _adding("request_days", DAY_KEY)
_ADD_SLOTS = _adding("request_slots", SLOT_KEY)


def add(connection: Connection, new: Iterable[RequestRow]) -> None:
    """Add rows that were not in the log before; part of the caller's transaction, which must hold the ledger."""
    days: _Sums = {}
    slots: _Sums = {}
    for row in new:
        amounts = _amounts(row)
        ts_ms, owner = row.ts_ms, row.owner_id
        named = [getattr(row, kind) or "" for kind in SLOT_KINDS]
        _count(days, (ts_ms - ts_ms % DAY_MS, owner, *named[: len(KINDS)]), amounts)
        _count(slots, (QUARTER_MS, "", "", ts_ms - ts_ms % QUARTER_MS, owner), amounts)
        for width in (DAY_MS, HOUR_MS):
            slot = ts_ms - ts_ms % width
            _count(slots, (width, "", "", slot, owner), amounts)
            for kind, name in zip(SLOT_KINDS, named, strict=True):
                _count(slots, (width, kind, name, slot, owner), amounts)
    connection.executemany(_ADD_DAYS, [(*key, *sums) for key, sums in days.items()])
    connection.executemany(_ADD_SLOTS, [(*key, *sums) for key, sums in slots.items()])


def _count(sums: _Sums, key: tuple[object, ...], amounts: list[int]) -> None:
    present = sums.get(key)
    sums[key] = (
        amounts if present is None else [one + other for one, other in zip(present, amounts, strict=True)]
    )


def _amounts(row: RequestRow) -> list[int]:
    return [
        1,
        int(row.outcome != "ok"),
        *(getattr(row, name) or 0 for name in TOKENS),
        *divmod(row.cost_pusd or 0, MILLION),
        int(row.cost_pusd is None),
        *divmod(row.charge_pusd or 0, MILLION),
        int(row.charge_pusd is None),
    ]


__all__ = [
    "DAY_KEY",
    "HOUR_MS",
    "KINDS",
    "MILLION",
    "MONEY",
    "QUARTER_MS",
    "SLOT_KEY",
    "SLOT_KINDS",
    "SUMS",
    "TOKENS",
    "add",
]
