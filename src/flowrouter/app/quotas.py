"""What keeps and fetches the quotas of accounts, put together for one program."""

from __future__ import annotations

from collections.abc import Callable

from flowrouter import logs
from flowrouter.app.ground import Ground
from flowrouter.gateway.quota_fetch import QuotaFetch
from flowrouter.gateway.quota_keeping import AccountBooks, QuotaKeeping
from flowrouter.gateway.quotas import Quotas
from flowrouter.storage import StoredPauses


def fetching(ground: Ground, quotas: Quotas) -> QuotaFetch:
    """Return what asks providers through the program's guarded network."""
    return QuotaFetch(
        quotas,
        ground.transport,
        world=lambda: ground.configuration.world,
        ready=ground.credentials.ready,
        clock=ground.clock,
        log=logs.get("quotas"),
    )


def keeping(ground: Ground, quotas: Quotas, *, books: Callable[[], AccountBooks]) -> QuotaKeeping:
    """Return what keeps quotas beside the pauses, and looks into the books through the management's door."""
    return QuotaKeeping(
        quotas,
        state=ground.state,
        kept=StoredPauses(ground.store.place, clock=ground.clock, prefix="quota:"),
        books=books,
        world=lambda: ground.configuration.world,
        clock=ground.clock,
        log=logs.get("quotas"),
    )


__all__ = ["fetching", "keeping"]
