"""The store as things to compare: everything that a declaration could say, as it is now."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from flowrouter.accounts.account import Account
from flowrouter.accounts.oauth import written
from flowrouter.api.admin.declaration.things import Present
from flowrouter.api.admin.declaration.units import dotted, typed, units
from flowrouter.api.admin.deps import Repositories
from flowrouter.gateway.people import User
from flowrouter.gateway.ports import AccountDraft, StoredCombo, StoredSettings
from flowrouter.httpkit.keys import LOCAL_OWNER, GatewayKey, TokenMark
from flowrouter.settings.managed import Managed

_ACCOUNT = [name for name in AccountDraft.__struct_fields__ if name not in ("name", "api_key", "headers", "oauth")]  # fmt: skip


def present(store: Repositories) -> list[Present]:
    """Return what is stored and could be declared, by kind and name; raises `StorageError`."""
    accounts = sorted(store.accounts.list(owner_id=LOCAL_OWNER), key=lambda account: account.name)
    keys = sorted(store.keys.list(), key=lambda key: (key.name, key.owner_id))
    return [
        *map(_account, accounts),
        *map(_combo, store.combos.list(owner_id=LOCAL_OWNER)),
        *_settings(store.settings.get(owner_id=LOCAL_OWNER)),
        *(_key(key) for key in keys if key.revoked_at_ms is None),
        *(_user(user, store) for user in store.users.list()),
    ]


def _account(account: Account) -> Present:
    fields: dict[str, Any] = {name: getattr(account, name) for name in _ACCOUNT}
    fields["api_key"] = account.api_key.reveal() if account.api_key and account.oauth is None else None
    fields["headers"] = {name: value.reveal() for name, value in account.headers}
    fields["oauth"] = None if account.oauth is None else written(account.oauth)
    return Present(
        kind="account",
        name=account.name,
        id=account.id,
        fields=fields,
        managed=account.managed,
        row=account,
    )


def _combo(combo: StoredCombo) -> Present:
    fields = {name: getattr(combo.config, name) for name in combo.config.__struct_fields__}
    return Present(
        kind="combo", name=combo.name, id=combo.id, fields=fields, managed=combo.managed, row=combo
    )


def _settings(stored: StoredSettings) -> Iterator[Present]:
    owners = {member.path: member.file for member in stored.managed}
    for path, value in sorted(units(stored.values).items()):
        try:
            fields = {"value": typed(path, value)}
        except msgspec.ValidationError:  # of another version: it differs from whatever a file wants
            fields = {"value": None}
        owner = owners.get(path)
        yield Present(
            kind="setting",
            name=dotted(path),
            id=dotted(path),
            path=path,
            fields=fields,
            managed=None if owner is None else Managed(file=owner, fields=("value",)),
            row=value,
        )


def _key(key: GatewayKey) -> Present:
    fields: dict[str, Any] = {
        "owner": key.owner_id,
        "scopes": key.scopes,
        "expires_at_ms": key.expires_at_ms,
        "enabled": key.disabled_at_ms is None,
        "token": TokenMark(token_hash=key.token_hash, shown=key.shown),
        **{f"policy.{name}": getattr(key.policy, name) for name in key.policy.__struct_fields__},
    }
    return Present(kind="key", name=key.name, id=key.id, fields=fields, managed=key.managed, row=key)


def _user(user: User, store: Repositories) -> Present:
    found = store.users.find(user.name)
    fields = {"role": user.role, "enabled": user.enabled, "password": found[1] if found else None}
    return Present(kind="user", name=user.name, id=user.id, fields=fields, managed=user.managed, row=user)


__all__ = ["present"]
