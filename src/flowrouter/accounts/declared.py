"""Accounts written in the configuration file, as the gateway holds them."""

from __future__ import annotations

from flowrouter.accounts.account import Account, Secret, declared_id
from flowrouter.accounts.oauth import opened
from flowrouter.config import AccountConfig
from flowrouter.httpkit.keys import LOCAL_OWNER


def declared(written: AccountConfig) -> Account:
    """Return the account that one `[[accounts]]` table (or the embedded model) declares."""
    return Account(
        id=declared_id(written.name),
        name=written.name,
        preset=written.preset,
        owner_id=LOCAL_OWNER,
        base_url=written.base_url,
        dialects=written.dialects,
        api_key=Secret(written.api_key) if written.api_key else None,
        headers=tuple((name, Secret(value)) for name, value in written.headers.items()),
        models=written.models,
        priority=written.priority,
        enabled=written.enabled,
        max_concurrency=written.max_concurrency,
        unsupported=written.unsupported,
        tags=written.tags,
        weight=written.weight,
        quota=written.quota,
        reserve=written.reserve,
        oauth=None if written.oauth is None else opened(written.oauth),
        source="config",
    )


__all__ = ["declared"]
