"""`/api/quotas`: what is left of accounts at their providers, until when, and whether it lasts."""

from __future__ import annotations

from flowrouter.api.admin.call import AdminRoute as Row
from flowrouter.api.admin.call import Call, missing
from flowrouter.api.admin.envelope import Reply
from flowrouter.api.admin.paging import PageQuery, paged
from flowrouter.api.admin.status import Nothing
from flowrouter.gateway.quota_states import AccountQuota, QuotaRefresh, QuotaStates


async def list_quotas(call: Call) -> Reply:
    """Return the quotas of every account, in the order the accounts are tried."""
    rows = [(account.priority, _states(call).of(account)) for account in call.accounts()]
    places = {row.account_id: priority for priority, row in rows}
    return paged(
        [row for _, row in rows],
        call.query,
        key=lambda row: (places.get(row.account_id, 0), row.account, row.account_id),
    )


async def get_account_quota(call: Call) -> Reply:
    """Return the quotas of one account."""
    return Reply(data=_states(call).of(call.account()))


async def refresh_account_quota(call: Call) -> Reply:
    """Ask the account's provider what is left, unless it was asked just before."""
    return Reply(data=await _states(call).refresh(call.account()))


def _states(call: Call) -> QuotaStates:
    if call.deps.quotas is None:
        raise missing("this gateway counts no quotas", code="quotas_not_counted")
    return call.deps.quotas


QUOTA_ROUTES: tuple[Row, ...] = (
    Row(
        method="GET",
        path="/api/quotas",
        summary="List what is left of every account",
        answer=list_quotas,
        reply=AccountQuota,
        many=True,
        query=PageQuery,
    ),
    Row(
        method="GET",
        path="/api/accounts/{id}/quota",
        summary="Show what is left of an account",
        answer=get_account_quota,
        reply=AccountQuota,
    ),
    Row(
        method="POST",
        path="/api/accounts/{id}/quota/refresh",
        summary="Ask the provider what is left of an account",
        answer=refresh_account_quota,
        reply=QuotaRefresh,
        body=Nothing,
    ),
)

__all__ = ["QUOTA_ROUTES", "get_account_quota", "list_quotas", "refresh_account_quota"]
