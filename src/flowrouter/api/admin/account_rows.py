"""The rows of the route table about accounts and the providers they are made of."""

from __future__ import annotations

from flowrouter.api.admin.account_lists import (
    EVENTS,
    AccountModel,
    Refreshed,
    list_account_models,
    refresh_account_models,
    try_account,
)
from flowrouter.api.admin.accounts import (
    AccountPatch,
    AccountShown,
    Removed,
    adopt_account,
    change_account,
    create_account,
    delete_account,
    get_account,
    list_accounts,
)
from flowrouter.api.admin.call import AdminRoute as Row
from flowrouter.api.admin.deps import AccountTest
from flowrouter.api.admin.ownership import DetachQuery
from flowrouter.api.admin.paging import PageQuery
from flowrouter.api.admin.presets import PresetShown, get_preset, list_presets
from flowrouter.api.admin.rules import Resumed, resume_account
from flowrouter.api.admin.status import Nothing
from flowrouter.gateway.ports import AccountDraft

ACCOUNT_ROUTES: tuple[Row, ...] = (
    Row(
        method="GET",
        path="/api/accounts",
        summary="List the accounts",
        answer=list_accounts,
        reply=AccountShown,
        many=True,
        query=PageQuery,
    ),
    Row(
        method="POST",
        path="/api/accounts",
        summary="Add an account",
        answer=create_account,
        reply=AccountShown,
        status=201,
        body=AccountDraft,
        example={"name": "work", "preset": "openai", "api_key": "sk-example-0123456789"},
        tagged=True,
    ),
    Row(
        method="GET",
        path="/api/accounts/{id}",
        summary="Show an account",
        answer=get_account,
        reply=AccountShown,
        tagged=True,
    ),
    Row(
        method="PATCH",
        path="/api/accounts/{id}",
        summary="Change an account",
        answer=change_account,
        reply=AccountShown,
        body=AccountPatch,
        tagged=True,
        example={"priority": 2, "models": ["gpt-*"]},
        query=DetachQuery,
    ),
    Row(
        method="DELETE",
        path="/api/accounts/{id}",
        summary="Remove an account",
        answer=delete_account,
        reply=Removed,
        tagged=True,
        query=DetachQuery,
    ),
    Row(
        method="GET",
        path="/api/accounts/{id}/models",
        summary="List the models of an account",
        answer=list_account_models,
        reply=AccountModel,
        many=True,
        query=PageQuery,
    ),
    Row(
        method="POST",
        path="/api/accounts/{id}/models/refresh",
        summary="Ask the provider for its models now",
        answer=refresh_account_models,
        reply=Refreshed,
        body=Nothing,
        fails=(502,),
    ),
    Row(
        method="POST",
        path="/api/accounts/{id}/adopt",
        summary="Take up an account that was found",
        answer=adopt_account,
        reply=AccountShown,
        status=201,
        body=Nothing,
    ),
    Row(
        method="POST",
        path="/api/accounts/{id}/test",
        summary="Try an account with one tiny call",
        answer=try_account,
        reply=AccountTest,
        body=Nothing,
        also=EVENTS,
    ),
    Row(
        method="POST",
        path="/api/accounts/{id}/resume",
        summary="End the pauses of an account",
        answer=resume_account,
        reply=Resumed,
        body=Nothing,
    ),
    Row(
        method="GET",
        path="/api/presets",
        summary="List the providers",
        answer=list_presets,
        reply=PresetShown,
        many=True,
        query=PageQuery,
    ),
    Row(
        method="GET",
        path="/api/presets/{id}",
        summary="Show a provider",
        answer=get_preset,
        reply=PresetShown,
    ),
)

__all__ = ["ACCOUNT_ROUTES"]
