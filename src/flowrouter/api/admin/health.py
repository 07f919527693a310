"""`/api/health/targets`: how each account and model does."""

from __future__ import annotations

from flowrouter.api.admin.call import Call
from flowrouter.api.admin.envelope import Reply
from flowrouter.api.admin.paging import paged


async def list_targets(call: Call) -> Reply:
    """Return the state of every target that was used or pauses; asks nobody."""
    accounts = call.deps.world().accounts
    rows = (
        row
        for row in call.deps.targets()
        if (account := accounts.get(row.account_id)) is not None and call.visitor.owns(account.owner_id)
    )
    return paged(rows, call.query, key=lambda row: (row.account, row.model, row.account_id))


__all__ = ["list_targets"]
