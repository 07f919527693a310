"""The routes of charts over the request log, for the table of all routes."""

from __future__ import annotations

from flowrouter.api.admin.call import AdminRoute as Row
from flowrouter.api.admin.request_log import LogQuery
from flowrouter.api.admin.usage_charts import (
    ChartQuery,
    SeriesQuery,
    UsageLatency,
    UsageSeries,
    UsageSummary,
    get_usage_latency,
    get_usage_series,
    get_usage_summary,
)
from flowrouter.api.admin.usage_traffic import (
    FlowQuery,
    SessionsQuery,
    SessionUse,
    UsageFlow,
    get_usage_flow,
    list_usage_sessions,
)

USAGE_ROUTES: tuple[Row, ...] = (
    Row(
        method="GET",
        path="/api/usage/series",
        summary="Sum up tokens and cost over time",
        answer=get_usage_series,
        reply=UsageSeries,
        query=SeriesQuery,
    ),
    Row(
        method="GET",
        path="/api/usage/latency",
        summary="Show how long requests took over time",
        answer=get_usage_latency,
        reply=UsageLatency,
        query=ChartQuery,
    ),
    Row(
        method="GET",
        path="/api/usage/summary",
        summary="Sum up a stretch of time and the one before",
        answer=get_usage_summary,
        reply=UsageSummary,
        query=LogQuery,
    ),
    Row(
        method="GET",
        path="/api/usage/flow",
        summary="Show who asks whom at present",
        answer=get_usage_flow,
        reply=UsageFlow,
        query=FlowQuery,
    ),
    Row(
        method="GET",
        path="/api/usage/sessions",
        summary="List sessions, the one used last first",
        answer=list_usage_sessions,
        reply=SessionUse,
        many=True,
        query=SessionsQuery,
    ),
)

__all__ = ["USAGE_ROUTES"]
