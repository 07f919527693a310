"""Every management route, once: the server, the OpenAPI description and the guide's tests read these rows.

Each subject has its rows in a module of its own; here they come together.
"""

from __future__ import annotations

from typing import Any

from flowrouter.api.admin.about import ABOUT_ROUTES
from flowrouter.api.admin.account_rows import ACCOUNT_ROUTES
from flowrouter.api.admin.backup_rows import BACKUP_ROUTES
from flowrouter.api.admin.call import AdminRoute as Row
from flowrouter.api.admin.call import Call
from flowrouter.api.admin.declaration.routes import DECLARATION_ROUTES
from flowrouter.api.admin.envelope import Reply
from flowrouter.api.admin.keys import (
    KeyDraft,
    KeyPatch,
    KeyShown,
    NewKey,
    change_key,
    create_key,
    get_key,
    list_keys,
    revoke_key,
)
from flowrouter.api.admin.log_rows import LOG_ROUTES
from flowrouter.api.admin.login.rows import PEOPLE_ROUTES
from flowrouter.api.admin.logs import LOG_LINE_ROUTES
from flowrouter.api.admin.money_rows import MONEY_ROUTES
from flowrouter.api.admin.openapi import document
from flowrouter.api.admin.ownership import DetachQuery
from flowrouter.api.admin.paging import PageQuery
from flowrouter.api.admin.quotas import QUOTA_ROUTES
from flowrouter.api.admin.routing_rows import ROUTING_ROUTES
from flowrouter.api.admin.settings import RuntimeSettings, SettingsShown, change_settings, get_settings
from flowrouter.api.admin.status import HandoverLink, Nothing, Status, create_handover, get_status
from flowrouter.api.admin.trying import TRY_ROUTES
from flowrouter.api.admin.usage_rows import USAGE_ROUTES


async def get_openapi(_call: Call) -> Reply:
    """Return the description of these routes."""
    return Reply(data=document(ADMIN_ROUTES), bare=True)


ADMIN_ROUTES: tuple[Row, ...] = (
    *ACCOUNT_ROUTES,
    *ROUTING_ROUTES,
    *LOG_ROUTES,
    Row(
        method="GET",
        path="/api/keys",
        summary="List the gateway keys",
        answer=list_keys,
        reply=KeyShown,
        many=True,
        query=PageQuery,
    ),
    Row(
        method="POST",
        path="/api/keys",
        summary="Make a gateway key",
        answer=create_key,
        reply=NewKey,
        status=201,
        body=KeyDraft,
        tagged=True,
        example={"name": "laptop", "policy": {"models": ["claude-*"]}},
    ),
    Row(
        method="GET",
        path="/api/keys/{id}",
        summary="Show a gateway key",
        answer=get_key,
        reply=KeyShown,
        tagged=True,
    ),
    Row(
        method="PATCH",
        path="/api/keys/{id}",
        summary="Change a gateway key",
        answer=change_key,
        reply=KeyShown,
        body=KeyPatch,
        tagged=True,
        example={"policy": {"limits": {"requests_per_minute": 60}}},
        query=DetachQuery,
    ),
    Row(
        method="DELETE",
        path="/api/keys/{id}",
        summary="Revoke a gateway key",
        answer=revoke_key,
        reply=KeyShown,
        tagged=True,
        query=DetachQuery,
    ),
    Row(
        method="GET",
        path="/api/settings",
        summary="Show the settings",
        answer=get_settings,
        reply=SettingsShown,
        tagged=True,
    ),
    Row(
        method="PATCH",
        path="/api/settings",
        summary="Change the settings",
        answer=change_settings,
        reply=SettingsShown,
        body=dict[str, Any],
        tagged=True,
        patches=RuntimeSettings,
        example={"models": {"aliases": {"smart": "gpt-5.4-mini"}}},
        query=DetachQuery,
    ),
    Row(
        method="GET",
        path="/api/status",
        summary="Show how the gateway does",
        answer=get_status,
        reply=Status,
    ),
    Row(
        method="POST",
        path="/api/handover",
        summary="Make a link that signs a browser in",
        answer=create_handover,
        reply=HandoverLink,
        status=201,
        body=Nothing,
    ),
    Row(
        method="GET",
        path="/api/openapi.json",
        summary="Describe these routes",
        answer=get_openapi,
        reply=dict[str, Any],
        bare=True,
    ),
    *PEOPLE_ROUTES,
    *MONEY_ROUTES,
    *USAGE_ROUTES,
    *BACKUP_ROUTES,
    *DECLARATION_ROUTES,
    *QUOTA_ROUTES,
    *TRY_ROUTES,
    *LOG_LINE_ROUTES,
    *ABOUT_ROUTES,
)

__all__ = ["ADMIN_ROUTES"]
