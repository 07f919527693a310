"""What becomes of an account that was found: adopted it is an ordinary one, dismissed it is not shown again."""

from __future__ import annotations

from flowrouter import config
from flowrouter.accounts.account import Account
from flowrouter.errors import ConfigError
from flowrouter.gateway.ports import AccountDraft, Settings
from flowrouter.httpkit.keys import LOCAL_OWNER
from flowrouter.providers.preset import Preset


def draft_of(found: Account, preset: Preset) -> AccountDraft:
    """Return the account to store for `found`, with the key it was found by; raises `ConfigError`.

    Only now is the variable read for its value.
    """
    variable = found.found_in if found.found_in in preset.auth.env_names else None
    names = [variable] if variable is not None else preset.auth.env_names
    keys = config.environment(names)
    if variable is not None and variable not in keys:
        raise ConfigError(
            f"the environment variable {variable} is not set here", fix=f"export {variable}=..."
        )
    key = next((value.strip() for value in keys.values()), None)
    return AccountDraft(name=found.name, preset=preset.id, api_key=key)


def dismiss(found: Account, settings: Settings) -> None:
    """Keep `found` from being shown again; blocks, raises `StorageError`."""
    stored = settings.get(owner_id=LOCAL_OWNER)
    discovery = stored.values.get("discovery") or {}
    names = [*discovery.get("dismissed", ()), found.preset]
    settings.patch(
        {"discovery": {"dismissed": list(dict.fromkeys(names))}},
        owner_id=LOCAL_OWNER,
        if_version=stored.version,
    )


__all__ = ["dismiss", "draft_of"]
