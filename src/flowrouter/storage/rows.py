"""Rows of the store as values and back; shared by the plain and the SQLAlchemy half."""

from __future__ import annotations

from typing import Any, Protocol

import msgspec

from flowrouter.accounts.account import Account, OAuth, Secret
from flowrouter.accounts.oauth import opened
from flowrouter.accounts.vault import UnsealError, Vault
from flowrouter.canonical.dialect import Dialect
from flowrouter.gateway.ports import StoredCombo
from flowrouter.httpkit.keys import NO_POLICY, GatewayKey, KeyPolicy
from flowrouter.settings.managed import Managed
from flowrouter.settings.oauth import OAuthConfig
from flowrouter.settings.quotas import QuotaLimit
from flowrouter.settings.routing import ComboConfig

_names = msgspec.json.Decoder(tuple[str, ...])
_dialects = msgspec.json.Decoder(tuple[Dialect, ...])
_policy = msgspec.json.Decoder(KeyPolicy)
_oauth = msgspec.json.Decoder(OAuthConfig)
_combo = msgspec.json.Decoder(ComboConfig)
_headers = msgspec.json.Decoder(dict[str, str])
_managed = msgspec.json.Decoder(Managed)
_quota = msgspec.json.Decoder(tuple[QuotaLimit, ...])


class Row(Protocol):
    """A row read by column name: `sqlite3.Row`, or a mapping."""

    def __getitem__(self, name: str, /) -> Any:
        """Return the column's value."""
        ...


def account_from(row: Row, vault: Vault) -> Account:
    """Return the account in `row`, opened; one that does not open comes disabled, with its problem."""
    problem = None
    api_key, headers, oauth = None, (), None
    try:
        api_key = open_key(row, vault)
        headers = open_headers(row, vault)
        oauth = open_oauth(row, vault)
    except UnsealError as error:
        problem = f"{error.message}; enter the account's key again"
    return Account(
        id=row["id"],
        name=row["name"],
        preset=row["preset"],
        owner_id=row["owner_id"],
        base_url=row["base_url"],
        dialects=_dialects.decode(row["dialects"]),
        api_key=api_key,
        headers=headers,
        models=_names.decode(row["models"]),
        priority=row["priority"],
        max_concurrency=row["max_concurrency"],
        unsupported=row["unsupported"],
        tags=_names.decode(row["tags"]) if row["tags"] else (),
        weight=row["weight"] or 1,
        oauth=oauth,
        quota=_quota.decode(row["quota"]) if row["quota"] else (),
        reserve=row["reserve"] or "",
        enabled=bool(row["enabled"]) and problem is None,
        created_at_ms=row["created_at_ms"],
        problem=problem,
        managed=managed_from(row),
    )


def open_key(row: Row, vault: Vault) -> Secret | None:
    """Return the account's key; raises `UnsealError`."""
    blob = row["api_key_sealed"]
    if blob is None:
        return None
    return Secret(vault.open(blob, table="accounts", row=row["id"], field="api_key").decode())


def open_headers(row: Row, vault: Vault) -> tuple[tuple[str, Secret], ...]:
    """Return the account's extra headers; raises `UnsealError`."""
    blob = row["headers_sealed"]
    if blob is None:
        return ()
    headers = _headers.decode(vault.open(blob, table="accounts", row=row["id"], field="headers"))
    return tuple((name, Secret(value)) for name, value in headers.items())


def open_oauth(row: Row, vault: Vault) -> OAuth | None:
    """Return the terms by which the account gets its tokens; raises `UnsealError`."""
    blob = row["oauth_sealed"]
    if blob is None:
        return None
    return opened(_oauth.decode(vault.open(blob, table="accounts", row=row["id"], field="oauth")))


def seal_oauth(account_id: str, oauth: OAuthConfig | None, vault: Vault) -> bytes | None:
    """Return the account's terms as stored."""
    if oauth is None:
        return None
    return vault.seal(msgspec.json.encode(oauth), table="accounts", row=account_id, field="oauth")


def seal_key(account_id: str, api_key: str | None, vault: Vault) -> bytes | None:
    """Return the account's key as stored."""
    if not api_key:
        return None
    return vault.seal(api_key.encode(), table="accounts", row=account_id, field="api_key")


def seal_headers(account_id: str, headers: dict[str, str], vault: Vault) -> bytes | None:
    """Return the account's extra headers as stored."""
    if not headers:
        return None
    return vault.seal(msgspec.json.encode(headers), table="accounts", row=account_id, field="headers")


def key_from(row: Row) -> GatewayKey:
    """Return the gateway key in `row`; one whose policy is not understood comes barred, with its problem."""
    policy, problem = NO_POLICY, None
    try:
        policy = _policy.decode(row["policy"]) if row["policy"] else NO_POLICY
    except msgspec.DecodeError as error:
        problem = f"its policy is not understood: {error}"
    return GatewayKey(
        id=row["id"],
        name=row["name"],
        owner_id=row["owner_id"],
        token_hash=row["token_hash"],
        shown=row["shown"],
        scopes=_names.decode(row["scopes"]),
        created_at_ms=row["created_at_ms"],
        expires_at_ms=row["expires_at_ms"],
        disabled_at_ms=row["disabled_at_ms"],
        revoked_at_ms=row["revoked_at_ms"],
        last_used_at_ms=row["last_used_at_ms"],
        policy=policy,
        version=row["version"] or 1,
        problem=problem,
        managed=managed_from(row),
    )


def combo_from(row: Row) -> StoredCombo:
    """Return the combo in `row`; raises `ValueError` for one that this version does not understand."""
    return StoredCombo(
        id=row["id"],
        owner_id=row["owner_id"],
        name=row["name"],
        config=_combo.decode(row["body"]),
        version=row["version"],
        created_at_ms=row["created_at_ms"],
        updated_at_ms=row["updated_at_ms"],
        managed=managed_from(row),
    )


def managed_from(row: Row) -> Managed | None:
    """Return which applied file owns the thing in `row`, None where the console does."""
    return _managed.decode(row["managed"]) if row["managed"] else None


def json_text(value: Any) -> str:
    """Return `value` as the JSON text of a column."""
    return msgspec.json.encode(value).decode()


__all__ = [
    "Row",
    "account_from",
    "combo_from",
    "json_text",
    "key_from",
    "managed_from",
    "open_headers",
    "open_key",
    "open_oauth",
    "seal_headers",
    "seal_key",
    "seal_oauth",
]
