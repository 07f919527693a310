"""What makes an account usable, checked before it is stored: would its requests be buildable?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec

from flowrouter.accounts.account import Account
from flowrouter.api.admin.envelope import refusal
from flowrouter.api.admin.reading import closest
from flowrouter.config import AccountConfig
from flowrouter.errors import CallerError, ConfigError
from flowrouter.gateway.ports import AccountDraft
from flowrouter.providers import adapter
from flowrouter.providers.catalog import Catalog
from flowrouter.providers.preset import Preset
from flowrouter.settings.quotas import reserves

EMBEDDED = "local"

_NAME_MAX = 100
_PRIORITY_MAX = 1_000_000
_LIMITS_MAX = 20
_WEIGHT_MAX = 1_000_000
_CONCURRENCY_MAX = 1_000_000


def checked(draft: AccountDraft, catalog: Catalog) -> AccountDraft:
    """Return `draft` as it is to be stored (key trimmed, preset by its id); raises `CallerError`."""
    preset = find_preset(draft.preset, catalog)
    key = (draft.api_key or "").strip() or None
    draft = msgspec.structs.replace(draft, api_key=key, preset=preset.id)
    _check_name(draft)
    _check_numbers(draft)
    _check_dialects(draft, preset)
    _check_address(draft, preset)
    _check_headers(draft, preset)
    _check_key(draft, preset)
    return draft


def find_preset(name: str, catalog: Catalog) -> Preset:
    """Return the preset an account may be made of; raises `CallerError`."""
    preset = catalog.find(name)
    if preset is None:
        raise refusal(
            f"there is no preset {name[:100]!r}",
            param="preset",
            code="unknown_preset",
            fix=closest(name, catalog.ids),
        )
    if preset.id == EMBEDDED:
        raise refusal(
            "the embedded model needs no account",
            param="preset",
            fix="it is there by itself once `flow-router local pull` has fetched it",
        )
    return preset


def origins(preset: Preset, base_url: str | None) -> set[tuple[str, str]]:
    """Return the (scheme, host:port) pairs that an account's secrets are sent to."""
    found: set[tuple[str, str]] = set()
    for dialect in preset.served_dialects:
        try:
            parts = urlsplit(adapter.resolve_base_url(preset, dialect, override=base_url))
        except ConfigError:
            continue
        found.add((parts.scheme, parts.netloc.lower()))
    return found


def refuse_moved_secrets(
    account: Account, values: Mapping[str, Any], after: Mapping[str, Any], *, catalog: Catalog
) -> None:
    """Raise `CallerError` where a secret would go to a host that it was not given for; `values` are given anew."""
    preset, old = catalog.find(after["preset"]), catalog.find(account.preset)
    if preset is None:
        return
    known = origins(old, account.base_url) if old is not None else set()
    if origins(preset, after["base_url"]) <= known:
        return
    # Secrets that cannot be opened now may be there all the same, and open again some day.
    sealed = account.problem is not None
    if account.oauth is not None and "oauth" not in values:
        raise _needed_again("oauth", "the account's access was given for another host")
    if account.oauth is None and (account.api_key or sealed) and "api_key" not in values:
        raise _needed_again("api_key", "the account's key was given for another host")
    if sealed and "headers" not in values:
        raise _needed_again("headers", "the account's headers were given for another host")
    sent = {name.lower() for name in values.get("headers") or ()}
    kept = [name for name, _ in account.headers if name.lower() not in sent and name in after["headers"]]
    if kept:
        raise _needed_again("headers", f"the header {kept[0]!r} was given for another host")


def _needed_again(param: str, why: str) -> CallerError:
    return refusal(f"{why}; send it again with the new address", code="secret_needed", param=param)


def _check_name(draft: AccountDraft) -> None:
    try:
        AccountConfig(name=draft.name, preset=draft.preset)
    except ValueError as error:
        raise refusal(str(error), param="name") from None
    if len(draft.name) > _NAME_MAX:
        raise refusal(f"`name` is longer than {_NAME_MAX} characters", param="name")


