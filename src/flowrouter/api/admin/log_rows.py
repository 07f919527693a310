"""The rows of the route table about the request log."""

from __future__ import annotations

import msgspec

from flowrouter.api.admin.bodies import BodiesRemoved, delete_bodies, read_bodies
from flowrouter.api.admin.call import AdminRoute as Row
from flowrouter.api.admin.request_log import (
    NamedQuery,
    RequestDetail,
    RequestShown,
    RequestsQuery,
    UsageQuery,
    UsageShown,
    get_receipt,
    get_request,
    get_usage,
    list_requests,
)
from flowrouter.api.admin.request_sheet import get_requests_csv
from flowrouter.gateway.recorded import RecordedExchange

LOG_ROUTES: tuple[Row, ...] = (
    Row(
        method="GET",
        path="/api/requests",
        summary="List requests, newest first",
        answer=list_requests,
        reply=RequestShown,
        many=True,
        query=RequestsQuery,
    ),
    Row(
        method="GET",
        path="/api/requests.csv",
        summary="List requests, for a spreadsheet",
        answer=get_requests_csv,
        reply=None,
        media="text/csv",
        query=NamedQuery,
    ),
    Row(
        method="GET",
        path="/api/requests/{id}",
        summary="Show a request with its receipt",
        answer=get_request,
        reply=RequestDetail,
    ),
    Row(
        method="GET",
        path="/api/requests/{id}/bodies",
        summary="Show what was recorded of a request",
        answer=read_bodies,
        reply=RecordedExchange,
        private=True,
    ),
    Row(
        method="DELETE",
        path="/api/requests/{id}/bodies",
        summary="Remove what was recorded of a request",
        answer=delete_bodies,
        reply=BodiesRemoved,
    ),
    Row(
        method="GET",
        path="/api/receipts/{id}",
        summary="Show the receipt of a request",
        answer=get_receipt,
        reply=msgspec.Raw,
    ),
    Row(
        method="GET",
        path="/api/usage",
        summary="Sum up tokens and cost",
        answer=get_usage,
        reply=UsageShown,
        many=True,
        query=UsageQuery,
    ),
)

__all__ = ["LOG_ROUTES"]
