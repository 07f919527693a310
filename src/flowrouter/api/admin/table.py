"""Every management route, once: the server, the OpenAPI description and the guide's tests read these rows."""

from __future__ import annotations

from typing import Any

import msgspec

from flowrouter.api.admin import account_lists, accounts, keys, models, presets, request_log, settings, status
from flowrouter.api.admin.call import AdminRoute as Row
from flowrouter.api.admin.deps import AccountTest
from flowrouter.api.admin.paging import PageQuery
from flowrouter.api.models import ModelEntry
from flowrouter.gateway.ports import AccountDraft

ADMIN_ROUTES: tuple[Row, ...] = (
    Row(
        method="GET",
        path="/api/accounts",
        summary="List the accounts",
        answer=accounts.list_accounts,
        reply=accounts.AccountShown,
        many=True,
        query=PageQuery,
    ),
    Row(
        method="POST",
        path="/api/accounts",
        summary="Add an account",
        answer=accounts.create_account,
        reply=accounts.AccountShown,
        status=201,
        body=AccountDraft,
    ),
    Row(
        method="GET",
        path="/api/accounts/{id}",
        summary="Show an account",
        answer=accounts.get_account,
        reply=accounts.AccountShown,
    ),
    Row(
        method="PATCH",
        path="/api/accounts/{id}",
        summary="Change an account",
        answer=accounts.change_account,
        reply=accounts.AccountShown,
        body=accounts.AccountPatch,
    ),
    Row(
        method="DELETE",
        path="/api/accounts/{id}",
        summary="Remove an account",
        answer=accounts.delete_account,
        reply=accounts.Removed,
    ),
    Row(
        method="GET",
        path="/api/accounts/{id}/models",
        summary="List the models of an account",
        answer=account_lists.list_account_models,
        reply=account_lists.AccountModel,
        many=True,
        query=PageQuery,
    ),
    Row(
        method="POST",
        path="/api/accounts/{id}/models/refresh",
        summary="Ask the provider for its models now",
        answer=account_lists.refresh_account_models,
        reply=account_lists.Refreshed,
        body=status.Nothing,
    ),
    Row(
        method="POST",
        path="/api/accounts/{id}/test",
        summary="Try an account with one tiny call",
        answer=account_lists.test_account,
        reply=AccountTest,
        body=status.Nothing,
    ),
    Row(
        method="GET",
        path="/api/presets",
        summary="List the providers",
        answer=presets.list_presets,
        reply=presets.PresetShown,
        many=True,
        query=PageQuery,
    ),
    Row(
        method="GET",
        path="/api/presets/{id}",
        summary="Show a provider",
        answer=presets.get_preset,
        reply=presets.PresetShown,
    ),
    Row(
        method="GET",
        path="/api/keys",
        summary="List the gateway keys",
        answer=keys.list_keys,
        reply=keys.KeyShown,
        many=True,
        query=PageQuery,
    ),
    Row(
        method="POST",
        path="/api/keys",
        summary="Make a gateway key",
        answer=keys.create_key,
        reply=keys.NewKey,
        status=201,
        body=keys.KeyDraft,
    ),
    Row(
        method="DELETE",
        path="/api/keys/{id}",
        summary="Revoke a gateway key",
        answer=keys.revoke_key,
        reply=keys.KeyShown,
    ),
    Row(
        method="GET",
        path="/api/requests",
        summary="List requests, newest first",
        answer=request_log.list_requests,
        reply=request_log.RequestShown,
        many=True,
        query=request_log.RequestsQuery,
    ),
    Row(
        method="GET",
        path="/api/requests/{id}",
        summary="Show a request with its receipt",
        answer=request_log.get_request,
        reply=request_log.RequestDetail,
    ),
    Row(
        method="GET",
        path="/api/receipts/{id}",
        summary="Show the receipt of a request",
        answer=request_log.get_receipt,
        reply=msgspec.Raw,
    ),
    Row(
        method="GET",
        path="/api/usage",
        summary="Sum up tokens and cost",
        answer=request_log.get_usage,
        reply=request_log.UsageShown,
        many=True,
        query=request_log.UsageQuery,
    ),
    Row(
        method="GET",
        path="/api/models",
        summary="List the models that can be asked for",
        answer=models.list_models,
        reply=ModelEntry,
        many=True,
        query=PageQuery,
    ),
    Row(
        method="GET",
        path="/api/plan",
        summary="Explain who would answer for a model",
        answer=models.explain_plan,
        reply=models.PlanShown,
        query=models.PlanQuery,
    ),
    Row(
        method="GET",
        path="/api/settings",
        summary="Show the settings",
        answer=settings.get_settings,
        reply=settings.SettingsShown,
    ),
    Row(
        method="PATCH",
        path="/api/settings",
        summary="Change the settings",
        answer=settings.change_settings,
        reply=settings.SettingsShown,
        body=dict[str, Any],
    ),
    Row(
        method="GET",
        path="/api/status",
        summary="Show how the gateway does",
        answer=status.get_status,
        reply=status.Status,
    ),
    Row(
        method="POST",
        path="/api/handover",
        summary="Make a link that signs a browser in",
        answer=status.create_handover,
        reply=status.HandoverLink,
        status=201,
        body=status.Nothing,
    ),
    Row(
        method="GET",
        path="/api/openapi.json",
        summary="Describe these routes",
        answer=status.get_openapi,
        reply=dict[str, Any],
        bare=True,
    ),
)

__all__ = ["ADMIN_ROUTES"]
