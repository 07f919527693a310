"""Accounts and worlds as playbooks use them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flowrouter.accounts.account import Account, Secret
from flowrouter.canonical.dialect import Dialect
from flowrouter.gateway.ports import Snapshot, StoredCombo
from flowrouter.gateway.world import World, compile_world
from flowrouter.httpkit.keys import GatewayKey, KeyRing
from flowrouter.providers import catalog


def account(name: str, dialect: Dialect, *, priority: int = 1, models: tuple[str, ...] = ("*",)) -> Account:
    """Return an account at a custom provider of `dialect`."""
    preset = {
        "openai_chat": "custom-openai",
        "openai_responses": "custom-responses",
        "anthropic": "custom-anthropic",
        "gemini": "custom-gemini",
    }[dialect]
    return Account(
        id=name,
        name=name,
        preset=preset,
        owner_id="local",
        base_url=f"http://{name}.test/{'v1beta' if dialect == 'gemini' else 'v1'}",
        api_key=Secret(f"secret-of-{name}"),
        models=models,
        priority=priority,
    )


def world(
    *accounts: Account,
    aliases: dict[str, str] | None = None,
    reply_model: str = "answered",
    keys: Sequence[GatewayKey] = (),
    stored: Sequence[StoredCombo] = (),
    **compiled: Any,
) -> World:
    """Return a world with `accounts`; `compiled` are further arguments of `compile_world` (`routing`)."""
    return compile_world(
        Snapshot(version=1, loaded_at_ms=0, keys=KeyRing(keys), combos=tuple(stored)),
        declared=accounts,
        catalog=catalog.packaged(),
        aliases=aliases,
        reply_model=reply_model,
        **compiled,
    )


__all__ = ["account", "world"]
