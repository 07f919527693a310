"""What a batch of finished exchanges adds to the sums over the request log, which lists and charts go by.

They are sums of the rows themselves, so that they say what the rows say; the ledger has sums of its own. Days
are kept for every way to choose at once; days and hours for each way alone, and quarters of an hour over all,
so that the days of any time zone can be made of them.

Many exchanges of a batch are alike in all of that: they are summed first, and only their sums are put under
each key.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from flowrouter.clock import DAY_MS
from flowrouter.storage.columns import grouped, taken
from flowrouter.storage.insertion import adding
from flowrouter.storage.place import Connection, Place

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

_DAYS = adding("request_days", key=DAY_KEY, sums=SUMS)
_SLOTS = adding("request_slots", key=SLOT_KEY, sums=SUMS)
_ALIKE = ("owner_id", *SLOT_KINDS)
_SUMMED = ("cost_pusd", "charge_pusd", *TOKENS)


class Alike(msgspec.Struct, frozen=True):
    """`SUMS` of exchanges of one quarter of an hour and owner, with the same `names` in `SLOT_KINDS`, empty for none."""

    quarter_ms: int
    owner_id: str
    names: tuple[str, ...]
    sums: tuple[int, ...]


def alike(columns: Mapping[str, Sequence[Any]]) -> list[Alike]:
    """Return the sums of what differs in nothing that sums are kept by, out of the columns of the request log."""
    quarters = [ts_ms - ts_ms % QUARTER_MS for ts_ms in columns["ts_ms"]]
    amounts = [columns[name] for name in _SUMMED]
    found: list[Alike] = []
    for key, places in grouped([quarters, *(columns[name] for name in _ALIKE)]).items():
        quarter_ms, owner_id, *kinds = key
        names = tuple([name or "" for name in kinds])
        failed = names[SLOT_KINDS.index("outcome")] != "ok"
        sums = _summed([taken(column, places) for column in amounts], failed=failed)
        found.append(Alike(quarter_ms, owner_id, names, sums))
    return found


def add(place: Place, connection: Connection, groups: Iterable[Alike]) -> None:
    """Add what was not in the log before; part of the caller's transaction, which must hold the ledger."""
    days: dict[tuple[Any, ...], list[Sequence[int]]] = defaultdict(list)
    slots: dict[tuple[Any, ...], list[Sequence[int]]] = defaultdict(list)
    for group in groups:
        quarter, owner, names, sums = group.quarter_ms, group.owner_id, group.names, group.sums
        days[quarter - quarter % DAY_MS, owner, *names[: len(KINDS)]].append(sums)
        slots[QUARTER_MS, "", "", quarter, owner].append(sums)
        for width in (DAY_MS, HOUR_MS):
            slot = quarter - quarter % width
            slots[width, "", "", slot, owner].append(sums)
            for kind, name in zip(SLOT_KINDS, names, strict=True):
                slots[width, kind, name, slot, owner].append(sums)
    place.insert(connection, _DAYS, totals(days))
    place.insert(connection, _SLOTS, totals(slots))


def totals(sums: Mapping[tuple[Any, ...], Sequence[Sequence[int]]]) -> list[tuple[Any, ...]]:
    """Return the columns of what is to be added: those of the key, then the sums of what is under it."""
    rows = [
        (*key, *(parts[0] if len(parts) == 1 else map(sum, zip(*parts, strict=True))))
        for key, parts in sums.items()
    ]
    return list(zip(*rows, strict=True))


def _summed(amounts: Sequence[Sequence[int | None]], *, failed: bool) -> tuple[int, ...]:
    """Return `SUMS` of the columns `_SUMMED`."""
    cost, charge, *tokens = amounts
    return (
        len(cost),
        len(cost) if failed else 0,
        *(sum(filter(None, counts)) for counts in tokens),
        *_halves(cost),
        *_halves(charge),
    )


def _halves(amounts: Sequence[int | None]) -> tuple[int, int, int]:
    """Return whole micro-USD, what of each is left in pico-USD, and how many are unknown."""
    known = [amount for amount in amounts if amount is not None]
    high = sum([amount // MILLION for amount in known])
    return high, sum(known) - high * MILLION, len(amounts) - len(known)


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
    "Alike",
    "add",
    "alike",
    "totals",
]
