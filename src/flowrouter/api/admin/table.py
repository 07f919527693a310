"""Every management route, once: the server, the OpenAPI description and the guide's tests read these rows."""

from __future__ import annotations

from typing import Any

import msgspec

from flowrouter.api.admin.account_lists import (
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
from flowrouter.api.admin.call import Call
from flowrouter.api.admin.combos import (
    ComboDraft,
    ComboPatch,
    ComboRemoved,
    ComboShown,
    change_combo,
    create_combo,
    delete_combo,
    get_combo,
    list_combos,
)
from flowrouter.api.admin.deps import AccountTest
from flowrouter.api.admin.envelope import Reply
from flowrouter.api.admin.health import list_targets
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
from flowrouter.api.admin.login.rows import PEOPLE_ROUTES
from flowrouter.api.admin.models import PlanQuery, PlanQuestion, explain_plan, explain_request, list_models
from flowrouter.api.admin.money_rows import MONEY_ROUTES
from flowrouter.api.admin.openapi import document
from flowrouter.api.admin.paging import PageQuery
from flowrouter.api.admin.presets import PresetShown, get_preset, list_presets
from flowrouter.api.admin.request_log import (
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
from flowrouter.api.admin.rules import Resumed, RuleRow, list_rules, resume_account
from flowrouter.api.admin.settings import SettingsShown, change_settings, get_settings
from flowrouter.api.admin.status import HandoverLink, Nothing, Status, create_handover, get_status
from flowrouter.api.admin.translate import TranslateQuestion, Translation, translate_body
from flowrouter.api.models import ModelEntry
from flowrouter.gateway.explain import Explanation
from flowrouter.gateway.ports import AccountDraft
from flowrouter.gateway.target_states import TargetState


async def get_openapi(_call: Call) -> Reply:
    """Return the description of these routes."""
    return Reply(data=document(ADMIN_ROUTES), bare=True)


ADMIN_ROUTES: tuple[Row, ...] = (
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
    ),
    Row(
        method="GET",
        path="/api/accounts/{id}",
        summary="Show an account",
        answer=get_account,
        reply=AccountShown,
    ),
    Row(
        method="PATCH",
        path="/api/accounts/{id}",
        summary="Change an account",
        answer=change_account,
        reply=AccountShown,
        body=AccountPatch,
    ),
    Row(
        method="DELETE",
        path="/api/accounts/{id}",
        summary="Remove an account",
        answer=delete_account,
        reply=Removed,
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
    ),
    Row(
        method="GET",
        path="/api/combos",
        summary="List the combos",
        answer=list_combos,
        reply=ComboShown,
        many=True,
        query=PageQuery,
    ),
    Row(
        method="POST",
        path="/api/combos",
        summary="Make a combo",
        answer=create_combo,
        reply=ComboShown,
        status=201,
        body=ComboDraft,
    ),
    Row(
        method="GET",
        path="/api/combos/{id}",
        summary="Show a combo",
        answer=get_combo,
        reply=ComboShown,
    ),
    Row(
        method="PATCH",
        path="/api/combos/{id}",
        summary="Change a combo",
        answer=change_combo,
        reply=ComboShown,
        body=ComboPatch,
    ),
    Row(
        method="DELETE",
        path="/api/combos/{id}",
        summary="Remove a combo",
        answer=delete_combo,
        reply=ComboRemoved,
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
    ),
    Row(
        method="GET",
        path="/api/keys/{id}",
        summary="Show a gateway key",
        answer=get_key,
        reply=KeyShown,
    ),
    Row(
        method="PATCH",
        path="/api/keys/{id}",
        summary="Change a gateway key",
        answer=change_key,
        reply=KeyShown,
        body=KeyPatch,
    ),
    Row(
        method="DELETE",
        path="/api/keys/{id}",
        summary="Revoke a gateway key",
        answer=revoke_key,
        reply=KeyShown,
    ),
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
        path="/api/requests/{id}",
        summary="Show a request with its receipt",
        answer=get_request,
        reply=RequestDetail,
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
    Row(
        method="GET",
        path="/api/models",
        summary="List the models that can be asked for",
        answer=list_models,
        reply=ModelEntry,
        many=True,
        query=PageQuery,
    ),
    Row(
        method="GET",
        path="/api/plan",
        summary="Explain who would answer for a model",
        answer=explain_plan,
        reply=Explanation,
        query=PlanQuery,
    ),
    Row(
        method="POST",
        path="/api/plan",
        summary="Explain who would answer a request",
        answer=explain_request,
        reply=Explanation,
        body=PlanQuestion,
    ),
    Row(
        method="GET",
        path="/api/rules",
        summary="List what failures mean",
        answer=list_rules,
        reply=RuleRow,
        many=True,
        query=PageQuery,
    ),
    Row(
        method="GET",
        path="/api/health/targets",
        summary="Show how accounts and models do",
        answer=list_targets,
        reply=TargetState,
        many=True,
        query=PageQuery,
    ),
    Row(
        method="POST",
        path="/api/translate",
        summary="Translate a message to another dialect",
        answer=translate_body,
        reply=Translation,
        body=TranslateQuestion,
    ),
    Row(
        method="GET",
        path="/api/settings",
        summary="Show the settings",
        answer=get_settings,
        reply=SettingsShown,
    ),
    Row(
        method="PATCH",
        path="/api/settings",
        summary="Change the settings",
        answer=change_settings,
        reply=SettingsShown,
        body=dict[str, Any],
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
)

__all__ = ["ADMIN_ROUTES"]
