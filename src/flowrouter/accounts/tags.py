"""What rules may choose an account by: its own tags, and those its preset gives.

`local` is never given for an address that may lie outside: a preset of a server on the user's machine gives it
only while the account goes to this machine or a private network. Who knows better tags the account.
"""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

from flowrouter.accounts.account import Account
from flowrouter.providers.preset import Preset

LOCAL = "local"
"""The tag of accounts whose prompts do not leave the user's machine or network."""

_TIER = "tier:"


def tags_of(account: Account, preset: Preset | None) -> tuple[str, ...]:
    """Return the account's tags; tiers of its own replace those of the preset."""
    given = preset.account_tags if preset is not None else ()
    if any(tag.startswith(_TIER) for tag in account.tags):
        given = tuple(tag for tag in given if not tag.startswith(_TIER))
    if LOCAL in given and not _stays_home(account, preset):
        given = tuple(tag for tag in given if tag != LOCAL)
    return tuple(dict.fromkeys((*account.tags, *given)))


def _stays_home(account: Account, preset: Preset | None) -> bool:
    if account.base_url:
        return is_home(account.base_url)
    urls = [] if preset is None else [preset.base_url(dialect) or "" for dialect in preset.served_dialects]
    # The embedded model has no address before it runs, and then one on this machine.
    return all(url == "" or is_home(url) for url in urls)


def is_home(url: str) -> bool:
    """Return whether an address certainly lies on this machine or in a private network."""
    host = (urlsplit(url).hostname or "").rstrip(".").lower()
    if host == "localhost":
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or address.is_private


__all__ = ["LOCAL", "is_home", "tags_of"]