def _check_numbers(draft: AccountDraft) -> None:
    if not 1 <= draft.priority <= _PRIORITY_MAX:
        raise refusal(f"`priority` must be from 1 (asked first) to {_PRIORITY_MAX}", param="priority")
    if draft.max_concurrency is not None and not 1 <= draft.max_concurrency <= _CONCURRENCY_MAX:
        raise refusal(f"`max_concurrency` must be from 1 to {_CONCURRENCY_MAX}", param="max_concurrency")
    if any(not name or name != name.strip() for name in draft.models):
        raise refusal("`models` holds an empty name or one with blanks around it", param="models")
    if any(not tag or tag != tag.strip() for tag in draft.tags):
        raise refusal("`tags` holds an empty tag or one with blanks around it", param="tags")
    if len(draft.quota) > _LIMITS_MAX:
        raise refusal(f"`quota` holds more than {_LIMITS_MAX} limits", param="quota")
    try:
        reserves(draft.reserve)
    except ValueError as error:
        raise refusal(str(error), param="reserve") from None
    if not 1 <= draft.weight <= _WEIGHT_MAX:
        raise refusal(f"`weight` must be from 1 to {_WEIGHT_MAX}", param="weight")


def _check_dialects(draft: AccountDraft, preset: Preset) -> None:
    for dialect in draft.dialects:
        if preset.base_url(dialect) is None:
            spoken = ", ".join(preset.served_dialects)
            raise refusal(
                f"{preset.name} does not speak {dialect}", param="dialects", fix=f"it speaks {spoken}"
            )


def _check_address(draft: AccountDraft, preset: Preset) -> None:
    for dialect in draft.dialects or preset.served_dialects:
        try:
            adapter.resolve_base_url(preset, dialect, override=draft.base_url)
        except ConfigError as error:
            raise refusal(error.message, param="base_url") from None


def _check_headers(draft: AccountDraft, preset: Preset) -> None:
    _build(draft, preset, param="headers", api_key="any", headers=draft.headers)


def _check_key(draft: AccountDraft, preset: Preset) -> None:
    key = draft.api_key
    if draft.oauth is not None:
        _check_oauth(draft, preset)
        return
    if key is not None and key.startswith("env:"):
        raise refusal(
            "`api_key` takes the key itself; `env:NAME` is read in config.toml only",
            param="api_key",
            fix="send the key, or declare the account in config.toml",
        )
    if key is None and not draft.enabled:
        return
    _build(draft, preset, param="api_key", api_key=key, headers={})


def _check_oauth(draft: AccountDraft, preset: Preset) -> None:
    if draft.api_key is not None:
        raise refusal("an account has either `api_key` or `oauth`", param="oauth")
    if preset.auth.type == "none":
        raise refusal(f"{preset.name} asks for no credential", param="oauth")
    secrets = (draft.oauth.client_secret, draft.oauth.refresh_token) if draft.oauth else ()
    if any(secret is not None and secret.startswith("env:") for secret in secrets):
        raise refusal(
            "`oauth` takes the secrets themselves; `env:NAME` is read in config.toml only", param="oauth"
        )
    _build(draft, preset, param="oauth", api_key="any", headers={})


def _build(
    draft: AccountDraft, preset: Preset, *, param: str, api_key: str | None, headers: Mapping[str, str]
) -> None:
    """Let the adapter say whether such a request can leave."""
    for dialect in draft.dialects or preset.served_dialects:
        try:
            adapter.build(
                preset,
                dialect,
                api_key=api_key,
                base_url=draft.base_url,
                account_headers=headers,
                model="any",
            )
        except ConfigError as error:
            raise _of_adapter(error, param, preset) from None


def _of_adapter(error: ConfigError, param: str, preset: Preset) -> CallerError:
    message = error.message.partition(" (")[0] if error.fix else error.message
    fix = f"keys are made at {preset.auth.key_url}" if param == "api_key" and preset.auth.key_url else ""
    return refusal(message, param=param, fix=fix)


__all__ = ["EMBEDDED", "checked", "find_preset", "origins", "refuse_moved_secrets"]
