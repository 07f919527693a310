"""What is kept of a receipt: all that it tells beyond the row of its exchange.

Times are hundredths of a millisecond. The order of the fields is part of every store: new ones stand at the end,
and none goes.
"""

from __future__ import annotations

import msgspec

from flowrouter.canonical.fates import Fate
from flowrouter.canonical.receipt import BudgetNote, Seam

NO_ROUTE = msgspec.Raw(b"null")


class TryRest(msgspec.Struct, frozen=True, array_like=True):
    """One try at a target, of which the row knows the rest; times count from the exchange's start."""

    account: str
    started: float
    took: float
    head: float | None = None
    trial: bool = False
    paused_ms: float | None = None


class Unusual(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What most exchanges have nothing of; the first `lost` losses of the row are the request's."""

    fields: tuple[Fate, ...] = ()
    lost: int = 0
    seams: tuple[Seam, ...] = ()
    not_completed: str | None = None
    waited_ms: float = 0.0
    bypass: str = ""
    budget: BudgetNote | None = None


class ReceiptRest(msgspec.Struct, frozen=True, array_like=True):
    """The rest of one receipt: `took` until the end, `first` until the first meaningful piece, `route` as JSON."""

    took: float
    first: float | None
    answered_model: str | None
    route: msgspec.Raw = NO_ROUTE
    tries: tuple[TryRest, ...] = ()
    unusual: Unusual | None = None


__all__ = ["NO_ROUTE", "ReceiptRest", "TryRest", "Unusual"]
