"""The routes of budgets and of usage beyond its sums, for the table of all routes."""

from __future__ import annotations

from flowrouter.api.admin.budgets import Released, get_budget, list_budgets, release_budget
from flowrouter.api.admin.call import AdminRoute as Row
from flowrouter.api.admin.paging import PageQuery
from flowrouter.api.admin.request_log import UsageQuery
from flowrouter.api.admin.status import Nothing
from flowrouter.api.admin.usage import StreamQuery, get_session_bill, get_usage_csv, stream_usage
from flowrouter.gateway.budget_states import BudgetState
from flowrouter.usage.sessions import SessionBill

MONEY_ROUTES: tuple[Row, ...] = (
    Row(
        method="GET",
        path="/api/usage.csv",
        summary="Sum up tokens and cost, for a spreadsheet",
        answer=get_usage_csv,
        reply=None,
        media="text/csv",
        query=UsageQuery,
    ),
    Row(
        method="GET",
        path="/api/usage/stream",
        summary="Tell of requests as they are settled",
        answer=stream_usage,
        reply=None,
        media="text/event-stream",
        query=StreamQuery,
    ),
    Row(
        method="GET",
        path="/api/usage/sessions/{id}",
        summary="Show what a session cost, and why",
        answer=get_session_bill,
        reply=SessionBill,
    ),
    Row(
        method="GET",
        path="/api/budgets",
        summary="List the budgets as they stand",
        answer=list_budgets,
        reply=BudgetState,
        many=True,
        query=PageQuery,
    ),
    Row(
        method="GET",
        path="/api/budgets/{id}",
        summary="Show a budget as it stands",
        answer=get_budget,
        reply=BudgetState,
    ),
    Row(
        method="POST",
        path="/api/budgets/{id}/release",
        summary="Give back what crashed processes had drawn of a budget",
        answer=release_budget,
        reply=Released,
        body=Nothing,
    ),
)

__all__ = ["MONEY_ROUTES"]
